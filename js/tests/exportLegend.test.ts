import { beforeEach, describe, expect, it } from "vitest";
import type { ExportContext } from "../src/canvas/captions";
import { classColour } from "../src/canvas/classColours";
import { drawLegend, legendHeight, legendOf } from "../src/canvas/exportLegend";
import type { LabelMap } from "../src/kernel/segmentation";
import { Store } from "../src/state/store";
import { welcome } from "./helpers";

type Mark = [kind: "fill" | "frame" | "text", what: string, x: number, y: number];

/** Letters ten pixels wide in a text of 13, and what is drawn where. */
function recorder() {
  const drawn: Mark[] = [];
  let size = 0;
  const context = {
    ...{ fillStyle: "", strokeStyle: "", lineWidth: 0, textAlign: "right" },
    set font(value: string) {
      size = Number.parseFloat(value.slice(value.indexOf(" ")));
    },
    measureText: (text: string) => ({ width: (text.length * 10 * size) / 13 }),
    fillRect: (x: number, y: number) => drawn.push(["fill", context.fillStyle, x, y]),
    strokeRect: (x: number, y: number) => drawn.push(["frame", "", x, y]),
    fillText: (text: string, x: number, y: number) =>
      drawn.push(["text", text, context.textAlign === "left" ? x : Number.NaN, y]),
  };
  return { drawn, context: context as unknown as ExportContext };
}

const seen = (...shares: [number, number][]): LabelMap => ({
  ...{ height: 1, width: 1, labels: new Uint8Array(1), problem: "" },
  shares,
});

let store: Store;
beforeEach(() => {
  store = new Store({ overlay: "prediction" });
  store.constants.value = welcome({ class_names: ["road, route", "car", "sky"], places: [1, 1] });
});
const show = (...images: LabelMap[]) => {
  store.segmentations.value = new Map(images.entries());
};
const entries = (images: number[], width = 1000, unit = 1) => legendOf(recorder().context, store, images, width, unit);
const texts = (...images: number[]) => entries(images).map(({ text }) => text);

describe("the legend of an exported picture", () => {
  it("has the classes of all its images by their mean share, each image once", () => {
    show(seen([0, 0.9], [1, 0.1]), seen([1, 0.7], [2, 0.3]));
    expect(texts(0)).toEqual(["road 90.0 %", "car 10.0 %"]);
    expect(texts(0, 1, 0, 0)).toEqual(["road 45.0 %", "car 40.0 %", "sky 15.0 %"]);
    expect(entries([0]).map(({ colour }) => colour)).toEqual([classColour(0), classColour(1)]);
  });

  it("leaves out images of which nothing is known", () => {
    show(seen([0, 1]), { ...seen(), problem: "the file is gone" });
    expect(texts(0, 1, 2)).toEqual(["road 100 %"]);
    expect(texts(1, 2)).toEqual([]);
  });

  it("is none where the prediction is not shown, and then takes no room", () => {
    show(seen([0, 1]));
    store.traits.overlay.value = "map";
    expect(entries([0])).toEqual([]);
    expect(legendHeight([], 1)).toBe(0);
  });

  it("says without a colour where no class is probable", () => {
    show(seen([2, 0.75], [3, 0.25]));
    expect(entries([0])[1]).toMatchObject({ text: "no class 25.0 %", colour: null });
  });

  it("counts those beyond what colours can tell apart", () => {
    const class_names = Array.from({ length: 40 }, (_, index) => `class ${index}`);
    store.constants.value = welcome({ class_names, places: [1, 1] });
    show(seen(...class_names.map((_, index): [number, number] => [index, 1 / 40])));
    expect([texts(0).length, texts(0).at(-1)]).toEqual([33, "and 8 more"]);
    show(seen(...class_names.slice(8).map((_, index): [number, number] => [index, 1 / 32])));
    expect(texts(0).at(-1)).toBe("class 31 3.1 %");
  });

  it("has rows within its width, of one entry at least", () => {
    show(seen([0, 0.5], [1, 0.3], [2, 0.2]));
    // An entry is 17 and 10 for each letter, and 16 lie between two.
    const places = (width: number, unit = 1) => entries([0], width, unit).map(({ x, row }) => [x, row]);
    const [road, car] = [17 + 110, 17 + 100];
    expect(places(1000)).toEqual([
      [0, 0],
      [road + 16, 0],
      [road + car + 32, 0],
    ]);
    expect(places(road + 16 + car)).toEqual([
      [0, 0],
      [road + 16, 0],
      [0, 1],
    ]);
    expect(places(road + 16 + car - 1)).toEqual([
      [0, 0],
      [0, 1],
      [car + 16, 1],
    ]);
    expect(places(5)).toEqual([
      [0, 0],
      [0, 1],
      [0, 2],
    ]);
    expect(places(2 * (road + 16 + car), 2)).toEqual([
      [0, 0],
      [2 * (road + 16), 0],
      [0, 1],
    ]);
    expect(legendHeight(entries([0], 5), 1)).toBe(3 * 20);
  });

  it("is drawn as framed colours, with the text to their right", () => {
    show(seen([1, 0.75], [3, 0.25]));
    const { drawn, context } = recorder();
    drawLegend(context, entries([0], 5), { x: 100, y: 50 }, 1);
    expect(drawn).toEqual([
      ["fill", classColour(1), 100, 50],
      ["frame", "", 100, 50],
      ["text", "car 75.0 %", 117, 60],
      ["text", "no class 25.0 %", 117, 80],
    ]);
  });
});
