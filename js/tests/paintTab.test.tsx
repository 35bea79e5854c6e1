import { signal } from "@preact/signals";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Message } from "../src/kernel/protocol";
import { blankMask, countOf, fillBox } from "../src/math/mask";
import { Actions } from "../src/state/actions";
import { AnswerCache } from "../src/state/answerCache";
import { Session } from "../src/state/session";
import { DEFAULTS, Store } from "../src/state/store";
import { PaintTab, undoByKeys } from "../src/view/paintTab";
import { type Element, Screen } from "./dom";
import { type FakeModel, fakeModel, item, running, welcome } from "./helpers";

const PICTURE = { name: "cat.jpg", width: 80, height: 40, box: [0, 0, 1, 1], mime: "", data: new Uint8Array() };
const HALF = fillBox(blankMask(8, 4), { x: 0, y: 0 }, { x: 4, y: 4 });

let model: FakeModel;
let store: Store;
let session: Session;
let actions: Actions;
let screen: Screen;

const isShown = signal(true);
const sent = () => model.sent.filter(({ kind }) => kind === "paint") as unknown as Message<"paint">[];
const button = (name: string | RegExp) => screen.one("button", name);
const press = (name: string | RegExp) => button(name).fire("click");

function answer(values: Float32Array): void {
  model.down(running(1, "top"));
  model.down({ kind: "maps", gen: 1, seq: 1, items: [item(), item({ image: 1 })] }, [values.buffer]);
  model.down({ kind: "done", gen: 1, seconds: 1, maps: 2 });
}

function paintedAnswer(fields: object = {}): void {
  const { view, serial, images } = sent()[sent().length - 1];
  const records = images.map((image) => ({
    ...{ image, before: 0.8, after: 0.2, lost: 0.75, best_before: 0, best_after: 1 },
  }));
  const classes = [
    { index: 0, before: 0.15, after: 0.05 },
    { index: 1, before: 0.8, after: 0.2 },
    { index: 2, before: 0.05, after: 0.75 },
  ];
  const message = {
    ...{ kind: "painted", gen: 1, view, serial, column: 0, value: "probability", share: 0.5, images: records },
    ...{ asked: images.length, classes, has_probabilities: true, width: 8, height: 4, problem: "", ...fields },
  };
  act(() => model.down(message, [new Uint8Array(1)]));
}

function begin(values = Float32Array.of(1, 3)): void {
  model = fakeModel({ ...DEFAULTS, layer: "conv", method: "cam", _images: [PICTURE, { ...PICTURE, name: "dog.jpg" }] });
  store = new Store();
  session = new Session(model, store, new AnswerCache());
  actions = new Actions(store, session);
  const inspection = { input_shape: [4, 8, 3] } as never;
  const about = welcome({ class_names: ["cat", "dog", "owl"], inspection });
  model.down({ kind: "welcome", version: 1, gen: 0, ...about, offer: null });
  answer(values);
  isShown.value = true;
  screen = new Screen(() => (isShown.value ? <PaintTab store={store} actions={actions} /> : null));
  vi.stubGlobal("createImageBitmap", async () => null);
}

beforeEach(() => begin());
afterEach(() => {
  session.close();
  screen.close();
});

const paint = (mask = HALF) =>
  act(() => {
    store.painting.replace(mask);
    actions.scorePainted();
  });
/** What another part of the page, or the kernel, changes. */
const change = <Value,>(of: { value: Value }, value: Value) =>
  act(() => {
    of.value = value;
  });

it("says how to begin, and asks nothing", () => {
  expect(screen.text).toContain("Nothing is painted: paint on the large picture");
  expect([store.painting.isOn.value, sent().length]).toEqual([true, 0]);
  expect(button("Clear").attribute("aria-disabled")).toBe("true");
});

it("shows the sentence and the classes before and after, the explained one first", () => {
  paint();
  expect(screen.text).toContain("You covered 50 % of the picture, 31 % of the map.");
  paintedAnswer();
  expect(screen.text).toContain(
    "the probability of dog lost 75 % (80.0 % → 20.0 %). The prediction turns from cat into dog.",
  );
  const list = screen.one("list", "Classes before and after");
  expect(list.childNodes.map((row) => row.textContent)).toEqual([
    "dog80.0 % → 20.0 %",
    "owlnow first5.0 % → 75.0 %",
    "cat15.0 % → 5.0 %",
  ]);
  expect(list.querySelectorAll("span").filter((each) => each.styles.has("--share")).length).toBe(6);
});

it("tells scores where there are no probabilities", () => {
  paint();
  paintedAnswer({ value: "score", has_probabilities: false });
  const list = screen.one("list", "Classes before and after");
  expect(list.childNodes[0].textContent).toBe("dog0.8 → 0.2");
  expect(list.querySelectorAll("span").filter((each) => each.styles.has("--share"))).toEqual([]);
});

it("says why there is no answer", () => {
  paint();
  paintedAnswer({ problem: "The weights have changed.", images: [], classes: [] });
  expect(screen.all("status")[0].textContent).toBe("The weights have changed.");
});

it("covers or keeps, with what the user chooses, and asks again", () => {
  paint();
  paintedAnswer();
  press("keep it alone");
  expect(sent()[sent().length - 1]).toMatchObject({ keep: true, cover: "blur" });
  expect(screen.text).not.toContain("80.0 %");
  const select = screen.one("combobox", "cover with");
  select.value = "black";
  select.fire("change");
  expect(sent()[sent().length - 1]).toMatchObject({ keep: true, cover: "black" });
  press("cover it");
  expect(sent()[sent().length - 1].keep).toBe(false);
});

it("takes the map's top while the slider moves, in one step", () => {
  const slider = screen.one("slider", "Map’s top");
  for (const value of ["0.5", "0.25"]) {
    slider.value = value;
    slider.fire("input");
  }
  slider.fire("change");
  expect(countOf(store.painting.mask.value)).toBe(8);
  expect(sent()[sent().length - 1].mask).not.toBe(sent()[0].mask);
  press("Undo");
  expect(store.painting.isEmpty.value).toBe(true);
  press("Redo");
  expect(countOf(store.painting.mask.value)).toBe(8);
  press("Clear");
  expect(store.painting.isEmpty.value).toBe(true);
});

it("has no top of a map that marks nothing", () => {
  screen.close();
  session.close();
  begin(Float32Array.of(-1, 0));
  expect(screen.all("slider", "Map’s top")).toEqual([]);
  expect(screen.text).toContain("it has no top to take");
});

it("leaves a lasso that is not closed with its tool", () => {
  change(store.painting.outline, [{ x: 0, y: 0 }]);
  press("box");
  expect([store.painting.tool.value, store.painting.outline.value]).toEqual(["box", []]);
  expect(button("box").attribute("aria-pressed")).toBe("true");
});

it("applies the mask to all in sight, and lists them", () => {
  expect(screen.all("button", /^Apply/)).toEqual([]);
  change(store.inSight, [0, 1]);
  paint();
  press("Apply to 2 images");
  expect(sent()[sent().length - 1].images).toEqual([0, 1]);
  paintedAnswer();
  expect(screen.text).toContain("0 of 2 images kept their class. On average what is explained lost 75 %");
  expect(screen.text).toContain("dog.jpg80.0 % → 20.0 %dog");
  change(store.painting.keep, true);
  expect(screen.text).toContain("As it was painted before: 0 of 2");
});

it("copies the code of the mask", () => {
  const writeText = vi.fn(async () => {});
  vi.stubGlobal("navigator", { clipboard: { writeText } });
  press("Copy as Python");
  expect(writeText).not.toHaveBeenCalled();
  paint();
  press("Copy as Python");
  expect(writeText).toHaveBeenCalledWith(expect.stringContaining("x.what_if(images, [mask]"));
});

it("says what a page without a kernel lacks, and tells the shares all the same", () => {
  change(store.available, { questions: [], offline: true, fromStore: false, leftOut: 0, side: null });
  act(() => store.painting.replace(HALF));
  expect(screen.text).toContain("You covered 50 % of the picture, 31 % of the map. This page was saved");
  expect(sent()).toEqual([]);
});

it("is not painted on once another tab is chosen", () => {
  change(isShown, false);
  expect(store.painting.isOn.value).toBe(false);
  const event = { key: "z", ctrlKey: true } as KeyboardEvent;
  expect(() => undoByKeys({ store, actions }, event)).not.toThrow();
});

it("goes back and forth by keys", () => {
  paint();
  let taken = 0;
  const key = (name: string, keys: object) =>
    undoByKeys({ store, actions }, {
      ...{ key: name, ctrlKey: true, metaKey: false, altKey: false, shiftKey: false, stopPropagation: () => {} },
      preventDefault: () => {
        taken += 1;
      },
      ...keys,
    } as KeyboardEvent);
  key("z", {});
  expect(store.painting.isEmpty.value).toBe(true);
  key("Z", { shiftKey: true });
  expect(store.painting.isEmpty.value).toBe(false);
  key("z", { ctrlKey: false, metaKey: true });
  key("y", {});
  expect([store.painting.isEmpty.value, taken]).toEqual([false, 4]);
  for (const other of [{ altKey: true }, { ctrlKey: false }]) key("z", other);
  key("x", {});
  expect(taken).toBe(4);
});

it("names its elements", () => {
  const groups = screen.all("group").map((group: Element) => group.attribute("aria-label"));
  expect(groups).toEqual(["Tool", "What is painted", "Steps"]);
});
