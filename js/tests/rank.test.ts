import { describe, expect, it } from "vitest";
import { createReadout } from "../src/canvas/readout";
import { extent } from "../src/math/postprocess";
import { rankText, share, sorted } from "../src/math/rank";
import { type Picture, Store } from "../src/state/store";
import { item } from "./helpers";

describe("rank", () => {
  const ascending = sorted(Float32Array.of(3, Number.NaN, -1, 3, 0));

  it("is the part of the values that are not below", () => {
    expect([...ascending]).toEqual([-1, 0, 3, 3]);
    expect([4, 3, 0.5, 0, -1, -9].map((value) => share(ascending, value))).toEqual([0, 0.5, 0.5, 0.75, 1, 1]);
    expect(share(new Float32Array(), 1)).toBe(1);
  });

  it("is at least the first percent", () => {
    expect([0, 0.004, 0.07, 1].map(rankText)).toEqual(["highest 1 %", "highest 1 %", "highest 7 %", "highest 100 %"]);
  });
});

describe("a readout", () => {
  const tile = (...values: number[]) => {
    const map = Float32Array.from(values);
    return { item: item({ shape: [2, 2] }), values: map, extent: extent(map) };
  };
  const map = tile(-4, 2, 1, 0);
  const picture: Picture = {
    ...{ name: "", width: 10, height: 10, box: [0, 0, 1, 0.5] },
    ...{ mime: "image/png", data: new ArrayBuffer(0) },
  };
  const corner = (x: number, y: number) => ({ x: 0.1 + 0.8 * x, y: 0.1 + 0.3 * y });

  it("gives the raw value, and its rank as it is drawn", () => {
    expect(createReadout(new Store({ sign: "positive" }))(corner(0, 0), picture, map)).toBe("1,1  −4  highest 100 %");
    expect(createReadout(new Store({ sign: "absolute" }))(corner(0, 0), picture, map)).toBe("1,1  −4  highest 25 %");
  });

  it("gives the value of a part of the map in more cells, and its rank in the whole", () => {
    const part = { gen: 1, column: 0, box: [0, 0, 0.2, 0.2], shape: [1, 1], values: Float32Array.of(-3) };
    const readout = createReadout(new Store({ sign: "absolute" }));
    expect(readout({ x: 0.1, y: 0.1 }, picture, map, undefined, part)).toBe("1,1  −3  highest 25 %");
    expect(readout({ x: 0.9, y: 0.1 }, picture, map, undefined, part)).toBe("9,1  2  highest 50 %");
  });

  it("gives none where nothing is known", () => {
    const readout = createReadout(new Store());
    expect(readout(corner(1, 1), picture, tile(1, 1, 1, Number.NaN))).toBe("9,4  –");
    expect(readout({ x: 0.5, y: 0.9 }, picture, map)).toBe("5,9  –");
    expect(readout({ x: 0.5, y: 0.1 }, picture, undefined)).toBe("5,1  –");
  });
});
