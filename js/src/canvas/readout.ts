/** What is written of the pixel under the crosshair. */

import type { MapDetail, TileMap } from "../kernel/decode";
import { type LabelMap, labelAt } from "../kernel/segmentation";
import { applySign, type Sign, sample } from "../math/postprocess";
import { rankText, share, sorted } from "../math/rank";
import type { Point } from "../math/transform";
import { position, value as valueText } from "../state/format";
import { labelText } from "../state/segmentations";
import { originalSize, type Picture, type Store } from "../state/store";

/** The value of a map at a point of the picture (fractions); NaN where the model did not look. */
function valueAt(at: Point, picture: Picture, map: TileMap, values = map.values): number {
  const [left, top, right, bottom] = picture.box;
  const [h, w] = map.item.shape;
  return sample(values, h, w, (at.x - left) / (right - left), (at.y - top) / (bottom - top));
}

/** The class that wins at a point. */
function seenAt(store: Store, at: Point, { box }: Picture, segmentation: LabelMap): string {
  const [left, top, right, bottom] = box;
  const label = labelAt(segmentation, (at.x - left) / (right - left), (at.y - top) / (bottom - top));
  return label === null ? "" : labelText(store, label);
}

/** The value of a part of a map there; NaN where it does not reach. */
function valueOfPart(at: Point, { box: [x0, y0, x1, y1], shape: [h, w], values }: MapDetail): number {
  return sample(values, h, w, (at.x - x0) / (x1 - x0), (at.y - y0) / (y1 - y0));
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
  return (
    at: Point,
    picture: Picture,
    map: TileMap | undefined,
    segmentation?: LabelMap,
    part: MapDetail | null = null,
  ): string => {
    const place = position(at, originalSize(picture));
    const seen = segmentation ? `  ${seenAt(store, at, picture, segmentation)}` : "";
    const fine = part ? valueOfPart(at, part) : Number.NaN;
    const raw = map && Number.isNaN(fine) ? valueAt(at, picture, map) : fine;
    if (!map || Number.isNaN(raw)) return `${place}  –${seen}`;
    const { sign, values, ascending } = rankedOf(map);
    const drawn = raw === fine ? applySign(Float32Array.of(raw), sign)[0] : valueAt(at, picture, map, values);
    const rank = rankText(share(ascending, drawn));
    return `${place}  ${valueText(raw)}  ${rank}${seen}`;
  };
}
