/** What is written of the pixel under the crosshair. */

import type { TileMap } from "../kernel/decode";
import { applySign, type Sign, sample } from "../math/postprocess";
import { rankText, share, sorted } from "../math/rank";
import type { Point } from "../math/transform";
import { position, value as valueText } from "../state/format";
import { originalSize, type Picture, type Store } from "../state/store";

/** The value of a map at a point of the picture (fractions); NaN where the model did not look. */
function valueAt(at: Point, picture: Picture, map: TileMap, values = map.values): number {
  const [left, top, right, bottom] = picture.box;
  const [h, w] = map.item.shape;
  return sample(values, h, w, (at.x - left) / (right - left), (at.y - top) / (bottom - top));
}

interface Ranked {
  sign: Sign;
  values: Float32Array;
  ascending: Float32Array;
}

/** A function that writes pixel, raw value and its rank among the map's values by how strongly they are drawn, at a point of a tile. */
export function createReadout(store: Store) {
  const cache = new WeakMap<TileMap, Ranked>();
  const rankedOf = (map: TileMap): Ranked => {
    // What counts little either way is in the middle of a signed map.
    const sign = map.item.signed && store.signOf(map) === "signed" ? "absolute" : store.signOf(map);
    const cached = cache.get(map);
    if (cached?.sign === sign) return cached;
    const values = applySign(map.values, sign);
    const ranked = { sign, values, ascending: sorted(values) };
    cache.set(map, ranked);
    return ranked;
  };
  return (at: Point, picture: Picture, map: TileMap | undefined): string => {
    const place = position(at, originalSize(picture));
    if (!map) return `${place}  –`;
    const raw = valueAt(at, picture, map);
    if (Number.isNaN(raw)) return `${place}  –`;
    const { values, ascending } = rankedOf(map);
    const rank = rankText(share(ascending, valueAt(at, picture, map, values)));
    return `${place}  ${valueText(raw)}  ${rank}`;
  };
}
