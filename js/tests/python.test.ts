import { describe, expect, it } from "vitest";
import { asPython, literal } from "../src/python";
import { createStore } from "../src/store";
import { welcome } from "./helpers";

describe("literal", () => {
  it.each([
    [null, "None"],
    [true, "True"],
    [false, "False"],
    [3, "3"],
    [0.15, "0.15"],
    [1e-7, "1e-7"],
    [Number.NaN, 'float("nan")'],
    [Number.NEGATIVE_INFINITY, 'float("-inf")'],
    ["tabby", '"tabby"'],
    ['a "b"\\c\n', '"a \\"b\\"\\\\c\\n"'],
    ["A − ü", '"A − ü"'],
    [[], "[]"],
    [["top", 2, null], '["top", 2, None]'],
    [{}, "{}"],
    [{ tta: { scales: [0.5, 1], hflip: true } }, '{"tta": {"scales": [0.5, 1], "hflip": True}}'],
  ])("of %j", (value, wanted) => {
    expect(literal(value)).toBe(wanted);
  });
});

describe("asPython", () => {
  it("writes the question and what is not as it is by default", () => {
    const store = createStore({
      layer: "net/conv",
      method: "cam",
      target: 2,
      params: { smooth: { repetitions: 20 } },
      opacity: 0.8,
    });
    expect(asPython(store)).toBe(`import kx_widget as kx

# As in the cell that made this view: model, images.
w = kx.KxWidget(
    model,
    images,
    target=2,
    layer="net/conv",
    method="cam",
    params={"smooth": {"repetitions": 20}},
    opacity=0.8,
)
w
`);
  });

  it("gives the reader's own arguments their names, and the labels as they are", () => {
    const store = createStore({ labels: [0, null], method: "cam" });
    const own = ["explainer", "images", "class_names=class_names", "fit='pad'", "preprocess=None"];
    store.welcome.value = welcome({ arguments: own });
    const [, , comment, ...lines] = asPython(store).split("\n");
    expect(comment).toBe("# As in the cell that made this view: explainer, images, class_names.");
    expect(lines.slice(1, 6).map((line) => line.trim())).toEqual(own.map((line) => `${line},`));
    expect(lines).toContain("    labels=[0, None],");
  });

  it("names no layer where there is none", () => {
    expect(asPython(createStore({ method: "gradients" }))).not.toContain("layer");
  });

  it("opens a store again", () => {
    const store = createStore({ layer: "conv", method: "cam" });
    store.welcome.value = welcome({ arguments: ["'maps.parquet'"] });
    const none = new Int32Array(0);
    store.shelf.value = {
      ...{ images: 0, best: none, labels: none },
      ...{ sure: new Float32Array(0), scores: new Float32Array(0) },
    };
    expect(asPython(store)).toBe(`import kx_widget as kx

w = kx.KxWidget.from_store(
    'maps.parquet',
    target="top",
    layer="conv",
    method="cam",
)
w
`);
  });
});
