/// <reference types="vite/types/importMeta.d.ts" />
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { compose, frameOf } from "../src/canvas/compose";
import { MapPainter, TileBitmaps } from "../src/canvas/tileBitmaps";
import { type MapDetail, tileKey } from "../src/kernel/decode";
import { extent } from "../src/math/postprocess";
import { Transform } from "../src/math/transform";
import { type Picture, Store, type Traits } from "../src/state/store";
import { Canvas, globals } from "./canvas";
import { item } from "./helpers";

/** Written by tests/fixtures/pictures.py. */
interface Case {
  what: string;
  size: number;
  /** One tile each; null is NaN. */
  maps: (number | null)[][][];
  picture: string[] | null;
  box: Picture["box"];
  traits: Partial<Traits>;
  /** Tiles as rows of pixels as rrggbbaa; dots where nothing is drawn. */
  expected: string[][];
}

const CASES = Object.entries(import.meta.glob<Case>("./pictures/*.json", { eager: true, import: "default" }));

function canvasOf(rows: string[]): Canvas {
  const colors = rows.map((row) => row.split(" "));
  const canvas = new Canvas(colors[0].length, colors.length);
  const bytes = colors.flat().flatMap((color) => (`${color}ff`.match(/../g) ?? []).map((hex) => Number(`0x${hex}`)));
  canvas.pixels.data.set(bytes);
  return canvas;
}

function rowsOf({ width, height, pixels }: Canvas): string[] {
  const color = (at: number) => {
    const rgba = [...pixels.data.subarray(4 * at, 4 * at + 4)];
    return rgba[3] > 0 ? rgba.map((byte) => byte.toString(16).padStart(2, "0")).join("") : "........";
  };
  return Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) => color(y * width + x)).join(" "),
  );
}

function draw(given: Case, part: MapDetail | null = null): string[][] {
  const { size, maps, box } = given;
  const store = new Store({ opacity: 1, photo: "colour", clip: 100, ...given.traits });
  const tiles = maps.map((rows, column) => {
    const values = Float32Array.from(rows.flat().map((value) => value ?? Number.NaN));
    return { item: item({ column, shape: [rows.length, rows[0].length] }), values, extent: extent(values) };
  });
  store.answer.value = {
    ...{ gen: 1, key: "" },
    columns: [],
    tiles: new Map(tiles.map((tile) => [tileKey(0, tile.item.column), tile])),
  };
  const picture = { name: "", width: size, height: size, box, mime: "", data: new Uint8Array() } as Picture;
  const bitmap = given.picture && (canvasOf(given.picture) as unknown as ImageBitmap);
  const painter = new MapPainter();
  return tiles.map((map) => {
    const canvas = new Canvas(size, size);
    const context = canvas.getContext() as unknown as CanvasRenderingContext2D;
    const bitmaps = new TileBitmaps(painter);
    const content = { view: Transform.identity, picture, bitmap, map, bitmaps, part };
    compose(context, frameOf(picture, size, size), store, content);
    return rowsOf(canvas);
  });
}

beforeAll(() => {
  for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
});
afterAll(() => vi.unstubAllGlobals());

it("has pictures to draw", () => {
  expect(CASES.length).toBeGreaterThan(12);
});

it.each(CASES)("%s", (_, given) => {
  expect(draw(given)).toEqual(given.expected);
});

it("draws a part of a map in its own cells, in the colours of the whole, in place of what is coarser there", () => {
  const pictures = Array.from({ length: 4 }, () => Array(4).fill("204060").join(" "));
  const given = { what: "", size: 4, picture: pictures, box: [0, 0, 1, 1], expected: [] };
  const traits: Partial<Traits> = { cells: true, opacity: 0.5, sign: "positive" };
  const coarse = [
    [1, 2.5],
    [0, 4],
  ];
  const fine = [
    [1, 1, 1, 2],
    [1, 1, 3, 4],
    [0, 0, 4, 4],
    [0, 0, 4, 4],
  ];
  const part = { gen: 1, column: 0, box: [0.5, 0, 1, 0.5], shape: [2, 2], values: Float32Array.of(1, 2, 3, 4) };
  expect(draw({ ...given, maps: [coarse], traits }, part)).toEqual(draw({ ...given, maps: [fine], traits }));
  expect(draw({ ...given, maps: [coarse], traits })).not.toEqual(draw({ ...given, maps: [fine], traits }));
});
