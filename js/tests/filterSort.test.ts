import { describe, expect, it } from "vitest";
import {
  columnFilter,
  countFilters,
  factsOf,
  factsOfStored,
  filterSort,
  filtersOf,
  isRight,
  isSort,
  sortsOf,
} from "../src/state/filterSort";
import { verdict } from "../src/state/labels";
import { type Picture, Store } from "../src/state/store";
import { predictions, welcome } from "./helpers";

const rows = [
  [0.9, 0.1],
  [0.3, 0.6],
  [0.55, 0.45],
  [0.2, 0.8],
  [0.7, 0.3],
];
/** Right, wrong, right, unknown, wrong. */
const labels = [0, 0, 0, null, 1];
const facts = factsOf(5, labels, predictions(...rows));
/** The same from a store, where scores run against probabilities. */
const shelved = factsOfStored(
  {
    images: 5,
    predicted: Int32Array.from(facts.predicted),
    labels: Int32Array.from(labels, (label) => label ?? -1),
    confidence: Float32Array.from(rows, (row) => Math.max(...row)),
    scores: Float32Array.of(1, 4, 5, 2, Number.NaN),
    numbers: [Float32Array.of(0.5, Number.NaN, 0.25, 0.125, 0.75), new Float32Array(5).fill(Number.NaN)],
  },
  [],
  [
    { name: "spread", title: "spread of the map", values: [] },
    { name: "empty", title: "emptiness", values: [] },
  ],
);

describe("rows", () => {
  it("are right, wrong, or neither where the class is not known", () => {
    expect(rows.map((_, image) => isRight(facts, image))).toEqual([true, false, true, null, false]);
    expect(isRight(factsOf(5, labels, null), 0)).toBeNull();
    expect(isRight({ ...facts, labels: [] }, 0)).toBeNull();
  });

  it.each([
    ["all", "given", [0, 1, 2, 3, 4]],
    ["all", "wrong", [1, 4, 0, 2, 3]],
    ["all", "unsure", [2, 1, 4, 3, 0]],
    ["all", "sure", [0, 3, 4, 1, 2]],
    ["wrong", "sure", [4, 1]],
    ["right", "given", [0, 2]],
    ["unlabelled", "given", [3]],
    ["predicted 1", "unsure", [1, 3]],
    ["true 0", "given", [0, 1, 2]],
    ["true 7", "given", []],
  ] as const)("of %s, %s", (filter, sort, wanted) => {
    expect(filterSort(facts, filter, sort)).toEqual(wanted);
    expect(filterSort(shelved, filter, sort)).toEqual(wanted);
  });

  it("of a store are sorted by score, too", () => {
    expect(filterSort(shelved, "all", "high")).toEqual([2, 1, 3, 0, 4]);
    expect(filterSort(shelved, "wrong", "low")).toEqual([4, 1]);
    expect(sortsOf(shelved)).toEqual(["given", "wrong", "unsure", "sure", "high", "low"]);
    const counts = [...countFilters(shelved)].filter(([filter]) => !/^(spread|empty) /.test(filter));
    expect(new Map(counts)).toEqual(countFilters(facts));
  });

  it.each([
    ["all", "spread low", [3, 2, 0, 4, 1]],
    ["all", "spread high", [4, 0, 2, 3, 1]],
    ["spread < 0.5", "given", [2, 3]],
    ["spread > 0.25", "spread high", [4, 0]],
    ["spread not told", "given", [1]],
    ["empty not told", "spread low", [3, 2, 0, 4, 1]],
    ["wrong", "spread low", [4, 1]],
  ] as const)("of a store go by what is stored of each image: %s, %s", (filter, sort, wanted) => {
    expect(filterSort(shelved, filter, sort)).toEqual(wanted);
  });

  it("are offered the lowest and the highest fifth of a column, and what is not told", () => {
    const offered = [...countFilters(shelved)].filter(([filter]) => /^(spread|empty) /.test(filter));
    expect(offered).toEqual([
      ["spread < 0.25", 1],
      ["spread > 0.5", 1],
      ["spread not told", 1],
      ["empty not told", 5],
    ]);
    expect(isSort(shelved, "spread high")).toBe(true);
    for (const sort of ["spread", "spread up", "other low"]) expect(isSort(shelved, sort)).toBe(false);
    for (const filter of ["spread", "spread 0.5", "spread < x", "spread <0.5", "other < 1", "all"]) {
      expect(columnFilter(shelved, filter)).toBeNull();
    }
  });

  it("of a page go by the numbers that it was saved with", () => {
    const described = { name: "spread", title: "spread of the map", values: [0.5, null, 0.25] };
    const saved = factsOf(3, [], null, [described]);
    expect(filterSort(saved, "all", "spread low")).toEqual([2, 0, 1]);
    expect(filterSort(saved, "spread > 0.3", "given")).toEqual([0]);
    expect(factsOf(2, [], null, [described]).columns).toEqual([]);
  });

  it("are counted by filter", () => {
    expect(Object.fromEntries(countFilters(facts))).toEqual({
      ...{ all: 5, right: 2, wrong: 2, unlabelled: 1 },
      ...{ "predicted 0": 3, "predicted 1": 2, "true 0": 3, "true 1": 1 },
    });
    expect(filtersOf(factsOf(5, [], null), 0)).toEqual(["all"]);
  });

  it("are sorted by what is known only", () => {
    const none = predictions([Number.NaN, Number.NaN]);
    expect(sortsOf(facts)).toEqual(["given", "wrong", "unsure", "sure"]);
    expect(sortsOf({ ...facts, labels: [] })).toEqual(["given", "unsure", "sure"]);
    expect(sortsOf(factsOf(1, [], none))).toEqual(["given"]);
    expect(sortsOf(factsOf(1, [0], null))).toEqual(["given", "wrong"]);
  });
});

describe("the store", () => {
  const store = new Store({ _images: Array<Picture>(5), labels });
  store.predictions.value = predictions(...rows);
  store.constants.value = welcome({ class_names: ["cat", "dog"] });

  it("falls back to all rows as given when the labels are gone", () => {
    store.traits.show.value = "wrong";
    store.traits.sort.value = "wrong";
    expect(store.rows.value).toEqual([1, 4]);
    store.traits.labels.value = [];
    expect(store.rows.value).toEqual([0, 1, 2, 3, 4]);
    store.traits.labels.value = labels;
  });

  it("says in words what is wrong", () => {
    expect([0, 1, 3, 4].map((image) => verdict(store, { image, column: 0 }, facts.predicted[image]))).toEqual([
      "right",
      "wrong, true class cat",
      "",
      "wrong, true class dog",
    ]);
  });

  it("names what was predicted where another class is explained, or a difference of two", () => {
    const explained = [1, 0, 0, -1, 1];
    expect([0, 1, 3, 4].map((image) => verdict(store, { image, column: 0 }, explained[image]))).toEqual([
      "predicted cat, right",
      "predicted dog, true class cat",
      "",
      "predicted cat, true class dog",
    ]);
    expect(verdict(store, { image: 1, column: 0 }, -1)).toBe("predicted dog, true class cat");
  });
});
