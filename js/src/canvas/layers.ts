import type { TileMap } from "../store";
import { type Look, type Overlay, overlayMaker } from "./overlay";
import type { Rect } from "./transform";

/** Larger than this nothing is kept at its size on the screen: it is scaled while it is drawn. */
const LARGEST = 448;

/** A drawing that is kept until what it was made of changes. */
class Kept {
  private readonly canvas = new OffscreenCanvas(1, 1);
  private made: readonly unknown[] = [];

  show(
    width: number,
    height: number,
    of: readonly unknown[],
    draw: (context: OffscreenCanvasRenderingContext2D) => void,
  ): OffscreenCanvas {
    const { canvas, made } = this;
    const same =
      canvas.width === width && canvas.height === height && of.every((part, i) => part === made[i]);
    const context = canvas.getContext("2d");
    if (same || !context) return canvas;
    Object.assign(canvas, { width, height });
    draw(context);
    this.made = of;
    return canvas;
  }
}

/** What one tile is drawn from, kept at the size it is drawn at: scaling a picture costs far more than copying it. */
export class Layers {
  private readonly fitted = new Kept();
  private readonly flat = new Kept();

  constructor(private readonly map: Overlay) {}

  /** The picture as large as the frame. */
  picture(bitmap: ImageBitmap, { width, height }: Rect, pixelated: boolean): CanvasImageSource {
    if (Math.max(width, height) > LARGEST) return bitmap;
    return this.fitted.show(width, height, [bitmap, pixelated], (context) => {
      context.imageSmoothingEnabled = !pixelated;
      context.imageSmoothingQuality = "high";
      context.drawImage(bitmap, 0, 0, width, height);
    });
  }

  /** The map, in its cells or as large as the part of the frame that it covers. */
  overlay(map: TileMap, look: Look, size: { width: number; height: number } | null): OffscreenCanvas {
    const [h, w] = map.item.shape;
    const shrink = size ? Math.min(1, LARGEST / Math.max(size.width, size.height)) : 1;
    const pixels = (length: number) => Math.max(1, Math.round(length * shrink));
    this.map.paint(map, look, size ? pixels(size.height) : h, size ? pixels(size.width) : w);
    return this.map.canvas;
  }

  /** Picture and map in one, for frames in which only the view moves. */
  both(
    bitmap: ImageBitmap,
    overlay: OffscreenCanvas,
    box: readonly number[],
    opacity: number,
  ): OffscreenCanvas {
    const [left, top, right, bottom] = box;
    const width = Math.max(bitmap.width, overlay.width);
    const height = Math.max(bitmap.height, overlay.height);
    return this.flat.show(width, height, [bitmap, this.map.version, opacity], (context) => {
      context.drawImage(bitmap, 0, 0, width, height);
      context.globalAlpha = opacity;
      context.drawImage(overlay, left * width, top * height, (right - left) * width, (bottom - top) * height);
    });
  }
}

/** Layers of the tiles of one view. */
export function layersMaker(): () => Layers {
  const makeOverlay = overlayMaker();
  return () => new Layers(makeOverlay());
}
