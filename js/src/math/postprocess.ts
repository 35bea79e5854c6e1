/** Sign, scale and size of a raw map; the twin of `kx_widget/engine/postprocess.py`. */

export type Sign = "positive" | "absolute" | "signed";
export type Scale = "map" | "image" | "all";

/** How maps are drawn; see `kx_widget/engine/display.py`. */
export interface Display {
  /** The percentile of a map's values at which the colours end. */
  clip: number;
  /** Where the colours begin: at zero, or where a quarter of the values lie below. */
  origin: "zero" | "quartile";
  sign: Sign;
}

/** The values between which the colours run. */
export interface ColorEnds {
  low: number;
  high: number;
}

/** The part of a raw map that is looked at: max(m, 0), |m| or m. NaN stays NaN. */
export function applySign(map: Float32Array, sign: Sign): Float32Array {
  if (sign === "signed") return map;
  const out = new Float32Array(map.length);
  for (let i = 0; i < map.length; i++) {
    const value = map[i];
    out[i] = value < 0 ? (sign === "positive" ? 0 : -value) : value;
  }
  return out;
}

export interface Extent {
  lo: number;
  hi: number;
  /** Where the lowest and the highest value lie, -1 when every value is NaN. */
  loAt: number;
  hiAt: number;
}

export function extent(map: Float32Array): Extent {
  let lo = Number.POSITIVE_INFINITY;
  let hi = Number.NEGATIVE_INFINITY;
  let loAt = -1;
  let hiAt = -1;
  for (let i = 0; i < map.length; i++) {
    const value = map[i];
    if (value < lo) {
      lo = value;
      loAt = i;
    }
    if (value > hi) {
      hi = value;
      hiAt = i;
    }
  }
  return hiAt < 0 ? { lo: 0, hi: 0, loAt, hiAt } : { lo, hi, loAt, hiAt };
}

/** max |v| after the sign was applied, from the extent of the raw map. */
export function magnitude({ lo, hi }: Pick<Extent, "lo" | "hi">, sign: Sign): number {
  return sign === "positive" ? Math.max(hi, 0) : Math.max(Math.abs(lo), Math.abs(hi));
}

const QUARTILE = 25;

/**
 * The values between which the colours of a map run: 0 or a quartile, and a percentile. Where these leave no span, as of
 * a map that is zero nearly everywhere, they run to the last value.
 */
export function colorEnds(map: Float32Array, range: Extent, { clip, origin, sign }: Display): ColorEnds {
  const largest = magnitude(range, sign);
  if (origin === "zero") {
    if (clip === 100) return { low: 0, high: largest };
    return { low: 0, high: atRank(numbers(map, sign === "positive" ? sign : "absolute"), clip) || largest };
  }
  const values = numbers(map, sign);
  const [low, high] = [atRank(values, QUARTILE), atRank(values, clip)];
  if (low < high) return { low, high };
  const { lo, hi } = extent(values);
  return { low: lo, high: hi };
}

/** The values of a map with their sign applied, without NaN. */
function numbers(map: Float32Array, sign: Sign): Float32Array {
  const signed = applySign(map, sign);
  const values = new Float32Array(map.length);
  let count = 0;
  for (let i = 0; i < signed.length; i++) {
    // NaN is not counted, and the next value takes its place.
    values[count] = signed[i];
    if (!Number.isNaN(signed[i])) count += 1;
  }
  return values.subarray(0, count);
}

/** The least of the values that so many per cent of the others do not exceed, by Hoare's selection. */
function atRank(values: Float32Array, percentile: number): number {
  const rank = Math.ceil((percentile / 100) * (values.length - 1));
  let left = 0;
  let right = values.length - 1;
  while (left < right) {
    const pivot = values[(left + right) >> 1];
    let i = left;
    let j = right;
    while (i <= j) {
      while (values[i] < pivot) i++;
      while (values[j] > pivot) j--;
      if (i > j) break;
      const value = values[i];
      values[i] = values[j];
      values[j] = value;
      i++;
      j--;
    }
    if (rank <= j) right = j;
    else if (rank >= i) left = i;
    else break;
  }
  return values[rank] ?? 0;
}

interface Taps {
  first: Int32Array;
  second: Int32Array;
  weight: Float32Array;
}

/** Half-pixel centres, edges clamped: output i reads input (i + 1/2) * from / to - 1/2. */
function taps(from: number, to: number): Taps {
  const first = new Int32Array(to);
  const second = new Int32Array(to);
  const weight = new Float32Array(to);
  for (let i = 0; i < to; i++) {
    const at = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1);
    first[i] = Math.floor(at);
    weight[i] = at - first[i];
    // A neighbour that counts nothing is not read: it may be NaN.
    second[i] = weight[i] > 0 ? first[i] + 1 : first[i];
  }
  return { first, second, weight };
}

/** Bilinear resize of a map (h, w) to (height, width). */
export function resize(map: Float32Array, h: number, w: number, height: number, width: number): Float32Array {
  const x = taps(w, width);
  const y = taps(h, height);
  const wide = new Float32Array(h * width);
  for (let row = 0; row < h; row++) {
    const from = row * w;
    const to = row * width;
    for (let i = 0; i < width; i++) {
      const a = map[from + x.first[i]];
      wide[to + i] = a + (map[from + x.second[i]] - a) * x.weight[i];
    }
  }
  const out = new Float32Array(height * width);
  for (let row = 0; row < height; row++) {
    const above = y.first[row] * width;
    const below = y.second[row] * width;
    const weight = y.weight[row];
    const to = row * width;
    for (let i = 0; i < width; i++) {
      const a = wide[above + i];
      out[to + i] = a + (wide[below + i] - a) * weight;
    }
  }
  return out;
}

/** The value at (u, v), fractions of the map, as `resize` would draw it; NaN outside. */
export function sample(map: Float32Array, h: number, w: number, u: number, v: number): number {
  if (!(u >= 0 && u <= 1 && v >= 0 && v <= 1)) return Number.NaN;
  const px = Math.min(Math.max(u * w - 0.5, 0), w - 1);
  const py = Math.min(Math.max(v * h - 0.5, 0), h - 1);
  const x = Math.floor(px);
  const y = Math.floor(py);
  const right = Math.min(x + 1, w - 1);
  const below = Math.min(y + 1, h - 1);
  const top = map[y * w + x] + (map[y * w + right] - map[y * w + x]) * (px - x);
  const bottom = map[below * w + x] + (map[below * w + right] - map[below * w + x]) * (px - x);
  return top + (bottom - top) * (py - y);
}
