/** What is painted, drawn over the large picture: the very pixels that the model is asked about. */

import type { Mask } from "../math/mask";
import type { Point, Rect, Transform } from "../math/transform";
import type { Painting } from "../state/painting";
import type { Picture } from "../state/store";
import { packed } from "./channels";
import { stroke } from "./lines";

const FILL = packed(20, 110, 255, 130);
const EDGE = packed(255, 255, 255, 235);
const COVERED = packed(8, 10, 14, 150);

/** Colours of the pixels of a mask: what is marked, and its edge; where it alone is kept, all else is dark. */
export function maskColors({ width, height, pixels }: Mask, keep: boolean, out: Uint32Array): void {
  for (let row = 0, i = 0; row < height; row++) {
    for (let column = 0; column < width; column++, i++) {
      if (!pixels[i]) {
        out[i] = keep ? COVERED : 0;
        continue;
      }
      const isInside =
        (column === 0 || pixels[i - 1]) &&
        (column === width - 1 || pixels[i + 1]) &&
        (row === 0 || pixels[i - width]) &&
        (row === height - 1 || pixels[i + width]);
      out[i] = isInside ? (keep ? 0 : FILL) : EDGE;
    }
  }
}

export class MaskOverlay {
  private canvas: OffscreenCanvas | null = null;
  private drawnMask: Mask | null = null;
  private drawnKeep = false;

  constructor(private readonly painting: Painting) {}

  /** Reads all that it is drawn from; who reads signals within an effect subscribes to them. */
  watch(): void {
    const { isOn, mask, keep, outline, pointer, brush, tool } = this.painting;
    for (const signal of [isOn, mask, keep, outline, pointer, brush, tool]) signal.value;
  }

  draw(context: CanvasRenderingContext2D, rect: Rect, view: Transform, picture: Picture): void {
    const { isOn, isEmpty } = this.painting;
    if (!isOn.peek()) return;
    context.save();
    context.beginPath();
    context.rect(rect.x, rect.y, rect.width, rect.height);
    context.clip();
    const at = (point: Point) => {
      const seen = view.apply(point);
      return { x: rect.x + rect.width * seen.x, y: rect.y + rect.height * seen.y };
    };
    if (!isEmpty.peek()) this.drawMask(context, at, picture);
    this.drawOutline(context, at);
    this.drawBrush(context, at, rect, view, picture);
    context.restore();
  }

  private drawMask(context: CanvasRenderingContext2D, at: (point: Point) => Point, picture: Picture): void {
    const [left, top, right, bottom] = picture.box;
    const [start, end] = [at({ x: left, y: top }), at({ x: right, y: bottom })];
    context.imageSmoothingEnabled = false;
    context.drawImage(this.image(), start.x, start.y, end.x - start.x, end.y - start.y);
  }

  /** The mask in its own pixels, made anew where it has changed. */
  private image(): OffscreenCanvas {
    const [mask, keep] = [this.painting.mask.peek(), this.painting.keep.peek()];
    this.canvas ??= new OffscreenCanvas(1, 1);
    const { canvas } = this;
    if (this.drawnMask === mask && this.drawnKeep === keep) return canvas;
    if (canvas.width !== mask.width || canvas.height !== mask.height) {
      Object.assign(canvas, { width: mask.width, height: mask.height });
    }
    const image = new ImageData(mask.width, mask.height);
    maskColors(mask, keep, new Uint32Array(image.data.buffer));
    canvas.getContext("2d")?.putImageData(image, 0, 0);
    [this.drawnMask, this.drawnKeep] = [mask, keep];
    return canvas;
  }

  /** The box or lasso that is not closed yet. */
  private drawOutline(context: CanvasRenderingContext2D, at: (point: Point) => Point): void {
    const { outline, tool } = this.painting;
    const [first, ...others] = outline.peek().map(at);
    if (!first) return;
    context.beginPath();
    if (tool.peek() === "box") {
      const last = others.at(-1) ?? first;
      context.rect(first.x, first.y, last.x - first.x, last.y - first.y);
    } else {
      context.moveTo(first.x, first.y);
      for (const { x, y } of others) context.lineTo(x, y);
      context.closePath();
    }
    context.fillStyle = "rgb(20 110 255 / 0.25)";
    context.fill();
    stroke(context);
  }

  private drawBrush(
    context: CanvasRenderingContext2D,
    at: (point: Point) => Point,
    rect: Rect,
    view: Transform,
    picture: Picture,
  ): void {
    const { pointer, tool, brush } = this.painting;
    const place = pointer.peek();
    if (!place || !["brush", "eraser"].includes(tool.peek())) return;
    const { x, y } = at(place);
    const [left, top, right, bottom] = picture.box;
    const side = Math.min(rect.width * (right - left), rect.height * (bottom - top));
    context.beginPath();
    context.arc(x, y, Math.max(1, (side * view.k * brush.peek()) / 2), 0, 2 * Math.PI);
    stroke(context);
  }
}
