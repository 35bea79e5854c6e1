import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { withNearest } from "../src/kernel/nearestTable";
import type { NearestRecord } from "../src/kernel/protocol";
import { Actions } from "../src/state/actions";
import { AnswerCache } from "../src/state/answerCache";
import { neighbourText } from "../src/state/nearest";
import { Session } from "../src/state/session";
import { DEFAULTS, Store } from "../src/state/store";
import { NearestSection } from "../src/view/nearestSection";
import { Screen } from "./dom";
import { fakeModel, predictions, welcome } from "./helpers";

const record = (image: number, nearest: number[], right: number[] = [], why = ""): NearestRecord => {
  const ranked = (images: number[]) => images.map((other, place) => ({ image: other, similarity: 0.875 - place / 8 }));
  return { image, nearest: ranked(nearest), right: ranked(right), why };
};
const NAMES = ["cat", "dog"];
let store: Store;
let selected: unknown[];
let screen: Screen | null = null;

beforeEach(() => {
  vi.stubGlobal(
    "createImageBitmap",
    vi.fn(async () => Promise.reject(new Error("no picture"))),
  );
  store = new Store({
    _images: [0, 1, 2, 3].map((i) => ({
      ...{ name: `p/${i}.png`, width: 1, height: 1, box: [0, 0, 1, 1], mime: "image/png" },
      data: new ArrayBuffer(1),
    })),
    labels: [0, 0, 1, null],
  });
  store.constants.value = welcome({ class_names: NAMES });
  store.predictions.value = predictions([0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.2, 0.8]);
  selected = [];
});
afterEach(() => {
  screen?.close();
  screen = null;
  vi.unstubAllGlobals();
});

function show(...records: NearestRecord[]) {
  store.nearest.value = withNearest(null, { edition: "a", layer: "trunk/conv", items: records });
  const session = { set: (traits: unknown) => selected.push(traits) };
  const actions = new Actions(store, session as unknown as Session);
  screen = new Screen(() => <NearestSection store={store} actions={actions} />);
  return screen;
}

const neighbours = (of: Screen) => of.all("listitem").map((row) => row.textContent);

describe("images like the one in focus", () => {
  it("tell how similar they are, and whether they are of its class and right", () => {
    const shown = show(record(0, [1, 2, 3]));
    expect(neighbours(shown)).toEqual(["0.88✓ same", "0.75✗ same", "0.63dog"]);
    expect(neighbourText(store, 2, 0.75)).toBe("2.png, similarity 0.75, predicted cat, the same class, wrong");
    expect(neighbourText(store, 3, 0.5)).toBe("3.png, similarity 0.50, predicted dog, another class");
    expect(shown.text).toContain("activations at conv");
  });

  it("come into focus by a click", () => {
    const shown = show(record(0, [2, 1]));
    shown.all("button")[1].fire("click");
    expect(selected).toEqual([{ selected: [1] }]);
  });

  it("are at a click those that are predicted right", () => {
    const shown = show(record(0, [2, 1], [1]));
    expect(neighbours(shown)).toHaveLength(2);
    act(() => void shown.one("button", "predicted right").fire("click"));
    expect(neighbours(shown)).toEqual(["0.88✓ same"]);
  });

  it("say why there are none", () => {
    expect(show(record(0, [], [], "There is one image here.")).text).toBe("There is one image here.");
  });

  it("are none of values, nor marked", () => {
    store.constants.value = welcome({ class_names: NAMES, predicts: "value" });
    store.traits.labels.value = [];
    expect(neighbours(show(record(0, [1])))).toEqual(["0.88"]);
    expect(neighbourText(store, 1, 0.875)).toBe("1.png, similarity 0.88");
  });
});

describe("what the kernel tells of images that are alike", () => {
  it("is added to what it told of the same edition", () => {
    const first = withNearest(null, { edition: "a", layer: "conv", items: [record(0, [1]), record(1, [0])] });
    const second = withNearest(first, { edition: "a", layer: "conv", items: [record(1, [2])] });
    expect([...second.records.values()].map(({ nearest }) => nearest[0].image)).toEqual([1, 2]);
    const other = withNearest(second, { edition: "b", layer: "conv", items: [record(3, [2])] });
    expect([...other.records.keys()]).toEqual([3]);
  });

  it("brings the pictures of a store that are out of sight", () => {
    vi.useFakeTimers();
    const model = fakeModel({ ...DEFAULTS, layer: "conv" });
    const ofStore = new Store();
    const session = new Session(model, ofStore, new AnswerCache());
    model.down({ kind: "welcome", version: 1, gen: 1, ...welcome(), offer: null });
    model.down({ kind: "shelf", images: 9, first: 0, count: 9 }, [new ArrayBuffer(16 * 9)]);
    vi.advanceTimersByTime(100);
    model.down({ kind: "nearest", edition: "a", layer: "conv", items: [record(0, [7, 5], [5])] });
    vi.advanceTimersByTime(100);
    const looks = model.sent.filter(({ kind }) => kind === "look");
    expect(looks.at(-1)).toMatchObject({ pictures: [0, 7, 5], maps: [0] });
    session.close();
    vi.useRealTimers();
  });
});
