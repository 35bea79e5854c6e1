/** How a map becomes colours. */

import { resize } from "../postprocess";

export interface Style {
  /** 256 packed RGBA words. */
  table: Uint32Array;
  /** What the values are divided by; 0 draws zeros. */
  scale: number;
  /** The table runs from here to there, in parts of the scale. */
  low: number;
  high: number;
  /** Where |value / scale| is below it, nothing is drawn. */
  threshold: number;
}

/** A map in 65535 steps of its own range, so that colouring it is one look-up a pixel: code 0 is NaN, c is low + (c - 1) * step. */
export interface Levels {
  codes: Uint16Array;
  low: number;
  step: number;
}

const STEPS = 65534;

/** The levels of a map (h, w), resized to (height, width) before they are rounded. */
export function levels(map: Float32Array, h: number, w: number, height: number, width: number): Levels {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of map) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const range = high > low ? high - low : 0;
  const gain = range > 0 ? STEPS / range : 0;
  // The half is for rounding; NaN becomes 0 where it is written into the codes.
  const scaled = map.map((value) => (value - low) * gain + 1.5);
  const codes = resize(scaled, h, w, height, width, new Uint16Array(height * width));
  return { codes, low, step: range / STEPS };
}

/** The colour of every level: transparent for NaN and below the threshold. */
function lookUp({ low, step }: Levels, style: Style, colors: Uint32Array): void {
  const { table, threshold } = style;
  const factor = style.scale > 0 ? 1 / style.scale : 0;
  const gain = 255 / (style.high - style.low);
  /** The first code whose value, times `by`, plus `add`, reaches a limit. */
  const reach = (limit: number, by: number, add: number) => {
    const start = low * by + add;
    const slope = step * by;
    if (slope > 0) return Math.min(Math.max(Math.ceil((limit - start) / slope), 0), STEPS + 1) + 1;
    return start >= limit ? 1 : STEPS + 2;
  };
  let from = 1;
  for (let index = 0; index < 256; index++) {
    const to = index < 255 ? reach(index + 1, gain * factor, 0.5 - style.low * gain) : STEPS + 2;
    colors.fill(table[index], from, to);
    from = to;
  }
  // A value at the threshold is drawn, whichever way it was rounded.
  const faint = step * factor * 0.501;
  colors.fill(0, reach(faint - threshold, factor, 0), reach(threshold - faint, factor, 0));
  colors[0] = 0;
}

/** Colours a map, pixel by pixel, into `out`; `colors` is room for the colour of every level. */
export function paint(
  map: Levels,
  style: Style,
  out: Uint32Array,
  colors: Uint32Array = new Uint32Array(STEPS + 2),
): void {
  lookUp(map, style, colors);
  const { codes } = map;
  for (let i = 0; i < codes.length; i++) out[i] = colors[codes[i]];
}
