/** A map in the pixels that the model sees: which come first, and how much of it lies where. */

import type { TileMap } from "../kernel/decode";
import { descending, type Mask, positiveShare } from "../math/mask";
import { resize } from "../math/postprocess";

interface SizedMap {
  values: Float32Array;
  /** Made when somebody needs it. */
  order?: Uint32Array;
}

type Size = Pick<Mask, "width" | "height">;

const sized = new WeakMap<TileMap, Map<string, SizedMap>>();

function inSize(map: TileMap, { width, height }: Size): SizedMap {
  const sizes = sized.get(map) ?? new Map<string, SizedMap>();
  sized.set(map, sizes);
  const key = `${width} ${height}`;
  const known = sizes.get(key);
  if (known) return known;
  const [h, w] = map.item.shape;
  const made = { values: resize(map.values, h, w, height, width) };
  sizes.set(key, made);
  return made;
}

/** Which part of what is above 0 in a map lies on a mask; null where nothing is above 0. */
export const mapShare = (map: TileMap, mask: Mask): number | null => positiveShare(inSize(map, mask).values, mask);

/** The pixels of a map's largest values, so many of them in parts of the picture. */
export function topOf(map: TileMap, share: number, { width, height }: Size): Mask {
  const known = inSize(map, { width, height });
  known.order ??= descending(known.values);
  const pixels = new Uint8Array(width * height);
  for (const pixel of known.order.subarray(0, Math.round(share * pixels.length))) pixels[pixel] = 1;
  return { width, height, pixels };
}
