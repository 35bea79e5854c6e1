/** A map in the pixels that the model sees: which come first, and how much of it lies where. */

import type { TileMap } from "../kernel/decode";
import { descending, type Mask, positiveShare } from "../math/mask";
import { resize } from "../math/postprocess";

interface ResizedMap {
  values: Float32Array;
  /** Its pixels, the largest values first, once somebody needs that. */
  order?: Uint32Array;
}

type Size = Pick<Mask, "width" | "height">;

const resizedMaps = new WeakMap<TileMap, Map<string, ResizedMap>>();

function inSize(map: TileMap, { width, height }: Size): ResizedMap {
  const sizes = resizedMaps.get(map) ?? new Map<string, ResizedMap>();
  resizedMaps.set(map, sizes);
  const key = `${width} ${height}`;
  const cached = sizes.get(key);
  if (cached) return cached;
  const [h, w] = map.item.shape;
  const resized = { values: resize(map.values, h, w, height, width) };
  sizes.set(key, resized);
  return resized;
}

/** Which part of what is above 0 in a map lies on a mask; null where nothing is above 0. */
export const mapShare = (map: TileMap, mask: Mask): number | null => positiveShare(inSize(map, mask).values, mask);

/** The pixels of a map's largest values, so many of them in parts of the picture. */
export function topOf(map: TileMap, share: number, { width, height }: Size): Mask {
  const resized = inSize(map, { width, height });
  resized.order ??= descending(resized.values);
  const pixels = new Uint8Array(width * height);
  for (const pixel of resized.order.subarray(0, Math.round(share * pixels.length))) pixels[pixel] = 1;
  return { width, height, pixels };
}
