import { describe, expect, it } from "vitest";
import type { RegionRecord } from "../src/kernel/protocol";
import { blankMask, fillBox, unpack } from "../src/math/mask";
import { outlineOf } from "../src/math/outline";
import { regionCode } from "../src/state/regionCode";
import {
  askRegion,
  drawnRegion,
  regionAt,
  regionOf,
  regionOfMask,
  regionsText,
  regionText,
  WINS,
  withRegion,
} from "../src/state/regions";

const PIXEL: RegionRecord = { kind: "pixel", at: [140, 62] };
const WHOLE: RegionRecord = { kind: "whole", at: [] };
const SIZE = { width: 4000, height: 3000 };

describe("the region of a point", () => {
  it("is told in pixels of the original, to its last one", () => {
    expect(regionAt("pixel", [{ x: 0.25, y: 0.5 }], SIZE)).toEqual({ kind: "pixel", at: [1000, 1500] });
    expect(regionAt("object", [{ x: 1, y: 1 }], SIZE)).toEqual({ kind: "object", at: [3999, 2999] });
    expect(regionAt("pixel", [{ x: 0, y: 0.99999 }], SIZE)).toEqual({ kind: "pixel", at: [0, 2999] });
  });

  it("is a box between two corners, within the picture", () => {
    const corners = [
      { x: 0.75, y: 1.2 },
      { x: 0.5, y: 0.1 },
      { x: 0.25, y: 0.5 },
    ];
    expect(regionAt("box", corners, SIZE)).toEqual({ kind: "box", at: [1000, 1500, 3000, 3000] });
  });

  it("is none where nothing is within", () => {
    expect(regionAt("box", [{ x: 0.5, y: 0.5 }], SIZE)).toBeNull();
    expect(regionAt("pixel", [], SIZE)).toBeNull();
  });
});

describe("the regions of a question", () => {
  it("name only images that differ", () => {
    expect(withRegion({}, 3, PIXEL)).toEqual({ 3: PIXEL });
    expect(withRegion({ 3: PIXEL }, 3, WINS)).toEqual({});
    expect(withRegion({ 3: PIXEL }, 3, null)).toEqual({});
    expect(withRegion({ 3: PIXEL, 1: WHOLE }, 3, null)).toEqual({ 1: WHOLE });
  });

  it("go back to those of all others first, and then to the default", () => {
    expect(withRegion({ others: WHOLE, 3: PIXEL }, 3, null)).toEqual({ others: WHOLE });
    expect(withRegion({ others: WHOLE }, 3, null)).toEqual({ others: WHOLE, 3: WINS });
    expect(withRegion({ others: WHOLE }, 3, WHOLE)).toEqual({ others: WHOLE });
    expect(regionOf({ others: WHOLE, 3: WINS }, 3)).toBe(WINS);
    expect(regionOf({ others: WHOLE }, 1)).toBe(WHOLE);
    expect(regionOf({}, 1)).toBe(WINS);
  });

  it("begin with the class that wins there, and keep one that is chosen since", () => {
    expect(askRegion({ regions: {}, target: "cup" }, 0, PIXEL)).toEqual({ target: "top", regions: { 0: PIXEL } });
    expect(askRegion({ regions: {}, target: "top-2" }, 0, PIXEL)).toEqual({ regions: { 0: PIXEL } });
    expect(askRegion({ regions: { 1: PIXEL }, target: "cup" }, 0, PIXEL).target).toBeUndefined();
    expect(askRegion({ regions: {}, target: "cup" }, 0, WHOLE).target).toBeUndefined();
  });

  it("are told in words", () => {
    expect(regionText(PIXEL)).toBe("at pixel (140, 62)");
    expect(regionText({ kind: "box", at: [1, 2, 3, 4] })).toBe("in the box (1, 2) to (3, 4)");
    expect(regionText({ kind: "object", at: [1, 2] })).toBe("in the object at (1, 2)");
    expect(regionsText({ others: WHOLE, 3: PIXEL }, (image) => `image ${image + 1}`)).toBe(
      "image 4 at pixel (140, 62), in the whole output",
    );
  });
});

describe("the region of a mask", () => {
  it("has its height first, and its bits", () => {
    const mask = fillBox(blankMask(9, 5), { x: 2, y: 1 }, { x: 8, y: 3 });
    const { kind, mask: told } = regionOfMask(mask);
    const [[height, width], bits] = told as [[number, number], string];
    expect([kind, height, width]).toEqual(["mask", 5, 9]);
    expect(
      unpack(
        Uint8Array.from(atob(bits), (c) => c.charCodeAt(0)),
        9,
        5,
      ).pixels,
    ).toEqual(mask.pixels);
  });
});

describe("what is drawn of a region", () => {
  const located = { kind: "object" as const, words: "", at: [3, 4], size: [2, 2], cells: "gA==" };

  it("is that of the map once it is about what was asked", () => {
    expect(drawnRegion({ kind: "object", at: [3, 4] }, located)).toBe(located);
    const asked: RegionRecord = { kind: "object", at: [3, 5] };
    expect(drawnRegion(asked, located)).toBe(asked);
    expect(drawnRegion(asked, null)).toBe(asked);
  });
});

describe("an outline", () => {
  it("goes around all that is marked, and around holes", () => {
    const mask = fillBox(blankMask(4, 4), { x: 0, y: 0 }, { x: 3, y: 3 });
    mask.pixels[5] = 0;
    const lines = outlineOf(mask);
    const length = lines.reduce((sum, [a, b]) => sum + Math.abs(b.x - a.x) + Math.abs(b.y - a.y), 0);
    // Of a square of 3 × 3 cells of a quarter, 12 sides, and of a hole of one cell, 4.
    expect(length).toBeCloseTo(16 / 4, 6);
    expect(lines).toContainEqual([
      { x: 0, y: 0 },
      { x: 0.75, y: 0 },
    ]);
    expect(lines).toHaveLength(8);
  });

  it("is empty where nothing is marked", () => {
    expect(outlineOf(blankMask(3, 2))).toEqual([]);
  });
});

describe("regions as Python", () => {
  it("are written where they are not the default", () => {
    expect(regionCode({}, 3)).toBe("");
    expect(regionCode({ others: WHOLE }, 3)).toBe('kx.region("whole")');
    expect(regionCode({ 1: PIXEL }, 3)).toBe("[None, kx.region(pixel=(140, 62)), None]");
    expect(regionCode({ 1: { kind: "object", at: [1, 2], winner: 4 } }, 2)).toBe(
      "[None, kx.region(object_at=(1, 2), winner=4)]",
    );
    expect(regionCode({ others: WHOLE, 20: PIXEL }, 40)).toBe(
      '[{20: kx.region(pixel=(140, 62))}.get(i, kx.region("whole")) for i in range(40)]',
    );
    expect(regionCode({ 20: PIXEL, 3: WINS, others: WHOLE }, 40)).toContain('3: kx.region("wins")');
  });

  it("have the bits of masks", () => {
    expect(regionCode({ 0: { kind: "mask", at: [], mask: [[1, 8], "gA=="] } }, 1)).toBe(
      '[kx.Region.from_plain({"kind":"mask","at":[],"mask":[[1,8],"gA=="]})]',
    );
  });
});
