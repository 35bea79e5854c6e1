import { describe, expect, it } from "vitest";
import type { MethodRecord, ParameterRecord } from "../src/kernel/protocol";
import { literal, pythonCode } from "../src/state/pythonCode";
import { Store } from "../src/state/store";
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

describe("pythonCode", () => {
  it("writes the question and what is not as it is by default", () => {
    const store = new Store({
      layer: "net/conv",
      method: "cam",
      target: 2,
      params: { smooth: { repetitions: 20 } },
      opacity: 0.8,
    });
    expect(pythonCode(store)).toBe(`import kx_widget as kx

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

  it("leaves out what Python tells the page, such as the boxes of a detector", () => {
    const store = new Store({ method: "cam", _detections: [[{ box: [0, 0, 9, 9], target: 1, score: 0.9 }]] });
    expect(pythonCode(store)).toBe(pythonCode(new Store({ method: "cam" })));
  });

  it("gives the reader's own arguments their names, and the labels as they are", () => {
    const store = new Store({ labels: [0, null], method: "cam" });
    const own = ["explainer", "images", "class_names=class_names", "fit='pad'", "preprocess=None"];
    store.constants.value = welcome({ arguments: own });
    const [, , comment, ...lines] = pythonCode(store).split("\n");
    expect(comment).toBe("# As in the cell that made this view: explainer, images, class_names.");
    expect(lines.slice(1, 6).map((line) => line.trim())).toEqual(own.map((line) => `${line},`));
    expect(lines).toContain("    labels=[0, None],");
  });

  it("names no layer where there is none", () => {
    expect(pythonCode(new Store({ method: "gradients" }))).not.toContain("layer");
  });

  it("opens a store again", () => {
    const store = new Store({ layer: "conv", method: "cam" });
    store.constants.value = welcome({ arguments: ["'maps.parquet'"] });
    const none = new Int32Array(0);
    store.stored.value = {
      ...{ images: 0, predicted: none, labels: none },
      ...{ confidence: new Float32Array(0), scores: new Float32Array(0), numbers: [] },
    };
    expect(pythonCode(store)).toBe(`import kx_widget as kx

w = kx.KxWidget.from_store(
    'maps.parquet',
    target="top",
    layer="conv",
    method="cam",
)
w
`);
  });

  it("keeps what is shown and in which order, and the user's own variables", () => {
    const store = new Store({ layer: "conv", method: "cam", show: "wrong", sort: "unsure", labels: [0, 1] });
    store.traits._names.value = { labels: "truth" };
    store.traits.weights_changed.value = true;
    const code = pythonCode(store);
    expect(code).toContain('    show="wrong",\n    sort="unsure",\n');
    expect(code).toContain("    labels=truth,\n");
    expect(code).not.toContain("weights_changed");
  });

  it("names images that are a parameter, which a text cannot give again", () => {
    const store = new Store({ layer: "conv", method: "eg", params: { background: "3 images 0123", draws: 7 } });
    const params = [{ name: "background", kind: "images" }] as unknown as ParameterRecord[];
    store.constants.value = welcome({ catalogue: [{ id: "eg", params } as unknown as MethodRecord] });
    expect(pythonCode(store)).toContain('    params={"background": background, "draws": 7},\n');
    expect(pythonCode(store)).toContain("# As in the cell that made this view: model, images, background.");
    store.traits.params.value = { background: null };
    expect(pythonCode(store)).toContain('    params={"background": None},\n');
  });

  it("sorts the rows of a store once they are there", () => {
    const store = new Store({ layer: "conv", method: "cam", sort: "low" });
    store.constants.value = welcome({ arguments: ["'maps.parquet'", "sort='score'"] });
    store.stored.value = {} as never;
    expect(pythonCode(store)).toContain(')\nw.sort = "low"\nw\n');
    expect(pythonCode(store)).not.toContain('    sort="low"');
  });
});
