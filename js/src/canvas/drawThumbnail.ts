/** The small maps of the layer picker. */

import type { ThumbnailMap } from "../kernel/decode";
import { applySign, magnitude, resize, type Sign } from "../math/postprocess";
import { chosenTile, type Store } from "../state/store";
import { currentThumbnails } from "../state/thumbnails";
import { drawnTable, lookupTable } from "./colormap";
import { paint } from "./paint";

const SIDE = 48;
/** As in `kx_widget/engine/notes.py`. */
const ROUNDING = 1e-6;

/** How all thumbnails of a view are drawn. */
export interface ThumbnailStyle {
  /** By the layer's path. */
  maps: ReadonlyMap<string, ThumbnailMap>;
  sign: Sign;
  diverging: boolean;
  table: Uint32Array;
}

/** Null while there are no thumbnails. */
export function thumbnailStyle(store: Store): ThumbnailStyle | null {
  const thumbnails = currentThumbnails(store);
  if (!thumbnails) return null;
  const { signed } = thumbnails;
  const sign = store.signOf({ item: { signed, column: chosenTile(store).column } });
  const diverging = signed && sign === "signed";
  const table = lookupTable(drawnTable(store.traits.colormap.value, diverging));
  return { maps: thumbnails.maps, sign, diverging, table };
}

/** Draws a map alone, each on a scale of its own. */
export function drawThumbnail(canvas: HTMLCanvasElement, map: ThumbnailMap, style: ThumbnailStyle) {
  const { sign, diverging, table } = style;
  const [h, w] = map.shape;
  const height = Math.max(1, Math.round(SIDE * Math.min(1, h / w)));
  const width = Math.max(1, Math.round(SIDE * Math.min(1, w / h)));
  if (canvas.height !== height || canvas.width !== width) Object.assign(canvas, { height, width });
  const context = canvas.getContext("2d");
  if (!context) return;
  if (isFlat(map, sign)) return strike(context, getComputedStyle(canvas).color);
  const pixels = new ImageData(width, height);
  const scale = magnitude(map.extent, sign);
  const values = resize(applySign(map.values, sign), h, w, height, width);
  const limits = { low: diverging ? -1 : 0, high: 1, base: 0, threshold: 0 };
  paint(values, { table, scale, ...limits }, new Uint32Array(pixels.data.buffer));
  context.putImageData(pixels, 0, 0);
}

/** Whether nothing of a map would be seen but one colour. */
const isFlat = (map: ThumbnailMap, sign: Sign) => isUniform(map) || isAgainst(map, sign);

const isUniform = ({ extent: { lo, hi } }: ThumbnailMap) => hi - lo <= ROUNDING * Math.max(-lo, hi);

const isAgainst = ({ extent: { hi } }: ThumbnailMap, sign: Sign) => sign === "positive" && hi <= 0;

/** Why a layer's small map is empty, or "". */
export function emptiness(style: ThumbnailStyle | null, path: string | undefined): string {
  const map = path === undefined ? undefined : style?.maps.get(path);
  if (!style || !map) return "";
  if (isUniform(map)) return "Its small map is empty: the map is the same everywhere.";
  if (isAgainst(map, style.sign)) return "Its small map is empty: nothing in it is positive. Sign “signed” shows it.";
  return isDark(map, style.sign)
    ? "Its small map is dark: hardly a cell of it is positive. Sign “signed” shows more."
    : "";
}

/** Whether so few cells are bright that nothing is seen of them. */
function isDark({ values, extent: { hi } }: ThumbnailMap, sign: Sign): boolean {
  return sign === "positive" && values.filter((value) => value > hi / 4).length < values.length / 30;
}

/** Draws a stroke through an empty frame. */
function strike(context: CanvasRenderingContext2D, colour: string): void {
  const { width, height } = context.canvas;
  context.reset();
  context.strokeStyle = colour;
  context.globalAlpha = 0.6;
  context.moveTo(0, height);
  context.lineTo(width, 0);
  context.stroke();
}
