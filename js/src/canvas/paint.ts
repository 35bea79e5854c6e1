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
  const { table, low, high, scale, threshold } = style;
  const gain = 255 / (high - low);
  const slope = scale > 0 ? gain / scale : 0;
  const first = 0.5 - low * gain;
  // As precise as the map, so that a value at the threshold is drawn.
  const limit = Math.fround(scale > 0 ? threshold * scale : threshold);
  for (let i = 0; i < map.length; i++) {
    const value = map[i];
    const at = value * slope + first;
    // NaN fails both comparisons.
    out[i] = value >= limit || value <= -limit ? table[at > 0 ? (at < 255 ? at | 0 : 255) : 0] : 0;
  }
}
