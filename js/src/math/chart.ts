/** Points of a chart as the text of paths. */

type Values = readonly (number | null)[];

/** Where a value of a chart lies, in pixels. */
export interface ChartScale {
  x(value: number): number;
  y(value: number): number;
}

const place = (scale: ChartScale, x: number, y: number) => `${scale.x(x).toFixed(1)} ${scale.y(y).toFixed(1)}`;

/** A line through points; where one is missing, it begins anew. */
export function linePath(scale: ChartScale, xs: readonly number[], ys: Values): string {
  let isOpen = false;
  return ys
    .map((y, i) => {
      if (y === null) {
        isOpen = false;
        return "";
      }
      const command = isOpen ? "L" : "M";
      isOpen = true;
      return command + place(scale, xs[i], y);
    })
    .join("");
}

/** The area between two lines of as many points, "" where any is missing. */
export function bandPath(scale: ChartScale, xs: readonly number[], low: Values, high: Values): string {
  if (low.length === 0 || low.includes(null) || high.includes(null)) return "";
  const upper = high.map((y, i) => place(scale, xs[i], y as number));
  const lower = low.map((y, i) => place(scale, xs[i], y as number)).reverse();
  return `M${[...upper, ...lower].join("L")}Z`;
}

/** The lowest and the highest of some values, and of what they must span at least. */
export function rangeOf(values: Values, least: readonly [low: number, high: number]): [low: number, high: number] {
  const numbers = [...values.filter((value) => value !== null), ...least];
  return [Math.min(...numbers), Math.max(...numbers)];
}
