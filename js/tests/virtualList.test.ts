import { describe, expect, it } from "vitest";
import { LONGEST, rowsInSight } from "../src/view/useVirtualList";

const GAP = 12;
const [height, pitch] = [760, 290];
const rowsAt = (scrolled: number, rows: number, high = pitch) =>
  rowsInSight(scrolled, rows, { height, pitch: high, gap: GAP, ahead: 2 });

/** Where a row lies in the sheet, if the rows that are rendered begin after the room above them. */
const placeOf = (row: number, { first, above }: ReturnType<typeof rowsInSight>) =>
  (above > 0 ? above + GAP : 0) + (row - first) * pitch;
const lengthOf = ({ first, last, above, below }: ReturnType<typeof rowsInSight>) =>
  (above > 0 ? above + GAP : 0) + (last - first) * pitch - GAP + (below > 0 ? below + GAP : 0);

describe("the rows that are rendered", () => {
  it.each([0, 100, 5000, 290 * 999])("lie where they would if all were, scrolled by %i", (scrolled) => {
    const range = rowsAt(scrolled, 1000);
    expect(placeOf(range.first, range)).toBe(range.first * pitch);
    expect(range.first * pitch).toBeLessThanOrEqual(Math.max(0, scrolled - 2 * pitch) + pitch);
    expect(lengthOf(range)).toBe(1000 * pitch - GAP);
  });

  it.each([290, 290.484375])("lie on the same pixels wherever they begin, %f high", (high) => {
    for (const scrolled of [900, 1000, 5000]) {
      const range = rowsAt(scrolled, 1000, high);
      expect(range.above + GAP).toBe(range.first * high);
    }
  });

  it.each([0, 0.3, 0.7, 1])("fill the sheet where a million do not fit, at %f of it", (part) => {
    const scrolled = part * (LONGEST - height);
    const range = rowsAt(scrolled, 1e6);
    expect(Math.abs(lengthOf(range) - LONGEST)).toBeLessThanOrEqual(1);
    expect(placeOf(range.first, range)).toBeLessThanOrEqual(scrolled);
    expect(placeOf(range.last, range)).toBeGreaterThanOrEqual(scrolled + height);
    expect(range.last - range.first).toBeLessThan(10);
    const middle = (range.first + range.last) / 2 / 1e6;
    expect(Math.abs(middle - part)).toBeLessThan(1e-4);
  });

  it("begin with the first and end with the last", () => {
    expect(rowsAt(0, 1e6).first).toBe(0);
    expect(rowsAt(LONGEST - height, 1e6).last).toBe(1e6);
  });
});
