/** How the map of one model differs from that of another, as a map. */

import type { TileMap } from "../kernel/decode";
import { applySign, type ColorEnds, extent, resize, type Sign } from "../math/postprocess";

/** A map as it is drawn: its sign, and the values between which its colours run. */
interface DrawnModelMap {
  map: TileMap;
  sign: Sign;
  ends: ColorEnds;
}

/** Where the colours of a difference end: a place that one model marks most, and the other not at all. */
export const WHOLE_DIFFERENCE: ColorEnds = { low: 0, high: 1 };

/** The values of a map in parts of its colours, from 0 or, of signed ones, −1 to 1, at a size. */
function drawnValues({ map, sign, ends: { low, high } }: DrawnModelMap, height: number, width: number): Float32Array {
  const [h, w] = map.item.shape;
  const span = high - low || 1;
  const least = sign === "signed" ? -1 : 0;
  return resize(applySign(map.values, sign), h, w, height, width).map((value) =>
    Math.min(Math.max((value - low) / span, least), 1),
  );
}

/** The other map less the first, each on its own scale, at the size of the finer one. */
export function differenceOf(first: DrawnModelMap, other: DrawnModelMap): TileMap {
  const [height, width] = [0, 1].map((axis) => Math.max(first.map.item.shape[axis], other.map.item.shape[axis]));
  const [before, after] = [first, other].map((each) => drawnValues(each, height, width));
  const values = after.map((value, at) => value - before[at]);
  const item = {
    ...other.map.item,
    shape: [height, width],
    whole_shape: [height, width],
    signed: true,
    evidence: "some" as const,
    notes: [],
    checks: {},
  };
  return { item, values, extent: extent(values), isDifference: true };
}
