import { beforeEach, describe, expect, it } from "vitest";
import type { Item } from "../src/kernel/protocol";
import {
  explainedFigure,
  explainedKind,
  predictedFigure,
  predictedWord,
  predictionsTitle,
  scoreHint,
} from "../src/state/figures";
import { quantity } from "../src/state/format";
import { Store } from "../src/state/store";
import { topClasses } from "../src/state/topClasses";
import { classOptions } from "../src/view/classPicker";
import { colourMeaning } from "../src/view/colourMeaning";
import { factsOfMap } from "../src/view/mapFacts";
import { COLUMN, item, predictions, welcome } from "./helpers";

let store: Store;
beforeEach(() => {
  store = new Store({ target: "age" });
  store.constants.value = welcome({ class_names: ["age", "height"], predicts: "value", units: ["years", "cm"] });
  store.predictions.value = predictions([41.2, 170], [38, -3]);
});

const NARROW = "\u00a0";

describe("a value", () => {
  it("is told in its unit, with the digits that people count by", () => {
    const told = [41.2, 41.23456, 0.5, 1234.5, 412345, -3, 1e12].map((each) => quantity(each, "€"));
    const plain = ["41.2", "41.23", "0.5", "1235", "412345", "−3", "1.0e+12"];
    expect(told).toEqual(plain.map((each) => `${each}${NARROW}€`));
    expect(quantity(2)).toBe("2");
    expect(quantity(null, "€")).toBe("–");
    expect(quantity(Number.NaN, "€")).toBe("–");
  });

  it("is no probability, and has no place among others", () => {
    expect(predictedFigure(store, 0, 41.2)).toBe(`41.2${NARROW}years`);
    expect(topClasses(store, 0, 5).map(({ index }) => index)).toEqual([0, 1]);
    expect(store.facts.value.predicted).toEqual([]);
    expect(store.facts.value.confidence(0)).toBeNaN();
    expect([...store.filters.value.keys()]).toEqual(["all"]);
  });

  it("is what the picker offers, and no rank", () => {
    expect(classOptions(store).map(({ text, figure }) => [text, figure])).toEqual([
      ["age", `41.2${NARROW}years`],
      ["height", `170${NARROW}cm`],
    ]);
  });
});

describe("a map of a value", () => {
  const show = (fields: Partial<Item>, own = false) => {
    const value = { target: 0, target_name: "age", score: 41.2, probability: null, unit: "years", ...fields };
    const map = { item: item(value), values: Float32Array.of(-1, 2), extent: { lo: -1, hi: 2, loAt: 0, hiAt: 1 } };
    const display = { clip: 99, origin: "zero", sign: "signed", borders: false } as const;
    const columns = [{ ...COLUMN, target: "age", own, display }];
    store.answer.value = { gen: 1, key: "", columns, tiles: new Map([["0/0", map]]) };
    return map;
  };

  it("has colours that raise and lower it", () => {
    expect(colourMeaning(store, show({}))).toBe("Warm colours raise age, cold ones lower it.");
    store.traits.sign.value = "positive";
    expect(colourMeaning(store, show({}))).toBe("Bright: raises age.");
    store.traits.sign.value = "absolute";
    expect(colourMeaning(store, show({}))).toBe("Bright: raises age, or lowers it.");
  });

  it("in a difference of two has colours that raise either more than the other", () => {
    const difference = { target: -1, target_name: "age − height", unit: "" };
    expect(colourMeaning(store, show(difference))).toBe(
      "Warm colours raise age more than height, cold ones height more than age.",
    );
    store.traits.sign.value = "positive";
    expect(colourMeaning(store, show(difference))).toBe("Bright: raises age more than height.");
    store.traits.sign.value = "absolute";
    expect(colourMeaning(store, show(difference))).toBe(
      "Bright: raises age more than height, or height more than age.",
    );
  });

  it("tells output, value and unit", () => {
    show({});
    const facts = new Map(factsOfMap(store));
    expect([facts.get("Output"), facts.get("Value")]).toEqual(["age", `41.2${NARROW}years`]);
    expect(facts.has("Probability") || facts.has("Score")).toBe(false);
  });

  it("of one's own is a target, no difference", () => {
    show({ target: -1, target_name: "entropy", unit: "nats", score: 0.5 }, true);
    const facts = new Map(factsOfMap(store));
    expect([facts.get("Target"), facts.get("Value")]).toEqual(["entropy", `0.5${NARROW}nats`]);
  });

  it("is told by what it is", () => {
    const told = { score: 2.5, probability: null, unit: null };
    expect([explainedFigure(told), explainedKind(store, told)]).toEqual(["2.5", "the score before softmax or sigmoid"]);
    expect(explainedKind(store, { ...told, unit: "" })).toBe("its value");
    expect(explainedFigure({ ...told, probability: 0.25 })).toBe("25.0 %");
  });
});

describe("scores and shares", () => {
  it("of scores the highest come first, and negative ones are told", () => {
    store.constants.value = welcome({ class_names: ["a", "b", "c"], predicts: "score" });
    store.predictions.value = predictions([-3, -1, -2]);
    expect(topClasses(store, 0, 2).map(({ index }) => index)).toEqual([1, 2]);
    expect(predictedFigure(store, 1, -1)).toBe("−1");
    expect(store.facts.value.confidence(0)).toBeNaN();
  });

  it("nobody has named say what to do, and references and values do not", () => {
    const hint = (class_names: string[], predicts: "score" | "value" | "probability") => {
      store.constants.value = welcome({ class_names, predicts });
      return scoreHint(store);
    };
    expect(hint(["class 0", "class 1"], "score")).toContain("output_names=");
    expect([
      hint(["a photo of a cat"], "score"),
      hint(["class 0"], "probability"),
      hint(["output 0"], "value"),
    ]).toEqual(["", "", ""]);
  });

  it("of shares those that are nothing are left out", () => {
    store.constants.value = welcome({ class_names: ["a", "b", "c"], predicts: "share" });
    store.predictions.value = predictions([0.25, 0, 0.75]);
    expect(topClasses(store, 0, 5).map(({ index, number }) => predictedFigure(store, index, number ?? 0))).toEqual([
      "75.0 %",
      "25.0 %",
    ]);
  });

  it("classes win places of a segmenter, and boxes of a detector", () => {
    const heads = (places: number[]) => {
      store.constants.value = welcome({ class_names: ["cat", "dog"], predicts: "share", places });
      return [predictionsTitle(store), predictedWord(store)];
    };
    expect(heads([4, 6])).toEqual(["What wins where", "mostly"]);
    expect(heads([])).toEqual(["Predictions", "predicted"]);
  });
});
