import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { AnswerCache } from "../src/state/answerCache";
import { isAvailable } from "../src/state/availableQuestions";
import { shownDetections } from "../src/state/detections";
import { Session } from "../src/state/session";
import { DEFAULTS, Store } from "../src/state/store";
import { type FakeModel, fakeModel, item, running, welcome } from "./helpers";

const IMAGES = 5;
let model: FakeModel;
let store: Store;
let session: Session;

const looks = () => model.sent.filter(({ kind }) => kind === "look");
const wait = () => vi.advanceTimersByTime(100);

/** The images from `first` on: classes, true classes, probabilities and scores. */
function shelf(first: number, ...rows: [number, number, number, number][]) {
  const bytes = new ArrayBuffer(16 * rows.length);
  rows.forEach((row, i) => {
    new Int32Array(bytes, 0, rows.length)[i] = row[0];
    new Int32Array(bytes, 4 * rows.length, rows.length)[i] = row[1];
    new Float32Array(bytes, 8 * rows.length, rows.length)[i] = row[2];
    new Float32Array(bytes, 12 * rows.length, rows.length)[i] = row[3];
  });
  model.down({ kind: "shelf", images: IMAGES, first, count: rows.length }, [bytes]);
}

function photo(image: number, fields = {}) {
  const about = { name: `p/${image}.jpg`, width: 4, height: 3, box: [0, 0, 1, 1], mime: "image/png" };
  return { image, ...about, problem: "", byte_offset: image % 2, byte_length: 1, ...fields };
}

function maps(gen: number, ...images: number[]) {
  const items = images.map((image) => item({ image }));
  model.down({ kind: "maps", gen, seq: 7, items }, [Float32Array.of(1, 2).buffer]);
}

beforeEach(() => {
  vi.useFakeTimers();
  model = fakeModel({ ...DEFAULTS, layer: "conv" });
  store = new Store();
  session = new Session(model, store, new AnswerCache());
  model.down({ kind: "welcome", version: 1, gen: 1, ...welcome(), offer: null });
  shelf(0, [0, 0, 0.5, 1], [1, 0, 0.25, 2], [1, -1, 0.75, 3]);
});

afterEach(() => {
  session.close();
  vi.useRealTimers();
});

describe("a store", () => {
  it("is known once all parts are there", () => {
    expect(store.stored.value).toBeNull();
    shelf(3, [0, 1, 1, 4], [1, 1, 0, 5]);
    expect(store.facts.value.images).toBe(IMAGES);
    expect([...store.filters.value]).toContainEqual(["wrong", 2]);
    store.traits.show.value = "wrong";
    store.traits.sort.value = "high";
    expect(store.rows.value).toEqual([3, 1]);
  });

  it("asks for what is near sight and lacks, once, and anew for another question", () => {
    store.traits.selected.value = [1];
    shelf(3, [0, 1, 1, 4], [1, 1, 0, 5]);
    session.images.fetchVisible([0, 1]);
    session.images.fetchVisible([1, 2]);
    wait();
    expect(looks()).toEqual([{ kind: "look", gen: 0, pictures: [1, 2], maps: [1, 2] }]);
    model.down({ kind: "queued", gen: 1 });
    model.down(running(1));
    maps(1, 1);
    model.down({ kind: "pictures", seq: 3, items: [photo(1), photo(2)] }, [Uint8Array.of(5, 6).buffer]);
    expect(model.sent).toContainEqual({ kind: "ack", seq: 3 });
    wait();
    expect(looks()[1]).toEqual({ kind: "look", gen: 1, pictures: [], maps: [2] });
    session.images.fetchVisible([1]);
    wait();
    expect(looks().length).toBe(2);
    model.down(running(2));
    wait();
    expect(looks()[2]).toEqual({ kind: "look", gen: 2, pictures: [], maps: [1] });
    // The kernel says anew that it runs while it computes what was asked for; another look would interrupt it.
    model.down(running(2));
    wait();
    expect(looks().length).toBe(3);
  });

  it("is told what is detected in images that are looked at, some after the others", () => {
    shelf(3, [0, 1, 1, 4], [1, 1, 0, 5]);
    const boxes = (score: number) => [{ box: [0, 0, 2, 2], target: 0, score }];
    const detected = (...images: [number, number][]) => {
      model.down({ kind: "detected", items: images.map(([image, score]) => ({ image, boxes: boxes(score) })) });
    };
    detected([1, 0.75], [4, 0.25]);
    detected([2, 0.5], [1, 0.875]);
    const shown = () => Array.from({ length: IMAGES }, (_, image) => shownDetections(store, image));
    expect(shown()).toEqual([[], boxes(0.875), boxes(0.5), [], boxes(0.25)]);
    store.boxesFrom.value = null;
    expect(shown().flat()).toEqual([]);
  });

  it("asks for the image in focus, wherever its row is, and keeps it", () => {
    shelf(3, [0, 1, 1, 4], [1, 1, 0, 5]);
    session.images.fetchVisible([1]);
    wait();
    store.traits.selected.value = [4];
    wait();
    expect(looks().map(({ pictures }) => pictures)).toEqual([
      [1, 0],
      [1, 4],
    ]);
    model.down(running(1));
    for (const image of [4, 1, 2]) {
      const large = item({ image, shape: [2500, 2500], byte_length: 25e6 });
      model.down({ kind: "maps", gen: 1, seq: image, items: [large] }, [new ArrayBuffer(25e6)]);
    }
    expect([...(store.answer.value?.tiles.keys() ?? [])]).toEqual(["4/0", "1/0"]);
  });

  it("asks once more for what was lost", () => {
    shelf(3, [0, 1, 1, 4], [1, 1, 0, 5]);
    session.images.fetchVisible([0, 1]);
    wait();
    model.down({ kind: "pictures", seq: 3, items: [photo(1)] }, [Uint8Array.of(5, 6).buffer]);
    vi.advanceTimersByTime(60_000);
    expect(looks().map(({ pictures }) => pictures)).toEqual([[0, 1], [0], [0]]);
  });

  it("hangs pictures at their places, and says where there are none", () => {
    shelf(3, [0, 1, 1, 4], [1, 1, 0, 5]);
    const problem = "there is no such file";
    const items = [photo(3), photo(4, { problem, byte_length: 0 })];
    model.down({ kind: "pictures", seq: 1, items }, [Uint8Array.of(5, 6).buffer]);
    const hung = store.traits._images.value;
    expect(hung.length).toBe(IMAGES);
    expect(Object.keys(hung)).toEqual(["3", "4"]);
    expect(hung[3]).toMatchObject({ name: "p/3.jpg", data: Uint8Array.of(6) });
    expect(hung[4].problem).toBe(problem);
  });

  it("keeps what is in sight when there is no more room", () => {
    shelf(3, [0, 1, 1, 4], [1, 1, 0, 5]);
    session.images.fetchVisible([0]);
    model.down(running(1));
    const large = (image: number) => item({ image, shape: [3000, 3000], byte_length: 36e6 });
    for (const image of [0, 1, 2]) {
      model.down({ kind: "maps", gen: 1, seq: image, items: [large(image)] }, [new ArrayBuffer(36e6)]);
    }
    expect([...(store.answer.value?.tiles.keys() ?? [])]).toEqual(["0/0"]);
  });

  it("offers without a model what it holds", () => {
    const asked = {
      layer: "conv",
      method: "cam",
      target: "top",
      params: {},
      compare: "none",
      compare_with: [],
    };
    model.down({ kind: "welcome", version: 1, gen: 1, ...welcome(), offer: [asked] });
    expect(store.available.value).toMatchObject({ fromStore: true, offline: false });
    expect(["cam", "other"].map((id) => isAvailable(store, "method", id))).toEqual([true, false]);
  });
});
