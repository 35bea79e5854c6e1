import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Gestures } from "../src/canvas/gestures";
import { RegionSurface } from "../src/canvas/regionSurface";
import { tileKey } from "../src/kernel/decode";
import type { LocatedRegionRecord, RegionRecord } from "../src/kernel/protocol";
import { Transform } from "../src/math/transform";
import type { Actions } from "../src/state/actions";
import { currentQuestion, Store, type Traits } from "../src/state/store";
import { RegionChip, RegionLine, RegionTools } from "../src/view/regionTools";
import { type Element, Screen } from "./dom";
import { COLUMN, item, silentActions, welcome } from "./helpers";

const PICTURE = { name: "street.png", width: 40, height: 20, box: [0, 0, 1, 1], mime: "", data: new Uint8Array() };
const PLACE = { image: 0, column: 0 };
const WHOLE: RegionRecord = { kind: "whole", at: [] };
const KINDS = ["wins", "whole", "pixel", "box", "object"];

let store: Store;
let requests: Partial<Traits>[];
let actions: Actions;
let screen: Screen;

beforeEach(() => {
  store = new Store({ layer: "conv", method: "cam", target: "top", _images: [PICTURE, PICTURE] });
  store.constants.value = welcome({ class_names: ["road", "car"], places: [5, 10], regions: KINDS as never });
  ({ actions, requests } = silentActions(store));
});

/** A map of the first image is on the screen. */
function showMap(region: LocatedRegionRecord | null): void {
  const map = { item: item({ region }), values: Float32Array.of(1, 2), extent: { lo: 1, hi: 2, loAt: 0, hiAt: 1 } };
  const columns = [{ ...COLUMN, target: "top" }];
  store.answer.value = { gen: 1, key: "", columns, tiles: new Map([[tileKey(0, 0), map]]) };
}

const asked = () => store.traits.regions.value;
const choose = (tool: typeof store.regionPicker.tool.value) =>
  act(() => {
    store.regionPicker.tool.value = tool;
  });

describe("pointing in a picture", () => {
  let canvas: Element;
  let gestures: Gestures;

  beforeEach(() => {
    screen = new Screen(() => <canvas />);
    canvas = screen.one("img");
    const surface = new RegionSurface(store, actions, PLACE);
    gestures = new Gestures(canvas as never, PLACE, store, actions, undefined, [surface]);
    return () => {
      gestures.close();
      screen.close();
    };
  });

  /** The picture of 40 by 20 lies in the canvas of 200 by 200 from 50 down to 150: a pixel is 5 wide and high. */
  const pointer = (type: string, x: number, y: number, fields = {}) =>
    canvas.fire(`pointer${type}`, { button: 0, pointerId: 1, clientX: 5 * x, clientY: 50 + 5 * y, ...fields });
  const drag = (...points: [x: number, y: number][]) => {
    pointer("down", ...points[0]);
    for (const point of points) pointer("move", ...point);
    pointer("up", ...points[points.length - 1]);
  };
  const press = (key: string) => canvas.fire("keydown", { key });
  const aim = (x: number, y: number) => {
    store.focus.value = PLACE;
    store.crosshair.value = { x: x / 40, y: y / 20 };
  };

  it("asks about the pixel where a click ends, in the tile that is clicked", () => {
    store.traits.selected.value = [1];
    choose("pixel");
    drag([3.5, 4.5], [30.5, 12.5]);
    expect(asked()).toEqual({ 0: { kind: "pixel", at: [30, 12] } });
    expect([store.traits.selected.value, store.regionPicker.corners.value]).toEqual([[0], null]);
  });

  it("asks about the object that is clicked, in the class that wins there", () => {
    store.traits.target.value = "road";
    choose("object");
    drag([3.5, 4.5]);
    expect(asked()).toEqual({ 0: { kind: "object", at: [3, 4] } });
    expect(store.traits.target.value).toBe("top");
  });

  it("shows the box while it is dragged, and asks about it as far as it lies in the picture", () => {
    choose("box");
    pointer("down", 10, 5);
    pointer("move", 12, 6);
    pointer("move", 60, 15);
    const corners = [
      { x: 0.25, y: 0.25 },
      { x: 1, y: 0.75 },
    ];
    expect(store.regionPicker.corners.value).toEqual({ image: 0, points: corners });
    expect([requests, store.crosshair.value]).toEqual([[], null]);
    pointer("up", 60, 15);
    expect(asked()).toEqual({ 0: { kind: "box", at: [10, 5, 40, 15] } });
  });

  it("asks nothing for a box without a width, and nothing again for what is asked already", () => {
    choose("box");
    drag([10, 5]);
    expect([asked(), store.regionPicker.corners.value]).toEqual([{}, null]);
    choose("pixel");
    drag([3, 4]);
    requests.length = 0;
    drag([3, 4]);
    expect(requests).toEqual([]);
  });

  it("finds the pixel that is seen in a picture which is zoomed", () => {
    store.view.value = Transform.identity.zoom(2, { x: 0, y: 0 });
    choose("pixel");
    drag([30.5, 12.5]);
    expect(asked()).toEqual({ 0: { kind: "pixel", at: [15, 6] } });
    expect(store.view.value.k).toBe(2);
  });

  it("moves the crosshair over the picture alone, until the pointer leaves", () => {
    choose("pixel");
    pointer("move", 20, 5);
    expect([store.crosshair.value, store.focus.value]).toEqual([{ x: 0.5, y: 0.25 }, PLACE]);
    pointer("move", 20, 25);
    expect(store.crosshair.value).toBeNull();
    pointer("move", 20, 5);
    pointer("leave", 20, 500);
    expect([store.crosshair.value, store.focus.value]).toEqual([null, null]);
  });

  it("is no pointing where a second finger comes down, or the browser takes the pointer", () => {
    for (const tool of ["pixel", "box"] as const) {
      choose(tool);
      pointer("down", 3, 4);
      pointer("down", 30, 12, { pointerId: 2 });
      pointer("up", 30, 12, { pointerId: 2 });
      pointer("up", 3, 4);
      pointer("down", 3, 4);
      pointer("move", 9, 9);
      pointer("cancel", 9, 9);
      pointer("up", 9, 9);
    }
    expect([requests, store.regionPicker.corners.value]).toEqual([[], null]);
  });

  it("is given up by Escape while the pointer is down", () => {
    for (const tool of ["pixel", "box"] as const) {
      choose(tool);
      pointer("down", 3, 4);
      pointer("move", 9, 9);
      press("Escape");
      pointer("move", 12, 12);
      pointer("up", 12, 12);
    }
    expect([requests, store.regionPicker.corners.value, store.regionPicker.tool.value]).toEqual([[], null, "box"]);
  });

  it("leaves the swipe's line to be dragged, and a right click to the browser", () => {
    store.traits.swipe.value = 0.5;
    choose("pixel");
    drag([20, 10], [30, 10]);
    expect([requests, store.traits.swipe.value]).toEqual([[{ swipe: 0.75 }], 0.75]);
    requests.length = 0;
    for (const type of ["down", "up"]) pointer(type, 3, 4, { button: 2 });
    expect(requests).toEqual([]);
    drag([3, 4]);
    expect(asked()).toEqual({ 0: { kind: "pixel", at: [3, 4] } });
  });

  it("zooms by the wheel, and not by a second click", () => {
    choose("pixel");
    const at = { clientX: 0, clientY: 50 };
    canvas.fire("dblclick", at);
    expect(store.view.value.k).toBe(1);
    canvas.fire("wheel", { ...at, ctrlKey: true, deltaY: -60, deltaMode: 0 });
    expect(store.view.value.k).toBeCloseTo(2 ** 0.2, 6);
    choose(null);
    canvas.fire("dblclick", at);
    expect(store.view.value.k).toBeCloseTo(2 ** 1.2, 6);
  });

  it("goes by keys, a box by two corners", () => {
    choose("box");
    aim(10, 5);
    press("Enter");
    expect(asked()).toEqual({});
    aim(30, 15);
    press("Enter");
    expect(asked()).toEqual({ 0: { kind: "box", at: [10, 5, 30, 15] } });
    choose("pixel");
    aim(7.5, 8.5);
    press(" ");
    expect(asked()).toEqual({ 0: { kind: "pixel", at: [7, 8] } });
  });

  it("leaves arrows to the crosshair", () => {
    choose("pixel");
    aim(20, 10);
    press("ArrowRight");
    expect(store.crosshair.value?.x).toBeCloseTo(0.51, 6);
    expect(requests).toEqual([]);
  });

  it("Escape takes back a corner first, then the region, then the tool", () => {
    actions.chooseRegion(0, WHOLE);
    choose("box");
    aim(10, 5);
    press("Enter");
    const state = () => [store.regionPicker.corners.value !== null, asked(), store.regionPicker.tool.value];
    expect(state()).toEqual([true, { 0: WHOLE }, "box"]);
    press("Escape");
    expect(state()).toEqual([false, { 0: WHOLE }, "box"]);
    press("Escape");
    expect(state()).toEqual([false, {}, "box"]);
    press("Escape");
    expect(state()).toEqual([false, {}, null]);
  });

  it("is off while there is no tool: a click chooses the tile, and Escape the default", () => {
    actions.chooseRegion(0, WHOLE);
    store.traits.selected.value = [1];
    drag([3, 4]);
    expect([asked(), store.traits.selected.value]).toEqual([{ 0: WHOLE }, [0]]);
    press("Escape");
    expect(asked()).toEqual({});
  });

  it("Escape asks nothing that a page without Python cannot answer", () => {
    actions.chooseRegion(0, WHOLE);
    requests.length = 0;
    const question = { ...currentQuestion(store), regions: { 0: WHOLE } };
    store.available.value = { questions: [question], offline: true, fromStore: false, leftOut: 0, side: null };
    aim(3, 4);
    press("Escape");
    expect([requests, asked(), store.crosshair.value]).toEqual([[], { 0: WHOLE }, null]);
    store.available.value = { ...store.available.value, questions: [question, { ...question, regions: {} }] };
    press("Escape");
    expect(requests).toEqual([{ regions: {} }]);
  });
});

describe("the tools", () => {
  beforeEach(() => {
    screen = new Screen(() => <RegionTools store={store} actions={actions} />);
  });
  afterEach(() => screen.close());

  const names = () => screen.all("button").map((button) => button.textContent);
  const pressed = () =>
    screen.all("button").flatMap((button) => (button.attribute("aria-pressed") === "true" ? [button.textContent] : []));
  const press = (name: string) => screen.one("button", name).fire("click");
  const change = (values: Partial<Parameters<typeof welcome>[0]>) =>
    act(() => {
      store.constants.value = welcome(values);
    });

  it("are those of the model's regions; a model of one score a class has none", () => {
    expect(names()).toEqual(["where it wins", "whole picture", "pixel", "object", "box"]);
    change({ regions: ["whole", "box"] });
    expect(names()).toEqual(["whole picture", "box"]);
    change({ regions: [] });
    expect(screen.text).toBe("");
  });

  it("ask about the picture in focus", () => {
    act(() => actions.selectTile({ image: 1, column: 0 }));
    expect(pressed()).toEqual(["where it wins"]);
    press("whole picture");
    expect([asked(), pressed()]).toEqual([{ 1: WHOLE }, ["whole picture"]]);
    press("where it wins");
    expect([asked(), pressed()]).toEqual([{}, ["where it wins"]]);
  });

  it("are taken one at a time with a word on what to do, and put away", () => {
    press("pixel");
    expect([pressed(), screen.text.endsWith("Click a pixel to ask why.")]).toEqual([["pixel"], true]);
    press("box");
    expect([pressed(), screen.text.endsWith("Drag a box to ask why.")]).toEqual([["box"], true]);
    press("box");
    expect([pressed(), screen.text.includes("ask why")]).toEqual([["where it wins"], false]);
    press("object");
    press("whole picture");
    expect([store.regionPicker.tool.value, pressed()]).toEqual([null, ["whole picture"]]);
  });

  it("give up a box that is not closed when another is taken, or none", () => {
    for (const name of ["pixel", "box", "whole picture"]) {
      choose("box");
      store.regionPicker.corners.value = { image: 0, points: [{ x: 0.5, y: 0.5 }] };
      press(name);
      expect(store.regionPicker.corners.value).toBeNull();
    }
  });

  it("go with the kernel, and catch no clicks when they are gone", () => {
    press("pixel");
    act(() => {
      store.available.value = { questions: [], offline: true, fromStore: false, leftOut: 0, side: null };
    });
    expect([screen.text, store.regionPicker.tool.value]).toEqual(["", null]);
  });
});

describe("what is explained, in words", () => {
  const AT = { kind: "pixel" as const, at: [3, 4], size: [5, 10], cells: "", words: "at pixel (3, 4)" };
  beforeEach(() => {
    screen = new Screen(() => (
      <>
        <RegionChip store={store} actions={actions} {...PLACE} />
        <RegionLine store={store} actions={actions} />
      </>
    ));
  });
  afterEach(() => screen.close());

  const chips = () => screen.all("button", /^Explained: /);
  const show = (region: LocatedRegionRecord | null) => act(() => showMap(region));

  it("is nothing where the class wins in a chip, and said in the panel", () => {
    expect(screen.text).toBe("");
    show({ ...AT, kind: "wins", at: [], words: "where it wins" });
    expect(chips()).toEqual([]);
    expect(screen.text).toBe("Explained: cat where it wins.");
    show(null);
    expect(screen.text).toBe("");
  });

  it("is what was asked until a map has come, then what that is about", () => {
    act(() => actions.chooseRegion(0, { kind: "object", at: [7, 8] }));
    expect(chips()[0].textContent).toBe("in the object at (7, 8)✕");
    show(AT);
    expect(chips()[0].textContent).toBe("cat · at pixel (3, 4)✕");
    expect(screen.one("paragraph").textContent).toBe("Explained: cat at pixel (3, 4).Reset");
  });

  it("resets the image's region by a click on either", () => {
    show(AT);
    for (const name of [/^Explained: /, "Reset"]) {
      actions.chooseRegion(0, { kind: "pixel", at: [3, 4] });
      screen.one("button", name).fire("click");
      expect(asked()).toEqual({});
    }
  });
});
