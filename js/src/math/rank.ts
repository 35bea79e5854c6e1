/** Where a value stands among all values of its map. */

/** Ascending, without NaN. */
export function sorted(values: Float32Array): Float32Array {
  return values.filter((value) => !Number.isNaN(value)).sort();
}

/** The part (0..1) of the values that are not below this one. */
export function share(ascending: Float32Array, value: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle] < value) low = middle + 1;
    else high = middle;
  }
  return ascending.length > 0 ? 1 - low / ascending.length : 1;
}

export function rankText(part: number): string {
  return `highest ${Math.max(1, Math.ceil(part * 100 - 1e-9))} %`;
}
