import { describe, expect, it } from "vitest";
import type { LayerRecord, ParameterRecord } from "../src/kernel/protocol";
import { duration, percent, position, roughly, shape, value } from "../src/state/format";
import { Store } from "../src/state/store";
import { joinTarget, meanOf, plainText, rivalMean, splitTarget, spokenTarget } from "../src/state/target";
import { classOptions, keyOf, readOption, targetOf } from "../src/view/classPicker";
import { search } from "../src/view/combobox";
import { buildTree, canChoose, visibleRows } from "../src/view/layerTree";
import { readNumber, readNumbers } from "../src/view/parameters";
import { settingsOf } from "../src/view/wrapperSwitch";
import { predictions, welcome } from "./helpers";

const layer = (path: string, reason = ""): LayerRecord => ({
  path,
  type: "Conv2D",
  shape: [8, 8, 4],
  spatial: [8, 8],
  is_candidate: reason === "",
  reason,
  aside: "",
});

describe("the layer tree", () => {
  const tree = buildTree([layer("input", "the picture"), layer("net/a/conv"), layer("net/a/relu"), layer("net/pool")]);
  const names = (query: string, closed: string[] = []) =>
    visibleRows(tree, query, ({ path }) => !closed.includes(path)).map(
      (row) => `${"-".repeat(row.level - 1)}${row.node.name}`,
    );

  it("nests by the segments of the path", () => {
    expect(names("")).toEqual(["input", "net", "-a", "--conv", "--relu", "-pool"]);
    expect(names("", ["net/a"])).toEqual(["input", "net", "-a", "-pool"]);
  });

  it("shows what matches every word, under its parents, even where those are closed", () => {
    expect(names("a re", ["net"])).toEqual(["net", "-a", "--relu"]);
    expect(names("CONV2D pool")).toEqual(["net", "-pool"]);
    expect(names("nothing")).toEqual([]);
  });

  it("tells where a row stands among its siblings", () => {
    const relu = visibleRows(tree, "", () => true).find((row) => row.node.name === "relu");
    expect(relu).toMatchObject({ level: 3, position: 2, siblings: 2, expanded: undefined });
  });

  it("offers candidates only", () => {
    const rows = visibleRows(tree, "", () => true);
    expect(rows.filter((row) => canChoose(row.node)).map((row) => row.node.path)).toEqual([
      "net/a/conv",
      "net/a/relu",
      "net/pool",
    ]);
  });

  it("keeps a layer that also holds others", () => {
    const [model] = buildTree([layer("model/conv"), layer("model")]);
    expect([model.layer?.path, model.children[0].name]).toEqual(["model", "conv"]);
  });

  it("finds a few of 1000 layers", () => {
    const large = buildTree(Array.from({ length: 1000 }, (_, i) => layer(`block${i % 50}/conv_${i}`)));
    const rows = visibleRows(large, "conv_99", () => true).filter((row) => row.level === 2);
    expect(rows.map((row) => row.node.name).sort()).toEqual(
      ["conv_99", ...Array.from({ length: 10 }, (_, i) => `conv_99${i}`)].sort(),
    );
  });
});

describe("the class list", () => {
  const names = ["cat", "dog", "cat", "top"];

  it("begins with the top entries and sorts by the probability in the image in focus", () => {
    const store = new Store({ selected: [1] });
    store.constants.value = welcome({ class_names: ["cat", "dog", "owl"] });
    store.predictions.value = predictions([0.8, 0.1, 0.1], [0.25, 0.125, 0.625]);
    expect(classOptions(store).map(({ text, note, figure }) => [text, note, figure])).toEqual([
      ["predicted", "owl", "62.5 %"],
      ["2nd", "cat", "25.0 %"],
      ["3rd", "dog", "12.5 %"],
      ["owl", undefined, "62.5 %"],
      ["cat", undefined, "25.0 %"],
      ["dog", undefined, "12.5 %"],
    ]);
  });

  it("keeps the model's order where it gives no probabilities", () => {
    const store = new Store();
    store.constants.value = welcome({ class_names: ["b", "a"] });
    store.predictions.value = predictions([Number.NaN, Number.NaN]);
    expect(classOptions(store).map(({ text, figure }) => [text, figure])).toEqual([
      ["predicted", undefined],
      ["2nd", undefined],
      ["b", undefined],
      ["a", undefined],
    ]);
  });

  it("has the true class where any is known, and what it is in the image in focus", () => {
    const store = new Store({ labels: [1, null], _images: [{}, {}] as never });
    store.constants.value = welcome({ class_names: ["cat", "dog"] });
    store.predictions.value = predictions([0.75, 0.25], [0.5, 0.5]);
    const option = () => classOptions(store).find(({ key }) => key === "true");
    expect(option()).toEqual({ key: "true", text: "true class", note: "dog", figure: "25.0 %" });
    store.traits.selected.value = [1];
    expect(option()).toEqual({ key: "true", text: "true class", note: "no label" });
    store.traits.labels.value = [];
    expect(option()).toBeUndefined();
  });

  it("takes an index or a rank as it is typed, and keeps a rank that was", () => {
    const store = new Store();
    store.constants.value = welcome({ class_names: ["cat", "dog", "owl", "cup"] });
    store.predictions.value = predictions([0.1, 0.2, 0.3, 0.4]);
    const read = (text: string) => readOption(store, classOptions(store), text);
    expect([read("2"), read(" 0 ")].map((option) => option?.text)).toEqual(["owl", "cat"]);
    expect(read("top-4")).toEqual({ key: "top-4", text: "4th", note: "cat" });
    expect([read("4TH"), read("2nd"), read("top")].map((option) => option?.key)).toEqual(["top-4", "top-2", "top"]);
    expect(["4", "top-5", "-1", "owl", "1.5", "top-0"].map(read)).toEqual(Array(6).fill(undefined));
    store.traits.target.value = "top-4 − dog";
    expect(classOptions(store).map(({ text }) => text)).toEqual([
      "predicted",
      "2nd",
      "3rd",
      "4th",
      ..."cup,owl,dog,cat".split(","),
    ]);
    store.available.value = { questions: [], offline: true, fromStore: false, leftOut: 0, side: null };
    expect(read("top-4")).toBeUndefined();
  });

  it("asks for a class by name only where the name is clear", () => {
    expect(["#0", "#1", "#2", "#3", "top"].map((key) => targetOf(key, names))).toEqual([0, "dog", 2, 3, "top"]);
    expect([keyOf("dog", names), keyOf(2, names), keyOf("top-2", names)]).toEqual(["#1", "#2", "top-2"]);
  });

  it("takes every text that the kernel reads as a rank for one, whatever classes are called", () => {
    const ranked = ["Top", "top-12", "top-0", "true"];
    expect(["#0", "#1", "#2", "#3"].map((key) => targetOf(key, ranked))).toEqual(["Top", 1, "top-0", 3]);
    expect(["top-12", "top-0", "Top", 1, "true"].map((target) => keyOf(target, ranked))).toEqual([
      ...["top-12", "#2", "#0", "#1", "true"],
    ]);
  });

  it("finds every word, beginnings first", () => {
    const options = ["red owl", "owl", "barn owl red"].map((text) => ({ key: text, text }));
    expect(search(options, "OWL").map(({ text }) => text)).toEqual(["owl", "red owl", "barn owl red"]);
    expect(search(options, "red owl").map(({ text }) => text)).toEqual(["red owl", "barn owl red"]);
  });
});

describe("a contrast", () => {
  const names = ["cat", "dog", "cat", "top", "in − out"];

  it("is two targets around a minus sign", () => {
    expect(splitTarget("dog − top-2", names)).toEqual(["dog", "top-2"]);
    expect(splitTarget("dog", names)).toEqual(["dog", null]);
    expect(splitTarget(1, names)).toEqual([1, null]);
    expect(splitTarget("in − out", names)).toEqual(["in − out", null]);
  });

  it("is written by name, where names are clear", () => {
    expect(joinTarget("top", 1, names)).toBe("top − dog");
    expect(joinTarget("dog", null, names)).toBe("dog");
    expect([plainText(0, names), plainText(1, names), plainText(3, names)]).toEqual([null, "dog", null]);
    expect(joinTarget(0, "dog", names)).toBe(0);
    expect(joinTarget("dog", 2, names)).toBe("dog");
  });

  it("may be with the mean of several", () => {
    const names = ["tabby, tabby cat", "lynx, catamount", "mean(a; b)"];
    const [a, b] = splitTarget("tabby, tabby cat − 0.6 mean(lynx, catamount; top-2)", names);
    expect([a, meanOf(b ?? "", names)]).toEqual([names[0], { weight: "0.6", classes: ["lynx, catamount", "top-2"] }]);
    expect(meanOf("mean(top; top-3)", names)).toEqual({ weight: "1", classes: ["top", "top-3"] });
    for (const single of ["lynx, catamount", "mean(a; b)", 1]) expect(meanOf(single, names)).toBeNull();
  });

  it("is offered with the classes of the highest scores", () => {
    expect(rivalMean("top", 1000)).toBe("0.6 mean(top-2; top-3; top-4)");
    expect(rivalMean("dog", 1000)).toBe("0.6 mean(top; top-2; top-3)");
    expect([rivalMean("top", 3), rivalMean("top", 2), rivalMean("dog", 2)]).toEqual([
      ...["0.6 mean(top-2; top-3)", null, "0.6 mean(top; top-2)"],
    ]);
  });
});

it("ranks have the words of people", () => {
  const ranks = ["top", "top-2", "top-3", "top-4", "top-11", "top-13", "top-21", "top-112", "true", "tops"];
  expect(ranks.map(spokenTarget)).toEqual([
    ...["predicted", "2nd", "3rd", "4th", "11th", "13th", "21st", "112th", "true class", null],
  ]);
});

describe("a wrapper's settings", () => {
  const [smooth, tta] = welcome().wrappers;

  it("are off, the defaults, or the defaults and what is given", () => {
    expect(settingsOf(smooth, {})).toBeNull();
    expect(settingsOf(smooth, { smooth: null })).toBeNull();
    expect(settingsOf(tta, { tta: true })).toEqual({ scales: [0.5, 1, 1.5], hflip: true });
    expect(settingsOf(smooth, { smooth: { noise: 0.3 } })).toEqual({ repetitions: 20, noise: 0.3 });
  });
});

describe("a field of several numbers", () => {
  const param = { name: "n", kind: "numbers", minimum: 0.1, maximum: 10 } as ParameterRecord;
  it.each([
    ["0.5, 1,2", [0.5, 1, 2]],
    ["1 3", [1, 3]],
    ["", null],
    ["0.01", null],
    ["1, x", null],
  ])("reads %j as %j", (text, wanted) => {
    expect(readNumbers(text, param)).toEqual(wanted);
  });
});

describe("a number field", () => {
  const param = { name: "n", kind: "int", minimum: 1, maximum: 9 } as ParameterRecord;
  it.each([
    ["3.6", 4],
    ["0", 1],
    ["99", 9],
    ["", null],
    ["x", null],
  ])("reads %j as %j", (text, wanted) => {
    expect(readNumber(text, param)).toBe(wanted);
  });
});

describe("numbers as text", () => {
  it("keep three figures", () => {
    expect([0, 0.12345, -1234.5, 123456, 0.00012, Number.NaN, null].map(value)).toEqual([
      "0",
      "0.123",
      "−1230",
      "1.2e+5",
      "1.2e−4",
      "–",
      "–",
    ]);
  });

  it("say roughly what something takes", () => {
    const texts = [0.1, 0.6, 3.2, 9.6, 41, 58, 170, 5000, 7000].map(roughly);
    expect(texts).toEqual(["instant", "≈ 1 s", "≈ 3 s", "≈ 10 s", "≈ 40 s", "≈ 1 min", "≈ 3 min", "≈ 83 min", "≈ 2 h"]);
  });

  it("have units", () => {
    expect([0, 0.1234, 0.9999, 1].map(percent)).toEqual(["0 %", "12.3 %", "100 %", "100 %"]);
    expect([3e-6, 0.0004, 0.0006].map(percent)).toEqual(["<0.1 %", "<0.1 %", "0.1 %"]);
    expect([-4.48, -0.00031, -12345].map(value)).toEqual(["−4.48", "−3.1e−4", "−1.2e+4"]);
    expect([0.0001, 0.25, 2.34, 125].map(duration)).toEqual(["1 ms", "250 ms", "2.3 s", "2 min 5 s"]);
    expect([0.9996, 59.96, 119.7, 179.6, 180.4].map(duration)).toEqual(["1.0 s", "1 min", "2 min", "3 min", "3 min"]);
    expect(shape([null, 7, 64])).toBe("?×7×64");
  });

  it("name the pixel under a point", () => {
    expect(position({ x: 0.5, y: 1 }, { width: 101, height: 20 })).toBe("50,19");
  });
});
