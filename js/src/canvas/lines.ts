/** Lines over pictures. */

type Stroked = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;
type Pen = readonly [width: number, colour: string];

/** Draws a path with one pen, and over that with another. */
export function strokeTwice(context: Stroked, ...pens: readonly [below: Pen, above: Pen]): void {
  for (const [width, colour] of pens) {
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.stroke();
  }
}

/** A white line on a dark one, to be seen on any picture. */
export function stroke(context: Stroked): void {
  const line = Math.max(1, window.devicePixelRatio);
  strokeTwice(context, [3 * line, "rgb(0 0 0 / 0.55)"], [line, "#fff"]);
}
