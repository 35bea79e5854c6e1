/** Numbers and names as people read them. */

export function value(v: number | null): string {
  if (v === null || !Number.isFinite(v)) return "–";
  if (v === 0) return "0";
  const size = Math.abs(v);
  if (size >= 10000 || size < 0.001) return v.toExponential(1);
  return String(Number(v.toPrecision(3)));
}

export function percent(p: number): string {
  if (!Number.isFinite(p)) return "";
  const hundredths = p * 100;
  return `${hundredths >= 99.95 || hundredths === 0 ? hundredths.toFixed(0) : hundredths.toFixed(1)} %`;
}

export function duration(seconds: number): string {
  if (seconds < 1) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
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
