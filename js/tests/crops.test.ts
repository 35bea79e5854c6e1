import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { MapDetail, TileMap } from "../src/kernel/decode";
import { extent } from "../src/math/postprocess";
import { Transform } from "../src/math/transform";
import { AnswerCache } from "../src/state/answerCache";
import { missingCrop, missingParts } from "../src/state/crops";
import { Session } from "../src/state/session";
import { DEFAULTS, type ImageCrop, originalSize, type Picture, Store } from "../src/state/store";
import { type FakeModel, fakeModel, item } from "./helpers";

const picture = (fields: Partial<Picture> = {}): Picture => ({
  ...{ name: "", width: 512, height: 384, box: [0, 0, 1, 1], mime: "", data: new Uint8Array() },
  original_size: [4000, 3000],
  ...fields,
});
const zoomed = (k: number, about = { x: 0.5, y: 0.5 }) => Transform.upTo(200).zoom(k, about);

describe("the crop that a view lacks", () => {
  it("is none while the picture is as fine as the screen, or as the original", () => {
    expect(missingCrop(picture(), Transform.identity, 320, null)).toBeNull();
    expect(missingCrop(picture(), zoomed(1.5), 320, null)).toBeNull();
    expect(missingCrop(picture({ original_size: [512, 384] }), zoomed(30), 320, null)).toBeNull();
    expect(missingCrop(picture({ original_size: undefined }), zoomed(30), 320, null)).toBeNull();
  });

  it("is what is seen and a quarter more on each side, at the pixels of the screen", () => {
    // 320 · 4 pixels of the screen for 4000 of the original.
    expect(missingCrop(picture(), zoomed(4), 320, null)).toEqual({
      box: [1250, 937, 2750, 2063],
      longest: Math.ceil(1500 * 0.32),
    });
    expect(missingCrop(picture(), zoomed(4, { x: 0, y: 1 }), 320, null)?.box).toEqual([0, 2062, 1250, 3000]);
  });

  it("has no more pixels than the original", () => {
    expect(missingCrop(picture(), zoomed(50), 320, null)).toEqual({ box: [1940, 1455, 2060, 1545], longest: 120 });
  });

  it("is the whole of a picture whose copy is small", () => {
    const small = picture({ width: 64, height: 48 });
    expect(missingCrop(small, Transform.identity, 320, null)).toEqual({ box: [0, 0, 4000, 3000], longest: 320 });
  });

  it("is none where there is one that reaches as far and is as fine", () => {
    const crop = (box: number[], density: number) => ({ box, density });
    const lacks = (seen: Transform, box: number[], density: number) =>
      missingCrop(picture(), seen, 320, crop(box, density)) !== null;
    const box = [0.3125, 0.3125, 0.6875, 0.6875];
    expect(lacks(zoomed(4), box, 0.32)).toBe(false);
    expect(lacks(zoomed(4).pan(-0.2, 0), box, 0.32)).toBe(false);
    expect(lacks(zoomed(4).pan(-0.3, 0), box, 0.32)).toBe(true);
    expect(lacks(zoomed(8), box, 0.32)).toBe(true);
    expect(lacks(zoomed(100), box, 1)).toBe(false);
  });
});

describe("the part of a map that a view lacks", () => {
  const map = (shape: number[], whole_shape: number[]): TileMap => {
    const values = new Float32Array(shape[0] * shape[1]);
    return { item: item({ shape, whole_shape, column: 1 }), values, extent: extent(values) };
  };
  const part = (fields: Partial<MapDetail> = {}): ImageCrop => ({
    ...{ image: 0, box: [0, 0, 1, 1], density: 1, mime: "", data: new Uint8Array(), problem: "" },
    map: { gen: 3, column: 1, box: [0.25, 0.25, 0.75, 0.75], shape: [600, 800], values: new Float32Array(), ...fields },
  });
  const fine = picture({ original_size: [512, 384] });
  const lacks = (shown: TileMap, seen: Transform, crop: ImageCrop | null, gen = 3) =>
    missingParts(fine, shown, gen, seen, 320, crop);

  it("is none where all of the map is there, or no finer than the screen", () => {
    expect(lacks(map([30, 40], [30, 40]), zoomed(9), null)).toBeNull();
    expect(lacks(map([300, 400], [1200, 1600]), Transform.identity, null)).toBeNull();
  });

  it("is what is seen, in pixels of the picture and cells of the map", () => {
    const question = lacks(map([300, 400], [1200, 1600]), zoomed(4), null);
    // 320 · 4 pixels of the screen for 1600 cells; an eighth of the picture beyond each border of what is seen.
    expect(question).toEqual({ box: [160, 120, 352, 264], longest: Math.ceil(600 * 0.8) });
  });

  it("is none where a part of this very map reaches as far", () => {
    const shown = map([300, 400], [1200, 1600]);
    expect(lacks(shown, zoomed(4), part())).toBeNull();
    expect(lacks(shown, zoomed(4), part(), 4)).not.toBeNull();
    expect(lacks(shown, zoomed(4), part({ column: 0 }))).not.toBeNull();
    expect(lacks(shown, zoomed(4).pan(-1, 0), part())).not.toBeNull();
  });
});

it("counts the pixels of the original, or of the picture where an earlier version saved no other", () => {
  expect(originalSize(picture())).toEqual({ width: 4000, height: 3000 });
  expect(originalSize(picture({ original_size: undefined }))).toEqual({ width: 512, height: 384 });
});

describe("a view", () => {
  let model: FakeModel;
  let store: Store;
  let session: Session;
  const question = { box: [1000, 300, 2000, 900] as [number, number, number, number], longest: 500 };
  const asked = () => model.sent.filter(({ kind }) => kind === "enlarge");
  const rest = () => vi.advanceTimersByTime(200);

  function answer(fields = {}) {
    const about = { image: 0, box: question.box, original_size: [4000, 3000], width: 500, height: 300 };
    const { id } = asked()[0];
    model.down({ kind: "crop", id, ...about, mime: "image/png", map: null, problem: "", ...fields }, [
      Uint8Array.of(1, 2),
    ]);
  }

  beforeEach(() => {
    vi.useFakeTimers();
    model = fakeModel({ ...DEFAULTS });
    store = new Store();
    session = new Session(model, store, new AnswerCache());
  });
  afterEach(() => {
    session.close();
    vi.useRealTimers();
  });

  it("asks once it rests, for the last of what was wanted, and once more for what was lost", () => {
    session.crops.fetchAtRest(0, 1, () => ({ ...question, longest: 400 }));
    session.crops.fetchAtRest(0, 1, () => question);
    rest();
    expect(asked()).toMatchObject([{ image: 0, column: 1, gen: 0, ...question }]);
    session.crops.fetchAtRest(0, 1, () => null);
    session.crops.fetchAtRest(0, 1, () => question);
    rest();
    expect(asked().length).toBe(1);
    vi.advanceTimersByTime(60_000);
    expect(asked().length).toBe(2);
  });

  it("takes its own crop, where it lies and how fine it is", () => {
    session.crops.fetchAtRest(0, 1, () => question);
    rest();
    answer({ id: "another view" });
    expect(store.crop.value).toBeNull();
    answer();
    expect(store.crop.value).toMatchObject({ image: 0, box: [0.25, 0.1, 0.5, 0.3], density: 0.5 });
    vi.advanceTimersByTime(60_000);
    expect(asked().length).toBe(1);
  });

  it("takes the part of the map with it", () => {
    session.crops.fetchAtRest(0, 1, () => question);
    rest();
    const [shape, box] = [
      [1, 2],
      [0, 0, 0.5, 0.5],
    ];
    const map = {
      ...{ shape, dtype: "float32", scale: 1, offset: 0, byte_offset: 0, byte_length: 8 },
      gen: 0,
      column: 1,
      box,
    };
    const { id } = asked()[0];
    const about = { image: 0, box: question.box, original_size: [4000, 3000], width: 500, height: 300 };
    const buffers = [Uint8Array.of(1, 2), Float32Array.of(0.5, -2)];
    model.down({ kind: "crop", id, ...about, mime: "image/png", map, problem: "" }, buffers);
    expect(store.crop.value?.map).toEqual({ gen: 0, column: 1, box, shape, values: Float32Array.of(0.5, -2) });
  });

  it("hears why there is none, and asks again", () => {
    session.crops.fetchAtRest(0, 1, () => question);
    rest();
    answer({ box: [0, 0, 0, 0], original_size: [0, 0], width: 0, problem: "there is no such file" });
    expect(store.crop.value).toMatchObject({ problem: "there is no such file", box: [0, 0, 0, 0] });
    session.crops.fetchAtRest(0, 1, () => question);
    rest();
    expect(asked().length).toBe(2);
  });
});
