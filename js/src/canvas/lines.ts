/** Lines over pictures. */

/** A white line on a dark one, to be seen on any picture. */
export function stroke(context: CanvasRenderingContext2D): void {
  const line = Math.max(1, window.devicePixelRatio);
  context.lineWidth = 3 * line;
  context.strokeStyle = "rgb(0 0 0 / 0.55)";
  context.stroke();
  context.lineWidth = line;
  context.strokeStyle = "#fff";
  context.stroke();
}
