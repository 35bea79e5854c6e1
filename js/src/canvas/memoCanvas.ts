/** A canvas that is redrawn only when its size or its inputs change. */
export class MemoCanvas {
  readonly canvas = new OffscreenCanvas(1, 1);
  /** How often it was drawn. */
  version = 0;
  private inputs: readonly unknown[] = [];

  constructor(private readonly settings?: CanvasRenderingContext2DSettings) {}

  show(
    width: number,
    height: number,
    inputs: readonly unknown[],
    draw: (context: OffscreenCanvasRenderingContext2D) => void,
  ): OffscreenCanvas {
    const { canvas } = this;
    const resized = canvas.width !== width || canvas.height !== height;
    const same = this.version > 0 && !resized && inputs.every((input, i) => input === this.inputs[i]);
    if (same) return canvas;
    const context = canvas.getContext("2d", this.settings);
    if (!context) return canvas;
    if (resized) Object.assign(canvas, { width, height });
    draw(context);
    this.inputs = inputs;
    this.version += 1;
    return canvas;
  }
}
