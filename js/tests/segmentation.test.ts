import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import fixture from "../../tests/fixtures/archive.json";
import { classColour, classTable } from "../src/canvas/classColours";
import { createReadout } from "../src/canvas/readout";
import { paintAreas, paintOutlines } from "../src/canvas/segmentationBitmaps";
import { openArchive } from "../src/kernel/archive";
import type { SegmentedImage } from "../src/kernel/protocol";
import { type LabelMap, labelAt, readSegmentations } from "../src/kernel/segmentation";
import { AnswerCache } from "../src/state/answerCache";
import { layersOf, segmentationText } from "../src/state/segmentations";
import { Session } from "../src/state/session";
import { DEFAULTS, type Picture, Store } from "../src/state/store";
import { type FakeModel, fakeModel, welcome } from "./helpers";

async function packed(labels: Uint8Array | Uint16Array, shape: number[], fields: Partial<SegmentedImage> = {}) {
  const stream = new Blob([labels.slice()]).stream().pipeThrough(new CompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const dtype = labels instanceof Uint8Array ? ("uint8" as const) : ("uint16" as const);
  const place = { byte_offset: 0, byte_length: bytes.length };
  return { item: { image: 0, shape, dtype, problem: "", ...place, ...fields }, bytes };
}

/** Rows of labels, digit by digit. */
const mapOfRows = (...rows: string[]): LabelMap => ({
  height: rows.length,
  width: rows[0].length,
  labels: Uint8Array.from(rows.join(""), Number),
  shares: [],
  problem: "",
});

describe("a segmentation", () => {
  it("is read with the share of every class, the largest first", async () => {
    const { item, bytes } = await packed(Uint8Array.of(1, 1, 0, 1, 2, 1), [2, 3]);
    const [[image, read]] = await readSegmentations([item], bytes);
    expect(image).toBe(0);
    expect([...read.labels]).toEqual([1, 1, 0, 1, 2, 1]);
    expect(read.shares).toEqual([
      [1, 4 / 6],
      [0, 1 / 6],
      [2, 1 / 6],
    ]);
  });

  it("may have more classes than a byte holds", async () => {
    const { item, bytes } = await packed(Uint16Array.of(300, 7), [1, 2]);
    const [[, read]] = await readSegmentations([item], bytes);
    expect([...read.labels]).toEqual([300, 7]);
  });

  it("says why there is none", async () => {
    const { item, bytes } = await packed(Uint8Array.of(0), [1, 1], { problem: "the file is gone" });
    const [[, read]] = await readSegmentations([item], bytes);
    expect(read.problem).toBe("the file is gone");
  });

  it("of another size than its header says is an error", async () => {
    const { item, bytes } = await packed(Uint8Array.of(0, 1), [2, 2]);
    await expect(readSegmentations([item], bytes)).rejects.toThrow("2 × 2 places has 2 classes");
  });

  it("tells the class at a point, and none outside", () => {
    const seen = mapOfRows("01", "23");
    expect([labelAt(seen, 0.1, 0.1), labelAt(seen, 0.9, 0.1), labelAt(seen, 0.1, 0.6)]).toEqual([0, 1, 2]);
    expect([labelAt(seen, -0.1, 0.5), labelAt(seen, 1, 0.5)]).toEqual([null, null]);
  });

  it("is read from a page that Python wrote", async () => {
    const archive = await openArchive(Uint8Array.from(atob(fixture.block), (c) => c.charCodeAt(0)));
    expect(archive?.constants.places).toEqual([2, 3]);
    const seen = archive?.segmentations.get(1);
    expect([...(seen?.labels ?? [])]).toEqual([0, 300, 1, 1, 1, 0]);
  });
});

describe("the colours of classes", () => {
  const rgb = (color: string) => [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
  /** The squared distance of two colours as seen with all cones, or by those who lack one (Viénot et al. 1999). */
  const VIEWS: readonly (readonly number[])[][] = [
    [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ],
    [
      [0.11238, 0.88762, 0],
      [0.11238, 0.88762, 0],
      [0.00401, -0.00401, 1],
    ],
    [
      [0.29275, 0.70725, 0],
      [0.29275, 0.70725, 0],
      [-0.02234, 0.02234, 1],
    ],
  ];
  const linear = (v: number) => ((v / 255 + 0.055) / 1.055) ** 2.4;
  const seenBy = (view: (typeof VIEWS)[0], color: string) => {
    const light = rgb(color).map(linear);
    return view.map((row) =>
      Math.cbrt(
        Math.max(
          0,
          row.reduce((sum, part, i) => sum + part * light[i], 0),
        ),
      ),
    );
  };
  const distance = (view: (typeof VIEWS)[0], a: string, b: string) => {
    const [x, y] = [seenBy(view, a), seenBy(view, b)];
    return Math.hypot(...x.map((part, i) => part - y[i]));
  };

  it("of the first eight are told apart by all eyes", () => {
    const first = Array.from({ length: 8 }, (_, index) => classColour(index));
    for (const view of VIEWS) {
      for (const [at, a] of first.entries()) {
        for (const b of first.slice(at + 1)) expect(distance(view, a, b), `${a} ${b}`).toBeGreaterThan(0.08);
      }
    }
  });

  it("are those of a class whatever the others are, and of 300 no two the same", () => {
    const all = Array.from({ length: 300 }, (_, index) => classColour(index));
    expect(new Set(all).size).toBe(300);
    for (const color of all) expect(color).toMatch(/^#[0-9a-f]{6}$/);
    const table = new Uint8Array(classTable(300).buffer);
    expect([...table.subarray(4 * 299, 4 * 299 + 4)]).toEqual([...rgb(all[299]), 255]);
    expect([...table.subarray(4 * 300)]).toEqual([0, 0, 0, 0]);
  });
});

describe("areas and outlines", () => {
  const table = Uint32Array.of(10, 20, 30);

  it("have the colour of their class; no class has none", () => {
    const out = new Uint32Array(4);
    paintAreas(mapOfRows("01", "27"), table, out);
    expect([...out]).toEqual([10, 20, 30, 0]);
  });

  it("run along both sides of an edge, dark towards the inside, and leave the rest bare", () => {
    const out = new Uint32Array(16);
    paintOutlines(mapOfRows("00000001", "00000001"), table, { width: 8, height: 2, line: 1 }, out);
    const halo = out[5];
    expect([...out.subarray(0, 8)]).toEqual([0, 0, 0, 0, 0, halo, 10, 20]);
    expect(halo).not.toBe(0);
    expect([10, 20]).not.toContain(halo);
  });

  it("of one class have no edge", () => {
    const out = new Uint32Array(12).fill(1);
    paintOutlines(mapOfRows("222", "222"), table, { width: 4, height: 3, line: 2 }, out);
    expect(new Set(out)).toEqual(new Set([0]));
  });
});

describe("a page that shows what a segmenter sees", () => {
  let model: FakeModel;
  let store: Store;
  let session: Session;
  const asked = () => model.sent.filter(({ kind }) => kind === "segment").map((message) => message.images);

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    model = fakeModel({ ...DEFAULTS, layer: "conv", _images: [{}, {}, {}] });
    store = new Store();
    session = new Session(model, store, new AnswerCache());
    const classes = { class_names: ["road", "car"], places: [1, 2], predicts: "share" as const };
    model.down({ kind: "welcome", version: 1, gen: 1, ...welcome(classes) });
  });
  afterEach(() => {
    session.close();
    vi.useRealTimers();
  });

  const answer = async (image: number, version: number, ...labels: number[]) => {
    const { item, bytes } = await packed(Uint8Array.from(labels), [1, 2], { image });
    model.down({ kind: "segmentation", version, items: [item] }, [bytes]);
    await vi.waitFor(() => expect([...(store.segmentations.value.get(image)?.labels ?? [])]).toEqual(labels));
  };

  it("asks for the images near sight once, and only while it shows it", async () => {
    store.inSight.value = [0, 1];
    expect(asked()).toEqual([]);
    store.traits.overlay.value = "prediction";
    expect(asked()).toEqual([[0, 1]]);
    store.inSight.value = [1, 2];
    expect(asked()).toEqual([[0, 1], [2]]);
    await answer(1, 1, 0, 1);
    expect(asked().length).toBe(2);
    expect(layersOf(store, { image: 1, column: 0 }).map).toBeUndefined();
    expect(segmentationText(store, 1)).toBe("the model sees road 50.0 %, car 50.0 %");
  });

  it("asks once more for what a host has lost", async () => {
    store.traits.overlay.value = "both";
    await answer(0, 1, 0, 0);
    store.inSight.value = [0, 2];
    vi.advanceTimersByTime(15_000);
    expect(asked()).toEqual([[0], [2], [2]]);
  });

  it("forgets what other weights have seen", async () => {
    store.traits.overlay.value = "both";
    await answer(0, 1, 0, 0);
    await answer(2, 2, 1, 1);
    expect(store.segmentations.value.has(0)).toBe(false);
    model.down({ kind: "predictions", model: "", shape: [3, 2], first: 0, best: [0, 0, 0] }, [
      new Float32Array(6).buffer,
    ]);
    expect(store.segmentations.value.size).toBe(0);
    expect(asked().at(-1)).toEqual([0]);
  });

  it("shows what came last, however long it took to unpack what came before", async () => {
    store.traits.overlay.value = "both";
    const shown: number[][] = [];
    const stop = store.segmentations.subscribe((all) => shown.push([...all.keys()]));
    const { item, bytes } = await packed(Uint8Array.of(0, 1), [1, 2], { image: 1 });
    model.down({ kind: "segmentation", version: 1, items: [item] }, [bytes]);
    // Nothing has to be unpacked to say that there is none.
    const absent = { ...item, image: 0, problem: "the file is gone" };
    model.down({ kind: "segmentation", version: 2, items: [absent] }, [new Uint8Array()]);
    await vi.waitFor(() => expect(shown).toHaveLength(3));
    stop();
    expect(shown).toEqual([[], [1], [0]]);
  });

  it("tells the class under the crosshair beside the map's value", async () => {
    store.traits.overlay.value = "both";
    await answer(0, 1, 0, 2);
    const picture = { width: 4, height: 2, box: [0, 0, 1, 1] } as Picture;
    const read = createReadout(store);
    const seen = store.segmentations.value.get(0);
    expect(read({ x: 0.1, y: 0.5 }, picture, undefined, seen)).toBe("0,1  –  road");
    expect(read({ x: 0.9, y: 0.5 }, picture, undefined, seen)).toBe("3,1  –  no class");
  });
});

it("a classifier's pictures have the map over them, whatever the trait says", () => {
  const store = new Store({ overlay: "prediction" });
  store.constants.value = welcome();
  expect(layersOf(store, { image: 0, column: 0 })).toEqual({ map: undefined, segmentation: undefined });
  expect(segmentationText(store, 0)).toBe("");
});
