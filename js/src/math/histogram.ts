/** How often which values occur. */

const MOST = 200_000;

/** Counts in equal bins from low to high, ends included; of very many values every n-th only. NaN counts nowhere. */
export function histogram(maps: readonly Float32Array[], low: number, high: number, bins: number): Uint32Array {
  const counts = new Uint32Array(bins);
  const total = maps.reduce((sum, map) => sum + map.length, 0);
  const step = Math.max(1, Math.ceil(total / MOST));
  const gain = high > low ? bins / (high - low) : 0;
  for (const map of maps) {
    for (let i = 0; i < map.length; i += step) {
      const at = (map[i] - low) * gain;
      if (at >= 0 && at <= bins) counts[Math.min(Math.floor(at), bins - 1)] += 1;
    }
  }
  return counts;
}

/** Heights (0..1) of the bars: square roots, so that rare values are seen beside frequent ones. */
export function heights(counts: Uint32Array): number[] {
  // One bin, that of zero as a rule, may hold nearly everything: it is cut off.
  const sorted = [...counts].sort((a, b) => b - a);
  const most = Math.min(sorted[0], 4 * (sorted[1] || sorted[0]));
  return Array.from(counts, (count) => (most > 0 ? Math.sqrt(Math.min(count / most, 1)) : 0));
}
