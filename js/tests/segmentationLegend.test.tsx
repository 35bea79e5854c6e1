import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { classColour } from "../src/canvas/classColours";
import type { QuestionRecord } from "../src/kernel/protocol";
import type { LabelMap } from "../src/kernel/segmentation";
import { Store, type Traits } from "../src/state/store";
import { OverlayChoice, SegmentationLegend } from "../src/view/segmentationLegend";
import { Screen } from "./dom";
import { silentActions, welcome } from "./helpers";

const PICTURE = { name: "in/street.png", width: 4, height: 2, box: [0, 0, 1, 1], mime: "", data: new Uint8Array() };
/** Two classes share a name, so that neither is told by it. */
const NAMES = ["road, route", "car", "sky", "sky"];
const seen = (...shares: [number, number][]): LabelMap => ({
  ...{ height: 2, width: 4, labels: new Uint8Array(8), problem: "" },
  shares,
});

let store: Store;
let requests: Partial<Traits>[];
let screen: Screen;

beforeEach(() => {
  store = new Store({ target: "top", _images: [PICTURE, { ...PICTURE, name: "" }], overlay: "both" });
  store.constants.value = welcome({ class_names: NAMES, places: [2, 4], predicts: "share" });
  const silent = silentActions(store);
  requests = silent.requests;
  screen = new Screen(() => (
    <>
      <OverlayChoice store={store} actions={silent.actions} />
      <SegmentationLegend store={store} actions={silent.actions} />
    </>
  ));
});
afterEach(() => screen.close());

const change = <Value,>(of: { value: Value }, value: Value) =>
  act(() => {
    of.value = value;
  });
const show = (image: number, segmentation: LabelMap) =>
  change(store.segmentations, new Map([...store.segmentations.value, [image, segmentation]]));
const legend = () => screen.one("group");
const buttons = () => screen.all("button");

describe("what lies over the pictures", () => {
  it("is chosen, and told to Python", () => {
    const select = screen.one("combobox", "Overlay");
    expect(screen.all("option").map(({ textContent }) => textContent)).toEqual(["map", "prediction", "both"]);
    select.value = "prediction";
    select.fire("change");
    expect(requests).toEqual([{ overlay: "prediction" }]);
  });

  it("is no choice of a model that tells one class a picture", () => {
    change(store.constants, welcome({ class_names: NAMES }));
    expect(screen.text).toBe("");
  });
});

describe("the legend", () => {
  it("has the classes of the image in focus in the order of their shares, in the colours of the picture", () => {
    show(0, seen([1, 0.75], [0, 0.25]));
    show(1, seen([2, 1]));
    expect(legend().attribute("aria-label")).toBe("Prediction of street.png");
    expect(buttons().map(({ textContent }) => textContent)).toEqual(["car 75.0 %", "road 25.0 %"]);
    const colours = buttons().map((button) => button.querySelector("span").styles.get("--colour"));
    expect(colours).toEqual([classColour(1), classColour(0)]);
    act(() => {
      store.traits.selected.value = [1];
    });
    expect(legend().textContent).toBe("image 2sky 100 %");
  });

  it("asks for the class that is clicked, by its name where that means only it", () => {
    show(0, seen([1, 0.5], [3, 0.5]));
    const pressed = () => buttons().map((button) => button.attribute("aria-pressed"));
    expect(pressed()).toEqual(["false", "false"]);
    buttons()[0].fire("click");
    expect([requests, pressed()]).toEqual([[{ target: "car" }], ["true", "false"]]);
    expect(buttons()[0].attribute("title")).toBe("car wins 50.0 % of the picture: the map explains it");
    buttons()[1].fire("click");
    expect([requests[1], pressed()]).toEqual([{ target: 3 }, ["false", "true"]]);
  });

  it("knows a class that was asked for by its number", () => {
    show(0, seen([1, 0.5], [0, 0.5]));
    change(store.traits.target, 1);
    expect(buttons().map((button) => button.attribute("aria-pressed"))).toEqual(["true", "false"]);
  });

  it("asks nothing that a page without a kernel cannot answer", () => {
    show(0, seen([1, 0.5], [0, 0.5]));
    const questions = [{ target: "car" }] as unknown as QuestionRecord[];
    change(store.available, { questions, offline: true, fromStore: false, leftOut: 0, side: null });
    expect(buttons().map((button) => button.attribute("aria-disabled"))).toEqual([undefined, "true"]);
    expect(buttons()[1].attribute("title")).toMatch(/^road, route wins 50.0 % of the picture: needs the kernel/);
    for (const button of buttons()) button.fire("click");
    expect(requests).toEqual([{ target: "car" }]);
  });

  it("has places where no class is probable, which nobody can ask about", () => {
    show(0, seen([1, 0.9], [4, 0.1]));
    expect(buttons()).toHaveLength(1);
    expect(legend().textContent).toContain("no class 10.0 %");
  });

  it("says why there is nothing", () => {
    expect(legend().textContent).toContain("is on its way…");
    change(store.status, "no-kernel" as const);
    expect(legend().textContent).toContain("was not kept, and needs the kernel");
    show(0, { ...seen(), problem: "the file is gone" });
    expect(legend().textContent).toBe("street.pngthe file is gone");
  });

  it("goes with the overlay", () => {
    change(store.traits.overlay, "map" as const);
    expect(screen.all("group")).toEqual([]);
  });
});
