/** How a map becomes colours. */
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

/** Colours a map, pixel by pixel, into `out`; transparent where it is NaN or below the threshold. */
export function paint(map: Float32Array, style: Style, out: Uint32Array): void {
  const { table, low, high, threshold } = style;
  const factor = style.scale > 0 ? 1 / style.scale : 0;
  const gain = 255 / (high - low);
  const first = 0.5 - low * gain;
  for (let i = 0; i < map.length; i++) {
    const value = map[i] * factor;
    const index = Math.min(Math.max(value * gain + first, 0), 255) | 0;
    // NaN fails the comparison, so it is transparent.
    out[i] = Math.abs(value) >= threshold ? table[index] : 0;
  }
}
