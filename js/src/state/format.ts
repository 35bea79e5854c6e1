/** Numbers and names as people read them. */

/** A number as JavaScript writes it, with a true minus sign. */
const minus = (text: string) => text.replaceAll("-", "−");

export const value = (v: number | null): string => rounded(v, 3);

function rounded(v: number | null, digits: number): string {
  if (v === null || !Number.isFinite(v)) return "–";
  if (v === 0) return "0";
  const size = Math.abs(v);
  if (size >= 10000 || size < 0.001) return minus(v.toExponential(1));
  return minus(String(Number(v.toPrecision(digits))));
}

/** A value in its unit, with as many digits as people count by. */
export function quantity(v: number | null, unit = ""): string {
  const size = Math.abs(v ?? 0);
  const isPlain = v !== null && size >= 1000 && size < 1e9;
  const text = isPlain ? minus(String(Math.round(v))) : rounded(v, 4);
  return unit && v !== null && Number.isFinite(v) ? `${text}\u00a0${unit}` : text;
}

export function percent(p: number): string {
  if (!Number.isFinite(p)) return "";
  const hundredths = p * 100;
  if (hundredths > 0 && hundredths < 0.05) return "<0.1 %";
  return `${hundredths >= 99.95 || hundredths === 0 ? hundredths.toFixed(0) : hundredths.toFixed(1)} %`;
}

/** A part of a whole, without decimals. */
export function wholePercent(part: number): string {
  return `${part > 0 && part < 0.005 ? "<1" : Math.round(100 * part)} %`;
}

/** A number rounded to hundredths. */
export const toHundredths = (v: number): string => value(Number(v.toFixed(2)));

export function duration(seconds: number): string {
  if (seconds < 0.9995) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const rounded = Math.round(seconds);
  const rest = rounded % 60;
  return `${Math.floor(rounded / 60)} min${rest > 0 ? ` ${rest} s` : ""}`;
}

/** What something will take, roughly. */
export function roughly(seconds: number): string {
  if (seconds < 0.5) return "instant";
  if (seconds < 9.5) return `≈ ${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 57.5) return `≈ ${5 * Math.round(seconds / 5)} s`;
  if (seconds < 5400) return `≈ ${Math.max(1, Math.round(seconds / 60))} min`;
  return `≈ ${Math.round(seconds / 3600)} h`;
}

export function shape(sizes: readonly (number | null)[]): string {
  return sizes.map((size) => size ?? "?").join("×");
}

/** The pixel of the picture under a point given in fractions. */
export function position(at: { x: number; y: number }, picture: { width: number; height: number }): string {
  const pixel = (part: number, size: number) => Math.min(Math.floor(part * size), size - 1);
  return `${pixel(at.x, picture.width)},${pixel(at.y, picture.height)}`;
}

/** The last segment of a layer's or a file's path. */
export function lastSegment(path: string): string {
  return path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
}

/** A path's ends, shortest first: "c", "b/c", "a/b/c". */
function ends(path: string): string[] {
  const segments = path.split("/");
  return segments.map((_, i) => segments.slice(segments.length - 1 - i).join("/"));
}

/** The shortest end of each path that no other one has. */
export function shortNames(paths: readonly string[]): Map<string, string> {
  const counts = new Map<string, number>();
  for (const end of paths.flatMap(ends)) counts.set(end, (counts.get(end) ?? 0) + 1);
  return new Map(paths.map((path) => [path, ends(path).find((end) => counts.get(end) === 1) ?? path]));
}
