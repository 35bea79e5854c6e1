import { beforeEach, describe, expect, it } from "vitest";
import { tileKey } from "../src/kernel/decode";
import type { Item } from "../src/kernel/protocol";
import { Store } from "../src/state/store";
import { topClasses } from "../src/state/topClasses";
import { resolutionText } from "../src/view/closeUp";
import { factsOfMap } from "../src/view/mapFacts";
import { neighbour } from "../src/view/panel";
import { item, predictions, welcome } from "./helpers";

let store: Store;

beforeEach(() => {
  store = new Store({ _images: Array(3).fill({}) });
  store.constants.value = welcome({ class_names: ["cat", "dog", "cup", "sky"] });
});

describe("the most probable classes", () => {
  it("are the first by probability, equal ones in the model's order", () => {
    store.predictions.value = predictions([0.1, 0.3, 0.3, 0.3], [0.9, 0, 0.1, 0]);
    const top = (image: number, count: number) => topClasses(store, image, count).map(({ index }) => index);
    expect(top(0, 2)).toEqual([1, 2]);
    expect(top(0, 9)).toEqual([1, 2, 3, 0]);
    expect(top(1, 3)).toEqual([0, 2, 1]);
    expect(topClasses(store, 1, 1)[0].number).toBeCloseTo(0.9);
  });

  it("are the predicted one alone where nothing else is known", () => {
    store.predictions.value = predictions([Number.NaN, Number.NaN]);
    expect(topClasses(store, 0, 5)).toEqual([{ index: 0, number: null }]);
    store.predictions.value = null;
    expect(topClasses(store, 0, 5)).toEqual([]);
    const facts = { images: 2, labels: new Int32Array(0), scores: Float32Array.of(1, 2), numbers: [] };
    store.stored.value = { ...facts, predicted: Int32Array.of(3, 1), confidence: Float32Array.of(0.5, Number.NaN) };
    expect([0, 1].map((image) => topClasses(store, image, 5))).toEqual([
      [{ index: 3, number: 0.5 }],
      [{ index: 1, number: null }],
    ]);
  });
});

describe("the facts about a map", () => {
  const facts = (fields: Partial<Item>) => {
    const map = { item: item(fields), values: Float32Array.of(1, 2), extent: { lo: 1, hi: 2, loAt: 0, hiAt: 1 } };
    store.answer.value = { gen: 1, key: "", columns: [], tiles: new Map([[tileKey(0, 0), map]]) };
    return Object.fromEntries(factsOfMap(store));
  };

  it("are its own, with the checks of its method", () => {
    store.seconds.value = 0.25;
    store.traits.params.value = { steps: 20 };
    expect(facts({ checks: { completeness_gap: 0.0125, other: null } })).toMatchObject({
      ...{ Class: "cat", Probability: "90.0 %", Score: "2.5", Method: "cam", Layer: "conv" },
      ...{ Parameters: "steps 20", Map: "2 × 1 values", "Completeness gap": "0.0125", Other: "–" },
      Time: "250 ms for all maps",
    });
  });

  it("leave out what there is not", () => {
    const contrast = facts({ target: -1, probability: null, score: -1, layer: "", partial: true, done: 0.25 });
    expect(contrast).toMatchObject({ Layer: "the input", Map: "2 × 1 values, partial 25 %" });
    expect(Object.keys(contrast)).toEqual(["Class", "Score difference", "Method", "Layer", "Map"]);
    store.answer.value = null;
    expect(factsOfMap(store)).toEqual([]);
  });
});

it("steps through the rows as they are sorted and filtered", () => {
  store.predictions.value = predictions([0.9, 0.1], [0.2, 0.8], [0.6, 0.4]);
  const steps = () => [neighbour(store, -1), neighbour(store, 1)];
  expect(steps()).toEqual([null, 1]);
  store.traits.sort.value = "unsure";
  expect(store.rows.value).toEqual([2, 1, 0]);
  expect(steps()).toEqual([1, null]);
  store.traits.show.value = "predicted 1";
  expect(steps()).toEqual([1, 1]);
});

it("says what the pixels on the screen are", () => {
  const picture = { name: "", width: 512, height: 384, box: [0, 0, 1, 1], mime: "", data: new Uint8Array() };
  const text = (isCoarse: boolean) => resolutionText(store, picture, 0, isCoarse);
  expect([text(false), text(true)]).toEqual(["", "the original’s pixels are on their way…"]);
  const crop = { image: 0, box: [0, 0, 0, 0], density: 0, mime: "", data: new Uint8Array(), map: null };
  store.crop.value = { ...crop, problem: "there is no such file" };
  expect(text(true)).toBe("a preview of 512 × 384 pixels: there is no such file");
  store.status.value = "no-kernel";
  expect(text(true)).toBe("a preview of 512 × 384 pixels: those of the original need Python");
});
