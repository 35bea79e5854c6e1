import { applySign, magnitude, resize, type Sign } from "../postprocess";
import type { SmallMap } from "../thumbnails";
import { DIVERGING, lookupTable } from "./colormap";
import { paint } from "./paint";

const SIDE = 48;

/** Draws a map alone, each on a scale of its own. */
export function drawThumbnail(
  canvas: HTMLCanvasElement,
  map: SmallMap,
  signed: boolean,
  sign: Sign,
  colormap: string,
): void {
  const seen = signed ? sign : "signed";
  const diverging = signed && sign === "signed";
  const [h, w] = map.shape;
  const height = Math.max(1, Math.round(SIDE * Math.min(1, h / w)));
  const width = Math.max(1, Math.round(SIDE * Math.min(1, w / h)));
  Object.assign(canvas, { height, width });
  const pixels = new ImageData(width, height);
  const style = {
    table: lookupTable(diverging ? DIVERGING : colormap),
    ...{ scale: magnitude(map.extent, seen), low: diverging ? -1 : 0, high: 1, threshold: 0 },
  };
  const values = resize(applySign(map.values, seen), h, w, height, width);
  paint(values, style, new Uint32Array(pixels.data.buffer));
  canvas.getContext("2d")?.putImageData(pixels, 0, 0);
}
