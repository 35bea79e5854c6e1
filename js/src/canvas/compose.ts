/** A picture and its map, drawn into a rectangle. */

import type { ConceptMap } from "../kernel/conceptSet";
import type { MapDetail, TileMap } from "../kernel/decode";
import type { LabelMap } from "../kernel/segmentation";
import { contain, type Rect, type Transform } from "../math/transform";
import type { Picture, Store } from "../state/store";
import { FAINT, isBlank, isUnlikely, styleOf } from "./drawStyle";
import type { TileBitmaps } from "./tileBitmaps";

const WHOLE = [0, 0, 1, 1];

type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

/** Where a picture lies in a frame of the given size. */
export function frameOf(picture: Picture | undefined, width: number, height: number): Rect {
  return contain(width, height, picture ? picture.width / picture.height : 1);
}

/** A part of the picture at a higher resolution, in fractions of it. */
export interface Detail {
  bitmap: ImageBitmap;
  box: readonly number[];
  /** Its pixels are large enough to be seen one by one. */
  pixelated: boolean;
}

interface TileContent {
  view: Transform;
  picture: Picture;
  bitmap: ImageBitmap | null;
  map: TileMap | undefined;
  /** What a segmenter sees: outlined where there is a map to be drawn, too. */
  segmentation?: LabelMap;
  /** Where concepts are. */
  concepts?: ConceptMap;
  bitmaps: TileBitmaps;
  detail?: Detail | null;
  /** A part of the map in more cells than the map itself has. */
  part?: MapDetail | null;
}

/** Draws a tile into a rectangle of whole pixels, as zoomed and panned as its view is. */
export function compose(context: Context, rect: Rect, store: Store, content: TileContent): void {
  const swipe = store.traits.swipe.peek();
  const split = rect.x + Math.round(rect.width * swipe);
  context.save();
  clip(context, rect);
  drawContent(context, rect, store, content, () => clip(context, { ...rect, x: split }));
  context.restore();
  if (swipe > 0 && swipe < 1) drawSwipeLine(context, rect, split);
}

function clip(context: Context, { x, y, width, height }: Rect): void {
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
}

/** Where a part of the picture, in fractions, is seen. */
const placing =
  (rect: Rect, { k, x, y }: Transform) =>
  ([x0, y0, x1, y1]: readonly number[]) =>
    [
      rect.x + rect.width * (x + k * x0),
      rect.y + rect.height * (y + k * y0),
      rect.width * k * (x1 - x0),
      rect.height * k * (y1 - y0),
    ] as const;

/** Draws the picture, and over it the map; `clipMap` is called where a part of the picture is bare. */
function drawContent(context: Context, rect: Rect, store: Store, content: TileContent, clipMap: () => void) {
  const { picture, bitmap, map, segmentation, concepts, bitmaps, detail, part } = content;
  const { traits } = store;
  const { k } = content.view;
  const [swipe, cells, pixelated] = [traits.swipe.peek(), traits.cells.peek(), traits.pixelated.peek()];
  const [left, top, right, bottom] = picture.box;
  const place = placing(rect, content.view);
  const size = { width: rect.width * (right - left), height: rect.height * (bottom - top) };
  const isDrawn = map && !isBlank(store, map);
  const overlay = isDrawn ? bitmaps.overlay(map, styleOf(store, map), cells ? null : size) : null;
  const opacity = traits.opacity.peek() * (isDrawn && isUnlikely(map) ? FAINT : 1);
  const isCovered = overlay !== null || segmentation !== undefined || concepts !== undefined;
  const isGray = isCovered && opacity > 0 && traits.photo.peek() === "gray";
  const isMerged = bitmap && overlay && k > 1 && !cells && !pixelated && !detail && !part;
  const merged = isMerged ? bitmaps.merge(bitmaps.picture(bitmap, isGray), overlay, picture.box, opacity) : null;
  const drawPicture = (gray: boolean) => {
    if (bitmap) {
      const source = k === 1 ? bitmaps.fitted(bitmap, gray, rect, pixelated) : bitmaps.picture(bitmap, gray);
      context.imageSmoothingEnabled = !pixelated;
      context.drawImage(source, ...place(WHOLE));
    }
    if (detail) {
      context.imageSmoothingEnabled = !detail.pixelated;
      context.drawImage(bitmaps.detail(detail.bitmap, gray), ...place(detail.box));
    }
  };
  // Where it is bare, it has its colours.
  if (swipe > 0 || !merged) drawPicture(isGray && swipe === 0);
  if (!isCovered) return;
  if (swipe > 0) {
    clipMap();
    if (isGray && !merged) drawPicture(true);
  }
  context.imageSmoothingEnabled = !cells;
  context.globalAlpha = merged ? 1 : opacity;
  if (merged) context.drawImage(merged, ...place(WHOLE));
  else if (overlay) {
    context.save();
    if (part && map) drawPart(context, rect, bitmaps.part(part, styleOf(store, map)), place(part.box));
    context.drawImage(overlay, ...place(picture.box));
    context.restore();
  }
  if (segmentation) drawSegmentation(context, store, { map, bitmaps, segmentation }, size, place(picture.box));
  if (concepts) drawConcepts(context, store, { bitmaps, concepts }, place(picture.box));
}

/** Draws a part of a map into a box, and keeps what is drawn after it out of there. */
function drawPart(context: Context, rect: Rect, part: OffscreenCanvas, box: readonly [number, number, number, number]) {
  const [x, y, width, height] = box;
  context.drawImage(part, x, y, width, height);
  context.beginPath();
  context.rect(rect.x, rect.y, rect.width, rect.height);
  context.rect(x, y, width, height);
  context.clip("evenodd");
}

/** Draws what a segmenter sees: areas, or outlines over a map. */
function drawSegmentation(
  context: Context,
  store: Store,
  { map, segmentation, bitmaps }: Pick<TileContent, "map" | "bitmaps"> & { segmentation: LabelMap },
  size: { width: number; height: number },
  place: readonly [x: number, y: number, width: number, height: number],
): void {
  const classes = store.constants.peek()?.class_names.length ?? 0;
  const { filled, outlined } = bitmaps.segmentation;
  context.imageSmoothingEnabled = false;
  context.globalAlpha = map ? 1 : store.traits.opacity.peek();
  context.drawImage(map ? outlined(segmentation, classes, size) : filled(segmentation, classes), ...place);
}

/** Draws where concepts are. */
function drawConcepts(
  context: Context,
  { traits, conceptAlone }: Store,
  { concepts, bitmaps }: { concepts: ConceptMap; bitmaps: TileBitmaps },
  place: readonly [x: number, y: number, width: number, height: number],
): void {
  const cells = traits.cells.peek();
  context.imageSmoothingEnabled = !cells;
  context.globalAlpha = traits.opacity.peek();
  context.drawImage(bitmaps.concepts.painted(concepts, conceptAlone.peek(), cells), ...place);
}

function drawSwipeLine(context: Context, rect: Rect, x: number): void {
  const line = Math.max(1, Math.round(rect.width / 150));
  context.fillStyle = "rgb(0 0 0 / 0.5)";
  context.fillRect(x - line, rect.y, 3 * line, rect.height);
  context.fillStyle = "#fff";
  context.fillRect(x, rect.y, line, rect.height);
}
