import { packed } from "./channels";

/** How a map becomes colours. */
export interface Style {
  /** 256 packed RGBA words. */
  table: Uint32Array;
  /** The value that counts as zero. */
  base: number;
  /** What the values above it are divided by; 0 draws zeros. */
  scale: number;
  /** The table runs from here to there, in parts of the scale. */
  low: number;
  high: number;
  /** Where |value - base| / scale is below it, nothing is drawn. */
  threshold: number;
}

/** Colours a map, pixel by pixel, into `out`; transparent where it is NaN or below the threshold. */
export function paint(map: Float32Array, style: Style, out: Uint32Array): void {
  const { table, low, high, base, scale, threshold } = style;
  const gain = 255 / (high - low);
  const slope = scale > 0 ? gain / scale : 0;
  const first = 0.5 - low * gain - base * slope;
  const least = scale > 0 ? threshold * scale : threshold;
  // As precise as the map, so that a value at the threshold is drawn.
  const above = Math.fround(base + least);
  const below = Math.fround(base - least);
  for (let i = 0; i < map.length; i++) {
    const value = map[i];
    const at = value * slope + first;
    // NaN fails both comparisons.
    out[i] = value >= above || value <= below ? table[at > 0 ? (at < 255 ? at | 0 : 255) : 0] : 0;
  }
}

const LINES = 4;
/** Half transparent black. */
const HALO = packed(0, 0, 0, 128);

/** Draws lines around a quarter, half and three quarters of the table, with a dark edge of one pixel about them. */
export function trace(map: Float32Array, width: number, style: Style, out: Uint32Array): void {
  const lines = linesBetween(levelsOf(map, style), width);
  const colors = colorsOf(style);
  out.fill(0);
  for (let row = 0; row < lines.length; row += width) {
    for (let at = row; at < row + width; at++) {
      if (lines[at] === 0) continue;
      out[at] = colors[lines[at] + LINES];
      if (at > row && lines[at - 1] === 0) out[at - 1] = HALO;
      if (at + 1 < row + width && lines[at + 1] === 0) out[at + 1] = HALO;
      if (row > 0 && lines[at - width] === 0) out[at - width] = HALO;
      if (at + width < lines.length && lines[at + width] === 0) out[at + width] = HALO;
    }
  }
}

/** The colour of the line at each level, the lowest first. */
function colorsOf({ table, low }: Style): Uint32Array {
  return Uint32Array.from({ length: 2 * LINES }, (_, i) => {
    const level = i - LINES;
    const strength = (level + Math.sign(level)) / LINES;
    return table[Math.round(255 * (low < 0 ? (strength + 1) / 2 : strength))];
  });
}

/** How many lines lie below each value, counted downwards on the lower side of a diverging table. */
function levelsOf(map: Float32Array, { low, high, base, scale, threshold }: Style): Int8Array {
  const levels = new Int8Array(map.length);
  if (!(scale > 0)) return levels;
  const isDiverging = low < 0;
  const start = isDiverging ? 0 : low;
  /** Where a line runs, as precise as the map; what is below the threshold is on no line. */
  const [first, second, third] = [1, 2, 3].map((line) => {
    const part = start + (line / LINES) * (high - start);
    return Math.fround(base + Math.max(part, threshold) * scale);
  });
  const levelAt = (value: number) => (value < second ? 1 : value < third ? 2 : 3);
  for (let at = 0; at < map.length; at++) {
    const value = map[at];
    // NaN fails both comparisons.
    if (value >= first) levels[at] = levelAt(value);
    else if (isDiverging && value <= -first) levels[at] = -levelAt(-value);
  }
  return levels;
}

/** The stronger of two levels on both pixels between which it changes, 0 elsewhere. */
function linesBetween(levels: Int8Array, width: number): Int8Array {
  const lines = new Int8Array(levels.length);
  const mark = (at: number, next: number) => {
    const stronger = Math.abs(levels[at]) > Math.abs(levels[next]) ? levels[at] : levels[next];
    if (Math.abs(stronger) > Math.abs(lines[at])) lines[at] = stronger;
    if (Math.abs(stronger) > Math.abs(lines[next])) lines[next] = stronger;
  };
  const below: number[] = [];
  for (let row = 0; row < levels.length; row += width) {
    let level = levels[row];
    const hasNext = row + width < levels.length;
    for (let at = row; at < row + width; at++) {
      if (levels[at] !== level) mark(at - 1, at);
      level = levels[at];
      if (hasNext && levels[at + width] !== level) below.push(at);
    }
  }
  for (const at of below) mark(at, at + width);
  return lines;
}
