/// <reference types="vite/types/importMeta.d.ts" />
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { classColour } from "../src/canvas/classColours";
import { compose, frameOf } from "../src/canvas/compose";
import { MapPainter, TileBitmaps } from "../src/canvas/tileBitmaps";
import { type MapDetail, tileKey } from "../src/kernel/decode";
import type { Item } from "../src/kernel/protocol";
import type { LabelMap } from "../src/kernel/segmentation";
import { extent } from "../src/math/postprocess";
import { Transform } from "../src/math/transform";
import { type Picture, Store, type Traits } from "../src/state/store";
import { Canvas, globals } from "./canvas";
import { item, welcome } from "./helpers";

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

function draw(given: Case, part: MapDetail | null = null, fields: Partial<Item> = {}): string[][] {
  const { size, maps, box } = given;
  const store = new Store({ opacity: 1, photo: "colour", clip: 100, ...given.traits });
  const tiles = maps.map((rows, column) => {
    const values = Float32Array.from(rows.flat().map((value) => value ?? Number.NaN));
    return { item: item({ column, shape: [rows.length, rows[0].length], ...fields }), values, extent: extent(values) };
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

describe("what a segmenter sees", () => {
  const BOX = [0, 0, 1, 1];
  const rgba = (index: number, alpha = "ff") => `${classColour(index).slice(1)}${alpha}`;
  const [ROAD, CAR] = [rgba(0), rgba(1)];
  /** The left half is class 0; of the right half, the upper part is class 1 and the lower one none. */
  const SEEN = { height: 2, width: 2, labels: Uint8Array.of(0, 1, 0, 9), shares: [], problem: "" };
  const MAP = [
    [1, 4],
    [1, 4],
  ];
  const SIZE = 4;

  interface Drawn {
    traits?: Partial<Traits>;
    map?: number[][];
    fields?: Partial<Item>;
    picture?: string;
    box?: number[];
    segmentation?: LabelMap;
    view?: Transform;
  }

  /** The pixels of a tile, row by row. */
  function pixels({ traits, map, fields, picture, box = BOX, view = Transform.identity, ...seen }: Drawn): string[][] {
    const store = new Store({ opacity: 1, photo: "colour", clip: 100, cells: true, ...traits });
    store.constants.value = welcome({ class_names: ["road", "car"], places: [2, 2] });
    const { segmentation = SEEN } = seen;
    const values = Float32Array.from(map?.flat() ?? []);
    const tile = map && { item: item({ shape: [2, 2], ...fields }), values, extent: extent(values) };
    store.answer.value = { gen: 1, key: "", columns: [], tiles: new Map(tile ? [[tileKey(0, 0), tile]] : []) };
    const canvas = new Canvas(SIZE, SIZE);
    const bitmap = picture ? canvasOf(Array(SIZE).fill(Array(SIZE).fill(picture).join(" "))) : null;
    compose(canvas.getContext() as never, { x: 0, y: 0, width: SIZE, height: SIZE }, store, {
      ...{ view, map: tile, segmentation, bitmap: bitmap as never },
      picture: { name: "", width: SIZE, height: SIZE, box, mime: "", data: new Uint8Array() },
      bitmaps: new TileBitmaps(new MapPainter()),
    });
    return rowsOf(canvas).map((row) => row.split(" "));
  }
  const upper = (drawn: Drawn) => pixels(drawn)[0];

  it("is drawn as areas in the colours of the classes, bare where there is no class", () => {
    const NONE = "........";
    expect(pixels({})).toEqual([
      ...[0, 1].map(() => [ROAD, ROAD, CAR, CAR]),
      ...[0, 1].map(() => [ROAD, ROAD, NONE, NONE]),
    ]);
  });

  it("lets as much of the picture through as a map does, whose colours may go", () => {
    // 0.5 · (16, 32, 96) + 0.5 · (51, 51, 51); the grey of the picture is 34, and a fifth darker.
    expect(upper({ traits: { opacity: 0.5 }, picture: "102060" })[0]).toBe("222a4aff");
    const grey = upper({ traits: { opacity: 0.5, photo: "gray" }, picture: "102060" });
    expect(grey[0]).toBe("272727ff");
    expect(upper({ traits: { opacity: 0, photo: "gray" }, picture: "102060" })[0]).toBe("102060ff");
  });

  it("lies in the part of the picture that the model sees", () => {
    const rows = pixels({ picture: "000000", box: [0.5, 0, 1, 0.5] });
    expect(rows[0]).toEqual(["000000ff", "000000ff", ROAD, CAR]);
    expect(rows[2]).toEqual(Array(4).fill("000000ff"));
  });

  it("follows a picture that is zoomed", () => {
    const view = Transform.identity.zoom(2, { x: 1, y: 0 });
    expect(pixels({ view })).toEqual(Array(4).fill(Array(4).fill(CAR)));
  });

  it("is bare left of the swipe", () => {
    const black = "000000ff";
    // The line itself lies on the pixels between.
    const [first, , , last] = upper({ traits: { swipe: 0.25 }, picture: "000000" });
    expect([first, last]).toEqual([black, CAR]);
    expect(upper({ traits: { swipe: 1 }, picture: "000000" })).toEqual(Array(4).fill(black));
  });

  it("is outlined over a map, which stays to be seen between the lines", () => {
    const segmentation = { ...SEEN, height: 1, width: 4, labels: Uint8Array.of(0, 1, 1, 1) };
    const map = pixels({ map: MAP, segmentation: { ...segmentation, labels: new Uint8Array(4) } });
    const both = upper({ map: MAP, segmentation, traits: { opacity: 1 } });
    expect(both.slice(0, 2)).toEqual([ROAD, CAR]);
    expect(both[3]).toBe(map[0][3]);
    // Lines do not fade with the map.
    expect(upper({ map: MAP, segmentation, traits: { opacity: 0.5 } })[1]).toBe(CAR);
  });

  it("is outlined alone where a map has nothing to draw", () => {
    const segmentation = { ...SEEN, height: 1, width: 4, labels: Uint8Array.of(0, 1, 1, 1) };
    const blank = upper({ map: MAP, fields: { evidence: "none" }, segmentation });
    expect([blank[0], blank[1], blank[3]]).toEqual([ROAD, CAR, "........"]);
  });
});

it("draws the map of a class that the model hardly sees fainter", () => {
  const given = { what: "", size: 2, picture: null, box: [0, 0, 1, 1], expected: [], maps: [[[4]]], traits: {} };
  const alphas = [0.5, 0.001].map((probability) => draw(given, null, { probability })[0][0].slice(6, 8));
  expect(alphas).toEqual(["ff", "80"]);
});
