/** How a map is drawn. */

import type { TileMap } from "../kernel/decode";
import type { Sign } from "../math/postprocess";
import type { Drawing, Store } from "../state/store";
import { drawnTable } from "./colormap";

export interface DrawStyle {
  style: Drawing["map_style"];
  sign: Sign;
  /** Name of the colour table. */
  table: string;
  diverging: boolean;
  /** The value at the colour table's origin. */
  base: number;
  /** From there to the value at its end. */
  scale: number;
  threshold: number;
  /** Where the colour table begins and ends, in parts of the scale; a diverging one stays centred at 0. */
  low: number;
  high: number;
  /** Whether lines are drawn between areas of one value. */
  borders: boolean;
}

export function styleOf(store: Store, map: TileMap): DrawStyle {
  const { map_style, colormap, threshold, limits } = store.traits;
  const { sign, origin, borders } = store.displayOf(map);
  const diverging = map.item.signed && sign === "signed" && origin === "zero";
  const [low, high] = limits.value;
  const ends = store.endsOf(map);
  const table = drawnTable(colormap.value, diverging);
  return {
    style: map_style.value,
    sign,
    table,
    diverging,
    base: ends.low,
    scale: ends.high - ends.low,
    threshold: threshold.value,
    low: diverging ? -high : low,
    high,
    borders,
  };
}

/** The value that a part of the scale stands for. */
export const rawAt = ({ base, scale }: DrawStyle, part: number) => base + part * scale;

/** As in `kx_widget/engine/drawing.py`: a class that the model hardly sees does not glow like one that it sees. */
const UNLIKELY = 0.01;
export const FAINT = 0.5;

/** Whether a map is drawn fainter, because the model gives its class hardly any probability. */
export const isUnlikely = ({ item: { probability } }: TileMap) => probability !== null && probability < UNLIKELY;

/** Whether a map has nothing to draw under the chosen sign, as one of its notes says. */
export function isBlank(store: Store, map: TileMap): boolean {
  const { evidence } = map.item;
  return evidence === "none" || (evidence === "against" && store.signOf(map) === "positive");
}
