import { describe, expect, it } from "vitest";
import {
  base64,
  blankMask,
  bounds,
  boxesOf,
  countOf,
  descending,
  drawLine,
  fillBox,
  fillPolygon,
  type Mask,
  pack,
  positiveShare,
  unpack,
} from "../src/math/mask";

const rows = ({ width, height, pixels }: Mask) =>
  Array.from({ length: height }, (_, row) => pixels.subarray(row * width, (row + 1) * width).join(""));
const of = (...lines: string[]): Mask => ({
  width: lines[0].length,
  height: lines.length,
  pixels: Uint8Array.from(lines.join(""), Number),
});
const ROUND = { radius: 1.6, aspect: 1 };

describe("a brush", () => {
  it("marks the pixels whose centres it reaches, as a search through all of them does", () => {
    const [from, to] = [
      { x: 4.3, y: 6.1 },
      { x: 15.8, y: 11.4 },
    ];
    for (const brush of [ROUND, { radius: 3, aspect: 2 }, { radius: 2.2, aspect: 0.5 }]) {
      const mask = drawLine(blankMask(20, 16), from, to, brush, 1);
      const expected = mask.pixels.map((_, i) => {
        const [x, y] = [((i % 20) + 0.5) * brush.aspect, Math.floor(i / 20) + 0.5];
        // The distance to the nearest of many points of the line.
        let nearest = Number.POSITIVE_INFINITY;
        for (let part = 0; part <= 1; part += 1 / 4096) {
          const along = x - brush.aspect * (from.x + part * (to.x - from.x));
          nearest = Math.min(nearest, Math.hypot(along, y - (from.y + part * (to.y - from.y))));
        }
        return Number(nearest <= brush.radius);
      });
      expect(mask.pixels).toEqual(expected);
    }
  });

  it("leaves the mask that it is given as it is, and takes away as an eraser", () => {
    const full = fillBox(blankMask(8, 8), { x: 0, y: 0 }, { x: 8, y: 8 });
    const holed = drawLine(full, { x: 4, y: 4 }, { x: 4, y: 4 }, ROUND, 0);
    expect([countOf(full), countOf(holed)]).toEqual([64, 64 - 12]);
  });

  it("leaves no gap however thin it is", () => {
    const thin = { radius: 0.01, aspect: 1 };
    const line = drawLine(blankMask(9, 6), { x: 0.5, y: 1 }, { x: 8.5, y: 4 }, thin, 1);
    for (let column = 0; column < 9; column++) {
      expect(rows(line).some((row) => row[column] === "1")).toBe(true);
    }
  });

  it("marks one pixel however small it is, and none beyond the picture", () => {
    const point = { x: 2.2, y: 1.7 };
    expect(rows(drawLine(blankMask(4, 3), point, point, { radius: 0.01, aspect: 1 }, 1))).toEqual([
      "0000",
      "0010",
      "0000",
    ]);
    const outside = { x: -40, y: 90 };
    expect(countOf(drawLine(blankMask(4, 3), outside, outside, ROUND, 1))).toBe(0);
    const corner = { x: 0, y: 0 };
    expect(rows(drawLine(blankMask(4, 3), corner, corner, ROUND, 1))).toEqual(["1100", "1000", "0000"]);
  });
});

describe("a box and a lasso", () => {
  it("mark whole pixels, from whichever corner", () => {
    const box = ["00000", "01110", "01110", "00000"];
    expect(rows(fillBox(blankMask(5, 4), { x: 1.2, y: 0.8 }, { x: 3.6, y: 3.4 }))).toEqual(box);
    expect(rows(fillBox(blankMask(5, 4), { x: 3.6, y: 3.4 }, { x: 1.2, y: 0.8 }))).toEqual(box);
    expect(countOf(fillBox(blankMask(5, 4), { x: -9, y: -9 }, { x: 99, y: 99 }))).toBe(20);
  });

  it("mark what is inside of the line, which closes by itself", () => {
    const triangle = [
      { x: 0, y: 0 },
      { x: 6, y: 0 },
      { x: 0, y: 6 },
    ];
    expect(rows(fillPolygon(blankMask(6, 6), triangle))).toEqual([
      "111110",
      "111100",
      "111000",
      "110000",
      "100000",
      "000000",
    ]);
  });

  it("leave out what the line goes around twice", () => {
    const square = (at: number, side: number) => [
      { x: at, y: at },
      { x: at + side, y: at },
      { x: at + side, y: at + side },
      { x: at, y: at + side },
      { x: at, y: at },
    ];
    const ring = fillPolygon(blankMask(5, 5), [...square(0, 5), ...square(1, 3)]);
    expect(rows(ring)).toEqual(["11111", "10001", "10001", "10001", "11111"]);
    expect(countOf(fillPolygon(blankMask(5, 5), [{ x: 1, y: 1 }]))).toBe(0);
  });
});

describe("bits", () => {
  it("are those of numpy.packbits, and come back", () => {
    const mask = of("10000", "00110", "11111");
    expect([...pack(mask.pixels)]).toEqual([0b10000001, 0b10111110]);
    expect(unpack(pack(mask.pixels), 5, 3)).toEqual(mask);
    expect(base64(pack(mask.pixels))).toBe("gb4=");
  });
});

describe("boxes", () => {
  it("together are the mask, and do not lie over each other", () => {
    const mask = of("110011", "110011", "111111", "000100");
    const boxes = boxesOf(mask, 9) ?? [];
    const again = boxes.reduce(
      (all, [top, bottom, left, right]) => fillBox(all, { x: left, y: top }, { x: right, y: bottom }),
      blankMask(6, 4),
    );
    expect(again).toEqual(mask);
    const area = boxes.reduce((sum, [top, bottom, left, right]) => sum + (bottom - top) * (right - left), 0);
    expect(area).toBe(countOf(mask));
    expect(bounds(mask)).toEqual([0, 4, 0, 6]);
  });

  it("are none where they would be too many, or nothing is marked", () => {
    expect(boxesOf(of("1010", "0101"), 3)).toBeNull();
    expect(boxesOf(blankMask(3, 3), 3)).toEqual([]);
    expect(bounds(blankMask(3, 3))).toBeNull();
    expect(bounds(of("000", "010"))).toEqual([1, 2, 1, 2]);
  });
});

describe("the values of a map", () => {
  it("come with the largest first, equal ones all over, and no numbers last", () => {
    const values = Float32Array.of(0.5, Number.NaN, 3, -1, 3);
    expect([...descending(values)].slice(0, 2).sort()).toEqual([2, 4]);
    expect([...descending(values)].slice(2)).toEqual([0, 3, 1]);
    const first = [...descending(new Float32Array(10_000))].slice(0, 1000);
    const mean = first.reduce((sum, pixel) => sum + pixel, 0) / 1000;
    expect(new Set(first).size).toBe(1000);
    // By chance within three standard errors, where they come in their order it is 500.
    expect(Math.abs(mean - 5000)).toBeLessThan(300);
  });

  it("share out what is above 0", () => {
    const values = Float32Array.of(1, -5, 3, Number.NaN);
    expect(positiveShare(values, of("0110"))).toBe(0.75);
    expect(positiveShare(values, of("0101"))).toBe(0);
    expect(positiveShare(Float32Array.of(0, -1), of("11"))).toBeNull();
  });
});
