import { expect, it } from "vitest";
import { drawBorders } from "../src/canvas/borders";

/** 'o' is light, '#' dark and '.' as it was. */
function drawn(rows: number[][], width: number, height: number): string[] {
  const out = new Uint32Array(width * height);
  drawBorders({ values: Float32Array.from(rows.flat()), shape: [rows.length, rows[0].length] }, width, height, out);
  const shades = new Uint8Array(out.buffer);
  const text = Array.from(out, (word, i) => (word === 0 ? "." : shades[4 * i] > 128 ? "o" : "#"));
  return Array.from({ length: height }, (_, y) => text.slice(y * width, (y + 1) * width).join(""));
}

it("borders lie where values change however small, light before and dark behind", () => {
  const { NaN: nan } = Number;
  const map = [
    [1, 1.0001],
    [0, nan],
  ];
  expect(drawn(map, 4, 4)).toEqual([".o#.", "oooo", "#o##", ".o#."]);
  // A pixel a cell, and more cells than pixels.
  expect(drawn(map, 2, 2)).toEqual(["oo", "o#"]);
  expect(drawn([[1, 1, 2, 2]], 2, 1)).toEqual(["o#"]);
});

it("areas without numbers have no borders within", () => {
  expect(drawn([[Number.NaN, Number.NaN, 3, 3]], 4, 1)).toEqual([".o#."]);
});
