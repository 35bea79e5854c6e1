import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { emptiness, type ThumbnailStyle } from "../src/canvas/drawThumbnail";
import { AnswerCache } from "../src/state/answerCache";
import { Session } from "../src/state/session";
import { DEFAULTS, Store } from "../src/state/store";
import { currentThumbnails } from "../src/state/thumbnails";
import { type FakeModel, fakeModel, item, running } from "./helpers";

let model: FakeModel;
let store: Store;
let session: Session;

function answer(gen: number, ...targets: string[]) {
  model.down({ kind: "queued", gen });
  model.down(running(gen, ...targets));
  const values = Float32Array.of(1, 2);
  model.down({ kind: "maps", gen, seq: gen, items: [item()] }, [values.buffer]);
  model.down({ kind: "done", gen, seconds: 1, maps: 1 });
}

function thumbnails(layer: string, fields = {}) {
  const { shape, dtype, scale, offset, byte_offset, byte_length } = item();
  const encoded = { shape, dtype, scale, offset, byte_offset, byte_length };
  const about = { gen: 1, image: 0, column: 0, key: "k1", method_title: "CAM", signed: true };
  const message = { kind: "thumbnails", ...about, items: [{ ...encoded, layer }], ...fields };
  model.down(message, [Float32Array.of(3, -4).buffer]);
}

const layers = () => [...(currentThumbnails(store)?.maps.keys() ?? [])];

beforeEach(() => {
  model = fakeModel({ ...DEFAULTS, _images: [{}, {}] });
  store = new Store();
  session = new Session(model, store, new AnswerCache());
  answer(1, "top", "top-2");
});
afterEach(() => session.close());

describe("thumbnails", () => {
  it("are asked for by the question's number, with what is there already", () => {
    session.fetchThumbnails(0, 0);
    expect(model.sent.at(-1)).toEqual({ kind: "want", gen: 1, image: 0, column: 0, have: "" });
    thumbnails("conv");
    session.fetchThumbnails(0, 0);
    expect(model.sent.at(-1)).toMatchObject({ have: "k1" });
  });

  it("come in parts", () => {
    thumbnails("conv");
    thumbnails("relu");
    expect(layers()).toEqual(["conv", "relu"]);
    expect(currentThumbnails(store)?.maps.get("relu")).toMatchObject({
      values: Float32Array.of(3, -4),
      extent: { lo: -4, hi: 3 },
    });
    thumbnails("pool", { key: "k2" });
    expect(layers()).toEqual(["pool"]);
  });

  it("do not end the wait for a question that the kernel has not taken", () => {
    vi.useFakeTimers();
    session.set({ target: "dog" });
    thumbnails("conv");
    vi.advanceTimersByTime(1000);
    expect(store.waiting.value).toBe(true);
    vi.useRealTimers();
  });

  it("of an older question, or of what is not in focus any more, are dropped", () => {
    thumbnails("conv", { gen: 0 });
    thumbnails("conv", { image: 1 });
    thumbnails("conv", { column: 1 });
    expect(layers()).toEqual([]);
  });

  it("stay for another layer, and go for another image, column, class or parameter", () => {
    thumbnails("conv");
    answer(2, "top", "top-2");
    expect(layers()).toEqual(["conv"]);
    store.traits.selected.value = [1];
    expect(layers()).toEqual([]);
    store.traits.selected.value = [0];
    store.chosenColumn.value = 1;
    expect(layers()).toEqual([]);
    // One that is not there any more.
    answer(3, "top");
    expect(layers()).toEqual(["conv"]);
    store.traits.params.value = { p: 1 };
    expect(layers()).toEqual([]);
    store.traits.params.value = {};
    answer(4, "dog");
    expect(layers()).toEqual([]);
  });
});

describe("a small map that shows nothing", () => {
  const style = (values: number[], sign: ThumbnailStyle["sign"]): ThumbnailStyle => {
    const extent = { lo: Math.min(...values), hi: Math.max(...values), loAt: 0, hiAt: 0 };
    const map = { values: Float32Array.from(values), shape: [1, values.length], extent };
    return { maps: new Map([["conv", map]]), sign, diverging: false, table: new Uint32Array(256) };
  };
  const sparse = [1, ...Array.from({ length: 63 }, () => -1)];

  it("says why, and what shows it", () => {
    expect(emptiness(style([-3, -1], "positive"), "conv")).toContain("nothing in it is positive. Sign “signed”");
    expect(emptiness(style([2, 2], "positive"), "conv")).toContain("the same everywhere");
    expect(emptiness(style(sparse, "positive"), "conv")).toContain("hardly a cell of it is positive");
  });

  it("is none where something is seen, or nothing has come", () => {
    expect(emptiness(style([-3, -1], "signed"), "conv")).toBe("");
    expect(emptiness(style(sparse, "absolute"), "conv")).toBe("");
    expect(emptiness(style([0, 1], "positive"), "conv")).toBe("");
    expect(emptiness(style([0, 1], "positive"), "other")).toBe("");
    expect(emptiness(null, "conv")).toBe("");
  });
});
