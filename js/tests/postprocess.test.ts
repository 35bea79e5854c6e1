import { describe, expect, it } from "vitest";
import cases from "../../tests/fixtures/postprocess.json";
import { tileKey } from "../src/kernel/decode";
import {
  applySign,
  colorEnds,
  type Display,
  extent,
  magnitude,
  resize,
  type Scale,
  sample,
} from "../src/math/postprocess";
import { Store } from "../src/state/store";
import { COLUMN, item } from "./helpers";

const map = (...values: number[]) => Float32Array.from(values);

describe("applySign", () => {
  const raw = map(-2, 0, 3, Number.NaN);
  it.each([
    ["positive", [0, 0, 3, Number.NaN]],
    ["absolute", [2, 0, 3, Number.NaN]],
    ["signed", [-2, 0, 3, Number.NaN]],
  ] as const)("%s", (sign, wanted) => {
    expect([...applySign(raw, sign)]).toEqual(wanted);
  });
});

describe("extent and magnitude", () => {
  it("finds the ends and their places, ignoring NaN", () => {
    expect(extent(map(Number.NaN, 1, -4, 2))).toEqual({ lo: -4, hi: 2, loAt: 2, hiAt: 3 });
    expect(extent(map(Number.NaN))).toEqual({ lo: 0, hi: 0, loAt: -1, hiAt: -1 });
  });

  it("is what a map is divided by", () => {
    expect(magnitude({ lo: -4, hi: 2 }, "positive")).toBe(2);
    expect(magnitude({ lo: -4, hi: 2 }, "absolute")).toBe(4);
    expect(magnitude({ lo: -4, hi: 2 }, "signed")).toBe(4);
    expect(magnitude({ lo: -4, hi: -1 }, "positive")).toBe(0);
  });
});

describe("colorEnds", () => {
  const ends = (values: Float32Array, display: Partial<Display>) =>
    colorEnds(values, extent(values), { clip: 100, origin: "zero", sign: "signed", ...display });
  const ramp = Float32Array.from({ length: 101 }, (_, i) => ((i * 37) % 101) - 20);

  it("are zero and the least value that so many per cent do not exceed", () => {
    expect(ends(ramp, {})).toEqual({ low: 0, high: 80 });
    expect(ends(ramp, { clip: 99 })).toEqual({ low: 0, high: 79 });
    expect(ends(ramp, { clip: 98.5 })).toEqual({ low: 0, high: 79 });
    expect(ends(map(-9, 1, 2, Number.NaN), { clip: 50 })).toEqual({ low: 0, high: 2 });
    expect(ends(map(-9, 1, 2, Number.NaN), { clip: 50, sign: "positive" })).toEqual({ low: 0, high: 1 });
  });

  it("begin where a quarter of what is drawn lies below", () => {
    expect(ends(ramp, { origin: "quartile" })).toEqual({ low: 5, high: 80 });
    expect(ends(ramp, { origin: "quartile", clip: 90 })).toEqual({ low: 5, high: 70 });
    expect(ends(map(-9, -8, 1, 2, 3), { origin: "quartile", sign: "positive" })).toEqual({ low: 0, high: 3 });
  });

  it("are the last values where the percentile leaves nothing between", () => {
    expect(ends(map(0, 0, 0, 0, 0, 7), { clip: 60 })).toEqual({ low: 0, high: 7 });
    expect(ends(map(0, 0, 0, 0, 0, 7), { clip: 60, origin: "quartile" })).toEqual({ low: 0, high: 7 });
    expect(ends(map(Number.NaN), { clip: 99 })).toEqual({ low: 0, high: 0 });
    expect(ends(map(Number.NaN), { clip: 99, origin: "quartile" })).toEqual({ low: 0, high: 0 });
  });
});

describe("resize", () => {
  it("of 2x2 to 4x4 weighs neighbours 3 to 1 and clamps at the edges", () => {
    const out = resize(map(0, 4, 8, 12), 2, 2, 4, 4);
    // biome-ignore format: four rows of four.
    expect([...out]).toEqual([
      0, 1,  3,  4,
      2, 3,  5,  6,
      6, 7,  9, 10,
      8, 9, 11, 12,
    ]);
  });

  it("keeps a constant, the size it has, and corners", () => {
    expect([...resize(map(7, 7, 7, 7), 2, 2, 3, 5)]).toEqual(Array(15).fill(7));
    expect([...resize(map(1, 2, 3, 4), 2, 2, 2, 2)]).toEqual([1, 2, 3, 4]);
    const out = resize(map(1, 2, 3, 4), 2, 2, 9, 9);
    expect([out[0], out[8], out[72], out[80]]).toEqual([1, 2, 3, 4]);
  });

  it("takes one row or one column", () => {
    expect([...resize(map(0, 2), 1, 2, 2, 2)]).toEqual([0, 2, 0, 2]);
    expect([...resize(map(5), 1, 1, 2, 3)]).toEqual(Array(6).fill(5));
  });
});

describe("sample", () => {
  const values = map(0, 4, 8, 12);
  it("agrees with resize at the centres of its pixels", () => {
    const out = resize(values, 2, 2, 4, 4);
    for (let y = 0; y < 4; y++) {
      for (let x = 0; x < 4; x++) {
        expect(sample(values, 2, 2, (x + 0.5) / 4, (y + 0.5) / 4)).toBeCloseTo(out[y * 4 + x], 6);
      }
    }
  });

  it("is NaN outside", () => {
    expect(sample(values, 2, 2, -0.01, 0.5)).toBeNaN();
    expect(sample(values, 2, 2, 0.5, 1.01)).toBeNaN();
  });
});

describe("the fixture shared with kx_widget/engine/postprocess.py", () => {
  it.each(cases)("signed $signed, $display, scale of $scale", ({ maps, signed, display, scale, size, expected }) => {
    const store = new Store({ scale: scale as Scale });
    const column = { ...COLUMN, target: "top", signed, display: { ...(display as Display), borders: false } };
    const tiles = maps.flatMap((columns, image) =>
      columns.map((rows, column) => {
        const values = Float32Array.from(rows.flat());
        const shape: [number, number] = [rows.length, rows[0].length];
        return { item: item({ image, column, signed, shape }), values, extent: extent(values) };
      }),
    );
    store.answer.value = {
      ...{ gen: 1, key: "" },
      columns: [column, column],
      tiles: new Map(tiles.map((tile) => [tileKey(tile.item.image, tile.item.column), tile])),
    };
    const [height, width] = size;
    for (const tile of tiles) {
      const [h, w] = tile.item.shape;
      const { low, high } = store.endsOf(tile);
      const scalars = resize(applySign(tile.values, store.signOf(tile)), h, w, height, width);
      const wanted = expected[tile.item.image][tile.item.column].flat();
      expect(scalars).toHaveLength(wanted.length);
      scalars.forEach((value, at) => {
        expect(Math.min(Math.max((value - low) / (high - low), -1), 1)).toBeCloseTo(wanted[at], 6);
      });
    }
  });
});
