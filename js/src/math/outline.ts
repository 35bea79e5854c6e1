/** The outline of what is marked in a mask. */

import type { Mask } from "./mask";
import type { Point } from "./transform";

export type Line = readonly [from: Point, to: Point];

/** The edges between pixels that are marked and pixels that are not, in fractions of the mask, as long as they go. */
export function outlineOf({ width, height, pixels }: Mask): Line[] {
  const isMarked = (row: number, column: number) =>
    row >= 0 && row < height && column >= 0 && column < width && pixels[row * width + column] === 1;
  const rows = edges(height, width, isMarked);
  const columns = edges(width, height, (column, row) => isMarked(row, column));
  const at = (x: number, y: number): Point => ({ x: x / width, y: y / height });
  return [
    ...rows.map(([y, start, end]): Line => [at(start, y), at(end, y)]),
    ...columns.map(([x, start, end]): Line => [at(x, start), at(x, end)]),
  ];
}

/** Between one line of pixels and the next: which edge, and where it begins and ends along the line. */
function edges(lines: number, length: number, isMarked: (line: number, along: number) => boolean) {
  const edges: [edge: number, start: number, end: number][] = [];
  for (let line = 0; line <= lines; line++) {
    let start = -1;
    for (let along = 0; along <= length; along++) {
      const isEdge = along < length && isMarked(line, along) !== isMarked(line - 1, along);
      if (isEdge && start < 0) start = along;
      if (isEdge || start < 0) continue;
      edges.push([line, start, along]);
      start = -1;
    }
  }
  return edges;
}
