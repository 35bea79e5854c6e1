import type { Picture, Store, TileMap } from "../store";
import type { Layers } from "./layers";
import { isSilent, lookOf } from "./overlay";
import { contain, type Rect } from "./transform";

type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

/** Where a picture lies in a frame of the given size. */
export function frameOf(picture: Picture | undefined, width: number, height: number): Rect {
  return contain(width, height, picture ? picture.width / picture.height : 1);
}

export interface Shown {
  picture: Picture;
  bitmap: ImageBitmap | null;
  map: TileMap | undefined;
  layers: Layers;
}

/** Draws a picture and its map into a rectangle of whole pixels, as zoomed and panned as the view is. */
export function compose(context: Context, rect: Rect, store: Store, shown: Shown): void {
  const { k, x, y } = store.view.peek();
  const { picture, bitmap, map, layers } = shown;
  const swipe = store.swipe.peek();
  const split = rect.x + Math.round(rect.width * swipe);
  const cells = store.cells.peek();
  const pixelated = store.pixelated.peek();
  const opacity = store.traits.opacity.peek();
  const [left, top, right, bottom] = picture.box;
  /** A part of the picture, in fractions, where it is seen. */
  const place = (x0: number, y0: number, x1: number, y1: number) =>
    [
      rect.x + rect.width * (x + k * x0),
      rect.y + rect.height * (y + k * y0),
      rect.width * k * (x1 - x0),
      rect.height * k * (y1 - y0),
    ] as const;

  context.save();
  context.beginPath();
  context.rect(rect.x, rect.y, rect.width, rect.height);
  context.clip();
  const size = { width: rect.width * (right - left), height: rect.height * (bottom - top) };
  const overlay =
    map && !isSilent(store, map) ? layers.overlay(map, lookOf(store, map), cells ? null : size) : null;
  const both =
    bitmap && overlay && k > 1 && !cells && !pixelated
      ? layers.both(bitmap, overlay, picture.box, opacity)
      : null;
  if (bitmap && (!both || swipe > 0)) {
    const source = k === 1 ? layers.picture(bitmap, rect, pixelated) : bitmap;
    context.imageSmoothingEnabled = !pixelated;
    context.drawImage(source, ...place(0, 0, 1, 1));
  }
  if (overlay) {
    if (swipe > 0) {
      context.beginPath();
      context.rect(split, rect.y, rect.width, rect.height);
      context.clip();
    }
    context.imageSmoothingEnabled = !cells;
    if (both) {
      context.drawImage(both, ...place(0, 0, 1, 1));
    } else {
      context.globalAlpha = opacity;
      context.drawImage(overlay, ...place(left, top, right, bottom));
    }
  }
  context.restore();
  if (swipe > 0 && swipe < 1) {
    const line = Math.max(1, Math.round(rect.width / 150));
    context.fillStyle = "rgb(0 0 0 / 0.5)";
    context.fillRect(split - line, rect.y, 3 * line, rect.height);
    context.fillStyle = "#fff";
    context.fillRect(split, rect.y, line, rect.height);
  }
}
