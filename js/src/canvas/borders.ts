/** Lines between the areas of a map that have one value, such as superpixels; as in `kx_widget/engine/drawing.py`. */

import type { MapDetail } from "../kernel/decode";
import { packed } from "./channels";

const LIGHT = packed(255, 255, 255, 191);
const DARK = packed(0, 0, 0, 128);

/** Raw values, in rows and columns of so many. */
export type MapCells = Pick<MapDetail, "values" | "shape">;

/** Draws a light and a dark line side by side, to be seen on any picture, where the values of a map change. */
export function drawBorders({ values, shape }: MapCells, width: number, height: number, out: Uint32Array): void {
  const [h, w] = shape;
  const columns = Int32Array.from({ length: width }, (_, x) => Math.floor((x * w) / width));
  const rows = Int32Array.from({ length: height }, (_, y) => w * Math.floor((y * h) / height));
  // All that is not a number is one area.
  const valueAt = (y: number, x: number) => {
    const value = values[rows[y] + columns[x]];
    return Number.isNaN(value) ? Number.POSITIVE_INFINITY : value;
  };
  const light: number[] = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const value = valueAt(y, x);
      const right = x + 1 < width && valueAt(y, x + 1) !== value;
      const below = y + 1 < height && valueAt(y + 1, x) !== value;
      if (right || below) light.push(at);
      if (right) out[at + 1] = DARK;
      if (below) out[at + width] = DARK;
    }
  }
  for (const at of light) out[at] = LIGHT;
}
