import type { Picture, Store, TileMap } from "../store";
import { lookOf, type Overlay } from "./overlay";
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
  context.imageSmoothingEnabled = !store.pixelated.peek();
  if (bitmap) context.drawImage(bitmap, 0, 0, 1, 1);
  const swipe = store.swipe.peek();
  if (map) {
    const [left, top, right, bottom] = picture.box;
    if (swipe > 0) {
      const bare = (swipe - x) / k;
      context.beginPath();
      context.rect(bare, -y / k, 1, 1 / k);
      context.clip();
    }
    context.imageSmoothingEnabled = !store.cells.peek();
    context.globalAlpha = store.traits.opacity.peek();
    context.drawImage(overlay.show(map, lookOf(store, map)), left, top, right - left, bottom - top);
  }
  context.restore();
  if (swipe > 0 && swipe < 1) {
    const line = Math.max(1, Math.round(rect.width / 150));
    context.fillStyle = "rgb(0 0 0 / 0.5)";
    context.fillRect(rect.x + rect.width * swipe - line, rect.y, 2 * line, rect.height);
    context.fillStyle = "#fff";
    context.fillRect(rect.x + rect.width * swipe - line / 2, rect.y, line, rect.height);
  }
}
