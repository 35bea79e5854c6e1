import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { drawRegion } from "../src/canvas/regionOutline";
import type { LocatedRegionRecord, RegionRecord } from "../src/kernel/protocol";
import { blankMask, fillBox, pack } from "../src/math/mask";
import { type Point, Transform } from "../src/math/transform";
import type { Picture } from "../src/state/store";

const RECT = { x: 10, y: 20, width: 80, height: 40 };
/** Pixels of the original, of which the picture is a small copy: each is two of the screen. */
const PICTURE = { width: 8, height: 4, original_size: [40, 20], box: [0, 0, 1, 1] } as unknown as Picture;

let context: FakeContext;

/** Keeps the lines and rectangles that were stroked, and where drawing was confined to. */
class FakeContext {
  strokeStyle = "";
  lineWidth = 0;
  clipped: number[][] = [];
  readonly strokes: { color: string; width: number }[] = [];
  readonly drawn = new Set<string>();
  private path: number[][] = [];
  private from: number[] = [];
  private readonly saved: number[][][] = [];

  save = () => this.saved.push(this.clipped);
  restore = () => {
    this.clipped = this.saved.pop() as number[][];
  };
  beginPath = () => {
    this.path = [];
  };
  clip = () => {
    this.clipped = this.path;
  };
  moveTo = (x: number, y: number) => {
    this.from = [x, y];
  };
  lineTo = (x: number, y: number) => this.path.push([...this.from, x, y]);
  rect = (x: number, y: number, width: number, height: number) => this.path.push([x, y, width, height]);
  stroke = () => {
    if (this.path.length > 0) expect(this.clipped).toEqual([Object.values(RECT)]);
    this.strokes.push({ color: this.strokeStyle, width: this.lineWidth });
    for (const line of this.path) this.drawn.add(line.join());
  };
}

beforeEach(() => {
  context = new FakeContext();
  vi.stubGlobal("window", { devicePixelRatio: 1 });
});
afterEach(() => vi.unstubAllGlobals());

function draw(
  region: LocatedRegionRecord | RegionRecord,
  options: { view?: Transform; picture?: Picture; corners?: Point[] } = {},
): string[] {
  const { view = Transform.identity, picture = PICTURE, corners } = options;
  drawRegion(context as unknown as CanvasRenderingContext2D, RECT, view, picture, region, corners);
  return [...context.drawn];
}

/** An object of an output of 4 by 2 places: the two in the middle of the upper row. */
const OBJECT: LocatedRegionRecord = {
  ...{ kind: "object", at: [15, 5], words: "", size: [2, 4] },
  cells: btoa(String.fromCharCode(...pack(fillBox(blankMask(4, 2), { x: 1, y: 0 }, { x: 3, y: 1 }).pixels))),
};

describe("the region that is drawn over a picture", () => {
  it("is a box in pixels of the original", () => {
    expect(draw({ kind: "box", at: [5, 10, 20, 15] })).toEqual(["20.5,40.5,30,10"]);
  });

  it("follows a picture that is zoomed", () => {
    const view = Transform.identity.zoom(2, { x: 0, y: 0 });
    expect(draw({ kind: "box", at: [5, 10, 20, 15] }, { view })).toEqual(["30.5,60.5,60,20"]);
  });

  it("is four lines around a pixel, which leave it to be seen", () => {
    // Its middle is at 10 + 2 · 20.5, 20 + 2 · 10.5.
    const lines = draw({ kind: "pixel", at: [20, 10] });
    expect(lines).toEqual(["54.5,41.5,60.5,41.5", "48.5,41.5,42.5,41.5", "51.5,44.5,51.5,50.5", "51.5,38.5,51.5,32.5"]);
  });

  it("is as large on screens of finer pixels, dark below and white above", () => {
    vi.stubGlobal("window", { devicePixelRatio: 2 });
    expect(draw({ kind: "pixel", at: [20, 10] })).toContain("57.5,41.5,69.5,41.5");
    expect(context.strokes).toEqual([
      { color: "rgb(0 0 0 / 0.55)", width: 6 },
      { color: "#fff", width: 2 },
    ]);
  });

  it("is a cross at an object that is asked for, and its outline once it is known", () => {
    expect(draw({ kind: "object", at: [15, 5] })).toHaveLength(4);
    context = new FakeContext();
    const outline = ["30.5,20.5,70.5,20.5", "30.5,40.5,70.5,40.5", "30.5,20.5,30.5,40.5", "70.5,20.5,70.5,40.5"];
    expect(draw(OBJECT).sort()).toEqual(outline.sort());
  });

  it("lies in the part of the picture that the model sees", () => {
    const picture = { ...PICTURE, box: [0.5, 0, 1, 0.5] };
    const outline = ["60.5,20.5,80.5,20.5", "60.5,30.5,80.5,30.5", "60.5,20.5,60.5,30.5", "80.5,20.5,80.5,30.5"];
    expect(draw(OBJECT, { picture }).sort()).toEqual(outline.sort());
  });

  it("is the box between corners that are being chosen, whatever was asked before", () => {
    const corners = [
      { x: 0.25, y: 0.5 },
      { x: 0.9, y: 0.9 },
      { x: 0.5, y: 0.75 },
    ];
    for (const region of [OBJECT, { kind: "whole" as const, at: [] }]) {
      context = new FakeContext();
      expect(draw(region, { corners })).toEqual(["30.5,40.5,20,10"]);
    }
  });

  it("is nothing of the whole picture, or where the class wins", () => {
    expect(draw({ kind: "wins", at: [] })).toEqual([]);
    expect(draw({ ...OBJECT, kind: "whole", at: [] })).toEqual([]);
    expect(draw({ kind: "mask", at: [] })).toEqual([]);
  });
});
