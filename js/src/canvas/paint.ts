/** How a map becomes colours. */
export interface Style {
  /** 256 packed RGBA words. */
  table: Uint32Array;
  /** Values run over [-1, 1] rather than [0, 1]. */
  diverging: boolean;
  /** What the values are divided by; 0 draws zeros. */
  scale: number;
  /** Where |value / scale| is below it, nothing is drawn. */
  threshold: number;
}

/** Colours a map, pixel by pixel, into `out`; transparent where it is NaN or below the threshold. */
export function paint(map: Float32Array, style: Style, out: Uint32Array): void {
  const { table, diverging, threshold } = style;
  const factor = style.scale > 0 ? 1 / style.scale : 0;
  const gain = diverging ? 127.5 : 255;
  const middle = diverging ? 128 : 0.5;
  for (let i = 0; i < map.length; i++) {
    const value = map[i] * factor;
    const size = value < 0 ? -value : value;
    // NaN fails every comparison, so it falls through to transparent.
    if (size >= threshold) {
      const index = value * gain + middle;
      out[i] = table[index < 0 ? 0 : index > 255 ? 255 : index | 0];
    } else {
      out[i] = 0;
    }
  }
}
