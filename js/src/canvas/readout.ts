import { position, value as valueText } from "../format";
import { applySign, type Sign, sample } from "../postprocess";
import { rankText, share, sorted } from "../rank";
import type { Picture, Store, TileMap } from "../store";
import type { Point } from "./transform";

/** The value of a map at a point of the picture (fractions); NaN where the model did not look. */
export function valueAt(at: Point, picture: Picture, map: TileMap, values = map.values): number {
  const [left, top, right, bottom] = picture.box;
  const [h, w] = map.item.shape;
  return sample(values, h, w, (at.x - left) / (right - left), (at.y - top) / (bottom - top));
}

interface Ranked {
  sign: Sign;
  values: Float32Array;
  ascending: Float32Array;
}

/** Says what lies under a point of a tile: pixel, raw value and its rank among the map's values as drawn. */
export type Readout = (at: Point, picture: Picture, map: TileMap | undefined) => string;

export function createReadout(store: Store): Readout {
  const known = new WeakMap<TileMap, Ranked>();
  const rankedOf = (map: TileMap): Ranked => {
    const sign = store.signOf(map);
    const before = known.get(map);
    if (before?.sign === sign) return before;
    const values = applySign(map.values, sign);
    const ranked = { sign, values, ascending: sorted(values) };
    known.set(map, ranked);
    return ranked;
  };
  return (at, picture, map) => {
    const place = position(at, picture);
    if (!map) return `${place}  –`;
    const raw = valueAt(at, picture, map);
    if (Number.isNaN(raw)) return `${place}  –`;
    const { values, ascending } = rankedOf(map);
    const rank = rankText(share(ascending, valueAt(at, picture, map, values)));
    return `${place}  ${valueText(raw)}  ${rank}`;
  };
}
