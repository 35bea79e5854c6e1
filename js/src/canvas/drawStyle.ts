/** How a map is drawn. */

import type { TileMap } from "../kernel/decode";
import type { Sign } from "../math/postprocess";
import type { Store } from "../state/store";
import { DIVERGING } from "./colormap";

export interface DrawStyle {
  sign: Sign;
  /** Name of the colour table. */
  table: string;
  diverging: boolean;
  /** The value at the colour table's end. */
  scale: number;
  threshold: number;
  /** Where the colour table begins and ends, in parts of the scale; a diverging one stays centred at 0. */
  low: number;
  high: number;
}

export function styleOf(store: Store, map: TileMap): DrawStyle {
  const { colormap, threshold } = store.traits;
  const sign = store.signOf(map);
  const diverging = map.item.signed && sign === "signed";
  const { low, high } = store.limits.value;
  const table = diverging ? DIVERGING : colormap.value;
  return {
    sign,
    table,
    diverging,
    scale: store.scaleOf(map),
    threshold: threshold.value,
    low: diverging ? -high : low,
    high,
  };
}

/** Whether a map has nothing to draw under the chosen sign, as one of its notes says. */
export function isBlank(store: Store, map: TileMap): boolean {
  const { evidence } = map.item;
  return evidence === "none" || (evidence === "against" && store.signOf(map) === "positive");
}
