import { describe, expect, it } from "vitest";
import { asPython, literal } from "../src/python";
import { createStore } from "../src/store";

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

  it("names no layer where there is none", () => {
    expect(asPython(createStore({ method: "gradients" }))).not.toContain("layer");
  });
});
