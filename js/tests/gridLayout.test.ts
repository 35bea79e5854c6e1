import { describe, expect, it } from "vitest";
import { columnLayout, fittingHeight, GAP, justifiedLayout, rowAt } from "../src/view/gridLayout";

const CAPTION = 64;
const strip = { width: 1000, caption: CAPTION };
const same = (count: number, aspect = 1.5) => new Array<number>(count).fill(aspect);

/** Where each row of a layout ends on the right. */
const endsOf = ({ starts, lefts, widths }: ReturnType<typeof justifiedLayout>) =>
  starts.slice(1).map((start) => lefts[start - 1] + widths[start - 1]);

describe("justified rows", () => {
  const aspects = [1.5, 0.7, 1.33, 1.5, 1, 1.78, 0.56, 1.5, 1.5, 1.33, 1.5, 0.75];

  it.each([90, 150, 240])("fill the width with pictures of their own shape, at most %i high", (height) => {
    const layout = justifiedLayout(aspects, height, strip);
    for (const end of endsOf(layout).slice(0, -1)) expect(Math.abs(end - 1000)).toBeLessThan(8);
    expect(Math.max(...layout.heights)).toBeLessThanOrEqual(height);
    expect(layout.starts.at(-1)).toBe(aspects.length);
    layout.widths.forEach((width, place) => {
      const high = layout.heights[rowAt(layout.starts, place)];
      expect(Math.abs(width - aspects[place] * high)).toBeLessThanOrEqual(0.5);
    });
    layout.heights.forEach((high, row) => {
      expect(layout.tops[row + 1] - layout.tops[row]).toBe(high + CAPTION + GAP);
    });
  });

  it("are equally high where all pictures are alike, the last row too", () => {
    expect(new Set(justifiedLayout(same(200), 150, strip).heights).size).toBe(1);
  });

  it("leave a single picture within the width", () => {
    expect(justifiedLayout([4], 600, strip)).toMatchObject({ heights: [250], widths: [1000] });
    expect(justifiedLayout([0.5], 600, strip)).toMatchObject({ heights: [600], widths: [300] });
  });

  it("are as high as fits the room, but never too small to be made out", () => {
    const room = { ...strip, height: 560 };
    for (const count of [1, 2, 5, 8]) {
      const high = fittingHeight(same(count), room);
      const length = (height: number) => (justifiedLayout(same(count), height, room).tops.at(-1) ?? 0) - GAP;
      expect(length(high)).toBeLessThanOrEqual(560);
    }
    expect(fittingHeight(same(1), room)).toBe(560 - CAPTION);
    expect(fittingHeight(same(20), room)).toBeGreaterThan(fittingHeight(same(200), room));
  });
});

describe("the rows of a comparison", () => {
  it("have one image each, in columns that fill the width", () => {
    const layout = columnLayout([1.5, 0.5], 3, 300, strip);
    expect(layout.starts).toEqual([0, 1, 2]);
    expect(layout.track).toBe(Math.floor((1000 - 2 * GAP) / 3) + GAP);
    expect(layout.widths.every((width) => width <= layout.track - GAP)).toBe(true);
    expect(layout.heights[1]).toBe(300);
  });

  it("stay wide enough to be seen, however many there are", () => {
    expect(columnLayout([1], 20, 300, strip).track).toBe(96 + GAP);
  });
});
