import { beforeEach, describe, expect, it } from "vitest";
import { isBlank } from "../src/canvas/drawStyle";
import { type TileMap, tileKey } from "../src/kernel/decode";
import { extent } from "../src/math/postprocess";
import { Actions } from "../src/state/actions";
import type { Session } from "../src/state/session";
import { comparedValues, type Picture, pictureAt, Store, type Traits } from "../src/state/store";
import { COLUMN, item, predictions, welcome } from "./helpers";

function tile(image: number, column: number, values: number[], signed = true): TileMap {
  const map = Float32Array.from(values);
  return { item: item({ image, column, signed }), values: map, extent: extent(map) };
}

const answered = (...tiles: TileMap[]) => ({
  ...{ gen: 1, key: "" },
  columns: [0, 1].map(() => ({ ...COLUMN, target: "top" })),
  tiles: new Map(tiles.map((one) => [tileKey(one.item.image, one.item.column), one])),
});

it("a column of another input shows that input's picture, and one of the first its own", () => {
  const right = { name: "right.png" } as Picture;
  const left = { name: "left.png", inputs: { right } } as unknown as Picture;
  const store = new Store({ _images: [left] });
  expect(pictureAt(store, { image: 0, column: 1 })).toBe(left);
  const columns = ["left", "right", ""].map((input) => ({ ...COLUMN, target: "top", input }));
  store.answer.value = { ...answered(), columns };
  expect([0, 1, 2, 3].map((column) => pictureAt(store, { image: 0, column }))).toEqual([left, right, left, left]);
  expect(pictureAt(store, { image: 1, column: 1 })).toBe(undefined);
});

describe("a map with nothing to show", () => {
  it.each([
    ["none", "signed", true, true],
    ["against", "positive", true, true],
    ["against", "absolute", true, false],
    ["against", "signed", true, false],
    ["some", "positive", true, false],
  ] as const)("%s under the sign %s", (evidence, sign, signed, silent) => {
    const map = tile(0, 0, [-1, -6], signed);
    expect(isBlank(new Store({ sign }), { ...map, item: { ...map.item, evidence } })).toBe(silent);
  });
});

describe("scale", () => {
  const [a, b, c] = [tile(0, 0, [1, -6]), tile(0, 1, [3, -2]), tile(1, 0, [5, -4])];
  const scales = (store: Store) => [a, b, c].map((one) => store.endsOf(one).high);

  it.each([
    ["map", "positive", [1, 3, 5]],
    ["image", "positive", [3, 3, 5]],
    ["all", "positive", [5, 5, 5]],
    ["map", "signed", [6, 3, 5]],
    ["image", "absolute", [6, 6, 5]],
    ["all", "signed", [6, 6, 6]],
  ] as const)("of %s, %s", (scale, sign, wanted) => {
    const store = new Store({ scale, sign });
    store.answer.value = answered(a, b, c);
    expect(scales(store)).toEqual(wanted);
  });

  it("leaves the sign of maps without one alone", () => {
    const store = new Store({ sign: "positive" });
    const plain = tile(0, 0, [1, -6], false);
    store.answer.value = answered(plain);
    expect([store.signOf(plain), store.endsOf(plain).high]).toEqual(["signed", 6]);
  });
});

describe("a layer's name", () => {
  it("adds parents only where the last segment is not enough", () => {
    const store = new Store();
    const layers = ["a/block1/relu", "a/block2/relu", "b/block2/relu", "a/pool"].map((path) => ({
      path,
      type: "",
      shape: [],
      spatial: null,
      is_candidate: true,
      reason: "",
    }));
    store.constants.value = welcome({ inspection: { layers } as never });
    expect(layers.map(({ path }) => store.layerName(path))).toEqual([
      "block1/relu",
      "a/block2/relu",
      "b/block2/relu",
      "pool",
    ]);
  });
});

describe("actions", () => {
  let store: Store;
  let asked: Partial<Traits>[];

  const actions = () => {
    const session = {
      set: (values: Partial<Traits>) => {
        asked.push(values);
        for (const [name, value] of Object.entries(values)) {
          store.traits[name as keyof Traits].value = value as never;
        }
      },
    } as Partial<Session> as Session;
    return new Actions(store, session);
  };

  beforeEach(() => {
    store = new Store({ method: "cam", params: { p: 1 }, target: "top" });
    asked = [];
  });

  it("ask nothing when nothing changes", () => {
    actions().chooseTarget("top");
    actions().chooseMethod("cam");
    expect(asked).toEqual([]);
  });

  it("begin another method with its own parameters", () => {
    actions().chooseMethod("gradients");
    expect(asked).toEqual([{ method: "gradients", params: {}, limits: [0, 1] }]);
  });

  it("keep what a method is wrapped in", () => {
    store.constants.value = welcome();
    store.traits.params.value = { p: 1, smooth: { repetitions: 5 } };
    actions().chooseMethod("gradients");
    expect(asked).toEqual([{ method: "gradients", params: { smooth: { repetitions: 5 } }, limits: [0, 1] }]);
    actions().setParam("smooth", undefined);
    expect(asked.at(-1)).toEqual({ params: {} });
  });

  it("change one parameter and keep the others", () => {
    actions().setParam("q", 2);
    expect(asked).toEqual([{ params: { p: 1, q: 2 } }]);
  });

  it("tell Python when a slider is let go", () => {
    actions().commit({ opacity: 0.2 });
    expect(asked).toEqual([{ opacity: 0.2 }]);
  });

  it("let the kernel choose the first columns of a comparison, and add what is chosen next", () => {
    actions().compareBy("targets");
    expect(asked).toEqual([{ compare: "targets", compare_with: [], limits: [0, 1] }]);
    store.answer.value = { ...answered(tile(0, 0, [1])), columns: [{ ...COLUMN, target: "top" }] };
    expect(comparedValues(store)).toEqual(["top"]);
    actions().chooseTarget("dog");
    expect(asked.at(-1)).toEqual({ target: "dog", compare_with: ["top", "dog"] });
    actions().removeColumn("top");
    expect(asked.at(-1)).toEqual({ compare_with: ["dog"] });
    actions().removeColumn("dog");
    expect(asked.at(-1)).toEqual({ compare: "none", compare_with: [] });
  });

  it("compare the prediction with the truth where it is wrong", () => {
    const limits = [0, 1];
    const truth = { compare: "targets", compare_with: ["top", "true", "top − true"], limits };
    const compared = (traits: Partial<Traits>, filter = "all") => {
      store = new Store({ method: "cam", _images: [{}, {}, {}] as never, labels: [0, 1, null], ...traits });
      store.predictions.value = predictions([0.75, 0.25], [0.75, 0.25], [0.75, 0.25]);
      store.traits.show.value = filter;
      actions().compareBy("targets");
      return asked.at(-1);
    };
    expect(compared({ selected: [1] })).toEqual(truth);
    expect(compared({ selected: [0] }, "wrong")).toEqual(truth);
    for (const image of [0, 2]) {
      expect(compared({ selected: [image] })).toEqual({ compare: "targets", compare_with: [], limits });
    }
    expect(compared({ selected: [1], labels: [] }, "wrong")).toEqual({ compare: "targets", compare_with: [], limits });
    actions().compareBy("methods");
    expect(asked.at(-1)).toEqual({ compare: "methods", compare_with: [], limits });
  });

  it("show in the picker a column that is left", () => {
    store.traits.compare.value = "methods";
    store.traits.compare_with.value = ["cam", "gradients", "rise"];
    actions().removeColumn("rise");
    expect(asked.at(-1)).toEqual({ compare_with: ["cam", "gradients"] });
    actions().removeColumn("cam");
    expect(asked.at(-1)).toEqual({ method: "gradients", compare_with: ["gradients"] });
  });

  it("hold the limits within the scale and apart", () => {
    const moved = (limits: object) => {
      actions().moveLimits(limits);
      return store.traits.limits.value;
    };
    expect(moved({ low: 0.4 })).toEqual([0.4, 1]);
    expect(moved({ high: 3 })).toEqual([0.4, 1]);
    expect(moved({ high: 0.3 })).toEqual([0.29, 0.3]);
    expect(moved({ low: -1 })).toEqual([0, 0.3]);
    expect(asked).toEqual([]);
    actions().resetLimits();
    expect(asked).toEqual([{ limits: [0, 1] }]);
  });

  it("forget the zoom and the crosshair", () => {
    store.view.value = store.view.value.zoom(3);
    store.crosshair.value = { x: 0.5, y: 0.5 };
    actions().resetView();
    expect([store.view.value.isIdentity, store.crosshair.value]).toEqual([true, null]);
  });
});
