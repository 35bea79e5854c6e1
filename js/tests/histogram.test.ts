import { describe, expect, it } from "vitest";
import { heights, histogram } from "../src/math/histogram";

const map = (...values: number[]) => Float32Array.from(values);

describe("histogram", () => {
  it("counts both ends in, and neither NaN nor what lies outside", () => {
    const maps = [map(0, 0.1, 0.5, Number.NaN), map(1, 1, -0.2, 1.5)];
    expect([...histogram(maps, 0, 1, 4)]).toEqual([2, 0, 1, 2]);
    expect([...histogram([map(-2, 0, 2)], -2, 2, 2)]).toEqual([1, 2]);
  });

  it("counts all of a constant map in one bin", () => {
    expect([...histogram([map(0, 0)], 0, 0, 3)]).toEqual([2, 0, 0]);
  });

  it("looks at a part of very many values", () => {
    const counts = histogram([new Float32Array(600_000)], 0, 1, 2);
    expect(counts[0]).toBe(200_000);
  });
});

describe("heights", () => {
  it("are square roots, and cut off a bin that outweighs all others", () => {
    expect(heights(Uint32Array.of(1, 4, 0, 16))).toEqual([0.25, 0.5, 0, 1]);
    expect(heights(Uint32Array.of(10_000, 4, 1))).toEqual([1, 0.5, 0.25]);
    expect(heights(Uint32Array.of(7, 0))).toEqual([1, 0]);
    expect(heights(new Uint32Array(2))).toEqual([0, 0]);
  });
});
