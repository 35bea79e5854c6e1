import { describe, expect, it } from "vitest";
import { LONGEST, lengthOf, rowsInSight } from "../src/view/useVirtualList";

const [height, pitch] = [760, 290];
const places = (count: number, high = pitch) => ({
  count,
  topOf: (row: number) => row * high,
  rowAt: (top: number) => Math.floor(top / high),
});
const rowsAt = (scrolled: number, count: number) => rowsInSight(scrolled, places(count), { height, ahead: 2 });

describe("the rows that are rendered", () => {
  it.each([0, 100, 5000, 290 * 999])("lie where they would if all were, scrolled by %i", (scrolled) => {
    const { first, last, offset } = rowsAt(scrolled, 1000);
    expect(offset).toBe(0);
    expect(first * pitch).toBeLessThanOrEqual(Math.max(0, scrolled - 2 * pitch) + pitch);
    expect(last).toBeGreaterThanOrEqual(Math.min(1000, (scrolled + height) / pitch));
    expect(lengthOf(places(1000))).toBe(1000 * pitch);
  });

  it.each([0, 0.3, 0.7, 1])("fill the sheet where a million do not fit, at %f of it", (part) => {
    const scrolled = part * (LONGEST - height);
    const { first, last, offset } = rowsAt(scrolled, 1e6);
    expect(lengthOf(places(1e6))).toBe(LONGEST);
    expect(first * pitch + offset).toBeLessThanOrEqual(scrolled);
    expect(last * pitch + offset).toBeGreaterThanOrEqual(scrolled + height);
    expect(last - first).toBeLessThan(10);
    expect(Math.abs((first + last) / 2 / 1e6 - part)).toBeLessThan(1e-4);
    expect(Number.isInteger(offset)).toBe(true);
  });

  it("begin with the first and end with the last", () => {
    expect(rowsAt(0, 1e6).first).toBe(0);
    expect(rowsAt(LONGEST - height, 1e6).last).toBe(1e6);
  });
});
