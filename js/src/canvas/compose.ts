import { sample } from "../postprocess";
import type { Picture, Store, TileMap } from "../store";
import { lookOf, type Overlay } from "./overlay";
import { contain, type Point, type Rect } from "./transform";

type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

/** Where a picture lies in a frame of the given size. */
export function frameOf(picture: Picture | undefined, width: number, height: number): Rect {
  return contain(width, height, picture ? picture.width / picture.height : 1);
}

export interface Shown {
  picture: Picture;
  bitmap: ImageBitmap | null;
  map: TileMap | undefined;
  overlay: Overlay;
}

/** Draws a picture and its map into a rectangle, as zoomed and panned as the view is. */
export function compose(context: Context, rect: Rect, store: Store, shown: Shown): void {
  const { k, x, y } = store.view.peek();
  const { picture, bitmap, map, overlay } = shown;
  context.save();
  context.beginPath();
  context.rect(rect.x, rect.y, rect.width, rect.height);
  context.clip();
  // From here on the picture spans 0..1 in both directions.
  context.translate(rect.x + rect.width * x, rect.y + rect.height * y);
  context.scale(rect.width * k, rect.height * k);
  if (bitmap) context.drawImage(bitmap, 0, 0, 1, 1);
  if (map) {
    const [left, top, right, bottom] = picture.box;
    context.globalAlpha = store.traits.opacity.peek();
    context.drawImage(overlay.show(map, lookOf(store, map)), left, top, right - left, bottom - top);
  }
  context.restore();
}

/** The raw value of a map at a point of the picture (fractions); NaN where the model did not look. */
export function valueAt(at: Point, picture: Picture, map: TileMap): number {
  const [left, top, right, bottom] = picture.box;
  const [h, w] = map.item.shape;
  return sample(map.values, h, w, (at.x - left) / (right - left), (at.y - top) / (bottom - top));
}
