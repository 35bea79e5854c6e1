import { applySign, magnitude, resize, type Sign } from "../postprocess";
import type { Store } from "../store";
import { currentThumbnails, type SmallMap } from "../thumbnails";
import { DIVERGING, lookupTable } from "./colormap";
import { paint } from "./paint";

const SIDE = 48;
/** As in `kx_widget/engine/notes.py`. */
const ROUNDING = 1e-6;

/** How all thumbnails of a view are drawn. */
export interface ThumbnailLook {
  /** By the layer's path. */
  maps: ReadonlyMap<string, SmallMap>;
  sign: Sign;
  diverging: boolean;
  table: Uint32Array;
}

/** Null while there are none. */
export function thumbnailLook(store: Store): ThumbnailLook | null {
  const found = currentThumbnails(store);
  if (!found) return null;
  const sign = found.signed ? store.traits.sign.value : "signed";
  const diverging = found.signed && sign === "signed";
  const table = lookupTable(diverging ? DIVERGING : store.traits.colormap.value);
  return { maps: found.maps, sign, diverging, table };
}

/** Draws a map alone, each on a scale of its own. */
export function drawThumbnail(canvas: HTMLCanvasElement, map: SmallMap, look: ThumbnailLook): void {
  const { sign, diverging, table } = look;
  const [h, w] = map.shape;
  const height = Math.max(1, Math.round(SIDE * Math.min(1, h / w)));
  const width = Math.max(1, Math.round(SIDE * Math.min(1, w / h)));
  if (canvas.height !== height || canvas.width !== width) Object.assign(canvas, { height, width });
  const context = canvas.getContext("2d");
  if (isBlank(map, sign)) {
    if (context) strike(context, getComputedStyle(canvas).color);
    return;
  }
  const pixels = new ImageData(width, height);
  const scale = magnitude(map.extent, sign);
  const style = { table, scale, low: diverging ? -1 : 0, high: 1, threshold: 0 };
  const values = resize(applySign(map.values, sign), h, w, height, width);
  paint(values, style, new Uint32Array(pixels.data.buffer));
  context?.putImageData(pixels, 0, 0);
}

/** Whether nothing of a map would be seen but one colour. */
function isBlank({ extent: { lo, hi } }: SmallMap, sign: Sign): boolean {
  return hi - lo <= ROUNDING * Math.max(-lo, hi) || (sign === "positive" && hi <= 0);
}

/** A stroke through an empty frame. */
function strike(context: CanvasRenderingContext2D, colour: string): void {
  const { width, height } = context.canvas;
  context.reset();
  context.strokeStyle = colour;
  context.globalAlpha = 0.6;
  context.moveTo(0, height);
  context.lineTo(width, 0);
  context.stroke();
}
