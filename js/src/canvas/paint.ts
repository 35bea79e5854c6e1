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
const HALO = new Uint32Array(Uint8Array.of(0, 0, 0, 128).buffer)[0];

/** Draws lines around a quarter, half and three quarters of the table, with a dark edge of one pixel about them. */
export function trace(map: Float32Array, width: number, style: Style, out: Uint32Array): void {
  const { table, low, high, base, scale, threshold } = style;
  const isDiverging = low < 0;
  const levels = Int8Array.from(map, (value) => {
    const part = scale > 0 ? (value - base) / scale : 0;
    const at = (part - low) / (high - low);
    const strength = isDiverging ? 2 * at - 1 : at;
    if (!(Math.abs(part) >= threshold)) return 0;
    return Math.trunc(Math.min(Math.max(strength * LINES, 1 - LINES), LINES - 1));
  });
  const lines = new Int8Array(map.length);
  const raise = (at: number, level: number) => {
    if (Math.abs(level) > Math.abs(lines[at])) lines[at] = level;
  };
  forNeighbours(map.length, width, (at, next) => {
    if (levels[at] === levels[next]) return;
    const stronger = Math.abs(levels[at]) > Math.abs(levels[next]) ? levels[at] : levels[next];
    raise(at, stronger);
    raise(next, stronger);
  });
  const colorOf = (level: number) => {
    const strength = (level + Math.sign(level)) / LINES;
    return table[Math.round(255 * (isDiverging ? (strength + 1) / 2 : strength))];
  };
  for (let at = 0; at < lines.length; at++) out[at] = lines[at] === 0 ? 0 : colorOf(lines[at]);
  forNeighbours(map.length, width, (at, next) => {
    if (lines[at] === 0 && lines[next] !== 0) out[at] = HALO;
    if (lines[at] !== 0 && lines[next] === 0) out[next] = HALO;
  });
}

/** Calls with every pixel and the one on its right, then with every pixel and the one below. */
function forNeighbours(length: number, width: number, visit: (at: number, next: number) => void): void {
  for (let at = 0; at + 1 < length; at++) if ((at + 1) % width > 0) visit(at, at + 1);
  for (let at = 0; at + width < length; at++) visit(at, at + width);
}
