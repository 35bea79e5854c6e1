import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import fixture from "../../tests/fixtures/archive.json";
import { type Archive, openArchive } from "../src/kernel/archive";
import type { QuestionRecord } from "../src/kernel/protocol";
import { AnswerCache } from "../src/state/answerCache";
import { exact, isAvailable, nearest } from "../src/state/availableQuestions";
import { Session } from "../src/state/session";
import { DEFAULTS, Store } from "../src/state/store";
import { classOptions } from "../src/view/classPicker";
import { COLUMN, type FakeModel, fakeModel, welcome } from "./helpers";

const bytes = Uint8Array.from(atob(fixture.block), (c) => c.charCodeAt(0));
const question = (values: Partial<QuestionRecord> = {}): QuestionRecord => ({
  layer: "conv",
  method: "blobs",
  target: "top",
  params: {},
  compare: "none",
  compare_with: [],
  regions: {},
  ...values,
});
/** A block without maps. */
async function pack(header: object): Promise<Uint8Array> {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(4 + text.length);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, 4);
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
const opened = async () => (await openArchive(bytes)) as Archive;

describe("an archive", () => {
  it("gives back what Python kept, to the last bit", async () => {
    const archive = await opened();
    expect(archive.available).toMatchObject({ offline: true, leftOut: 0, side: null });
    const expected = fixture.maps.map((maps) => maps.map((map) => map.flat()));
    const values = archive.answers.slice(-3).map(({ answer }) => [...answer.tiles.values()].map((t) => [...t.values]));
    expect(values).toEqual(expected);
    expect(archive.predictions?.predicted).toEqual([1, 0]);
    expect([...(archive.predictions?.values ?? [])]).toEqual([0.25, 0.75, Number.NaN, 1]);
    expect(archive.answers.at(-1)?.answer.columns.map((column) => column.method)).toEqual(["blobs", "dots"]);
  });

  it("gives back notes, and none where an earlier version kept none", async () => {
    const { tiles } = (await opened()).answers[0].answer;
    expect(tiles.get("1/0")?.item).toMatchObject({ notes: ["Flat: nothing to see."], evidence: "none" });
    expect(tiles.get("0/0")?.item).toMatchObject({ notes: [], evidence: "some" });
  });

  it("gives back what was scored along curves, with the column that it belongs to", async () => {
    const archive = await opened();
    const compared = archive.answers.at(-1)?.answer.curves;
    expect([...(compared ?? [])].map(([key]) => key)).toEqual(["0/1"]);
    const scored = compared?.get("0/1");
    const text = (part?: Uint8Array) => new TextDecoder().decode(part);
    expect([scored?.picture, scored?.covering, scored?.levels].map(text)).toEqual(["picture", "covering", "levels"]);
    expect(scored).toMatchObject({ cover: "mean", classes: { insertion: [[{ index: 0 }], [{ index: 1 }]] } });
    expect(archive.answers[0].answer.curves?.size).toBe(0);
  });

  it("gives back which images are alike, and nothing where an earlier version kept nothing of that", async () => {
    expect((await opened()).nearest).toBeNull();
    const kept = { version: 1, alone: true, left_out: 0, side: null, predictions: null, answers: [] };
    const item = { image: 1, nearest: [{ image: 0, similarity: 0.5 }], right: [], why: "" };
    const nearest = { edition: "a", layer: "conv", items: [item] };
    const archive = await openArchive(await pack({ ...kept, welcome: welcome(), nearest }));
    expect(archive?.nearest).toEqual({ edition: "a", layer: "conv", records: new Map([[1, item]]) });
  });

  it("is nothing where nothing is kept, and an error where it is spoilt", async () => {
    expect(await openArchive(new Uint8Array())).toBeNull();
    expect(await openArchive(undefined)).toBeNull();
    await expect(openArchive(bytes.slice(0, 60))).rejects.toThrow();
    await expect(openArchive(Uint8Array.of(1, 2, 3, 4, 5))).rejects.toThrow();
  });

  it("takes each column of a comparison for an answer of its own, with the parameters that are its method's", async () => {
    const archive = await opened();
    const smooth = { repetitions: 3 };
    const blobs = exact(archive, question({ params: { smooth, sharpness: 2 } }));
    const dots = exact(archive, question({ method: "dots", params: { smooth } }));
    const compared = archive.answers.at(-1)?.answer.tiles;
    expect(blobs?.answer.tiles.get("1/0")?.values).toEqual(compared?.get("1/0")?.values);
    expect(dots?.answer.tiles.get("1/0")?.values).toEqual(compared?.get("1/1")?.values);
    expect(dots?.answer.tiles.get("1/0")?.item.column).toBe(0);
  });

  it("gives back what was measured with its answer, and of each column with the answer to that alone", async () => {
    const records = ["weak", "holds"].map((state, column) => ({
      ...{ image: 0, column, state, headline: "", verdict: "", cover: "blur", metrics: [], curves: null, cells: null },
    }));
    const classes = { deletion: [[{ index: 1, probability: 0.5, score: 2 }]], insertion: [] };
    const curves = [{ image: 0, column: 1, cover: "blur", classes, parts: Array(3).fill([0, 0]) }];
    const rankings = [
      { target: "top", images: [0], cover: "blur", sentence: "", metrics: [], methods: [], done: 2, total: 2 },
    ];
    const compared = {
      asked: question({ compare: "methods", compare_with: ["blobs", "dots"] }),
      columns: ["blobs", "dots"].map((method) => ({ ...COLUMN, method, target: "top" })),
      ...{ items: [], seconds: 1, evidence: records, curves, rankings },
    };
    const about = { version: 1, alone: true, left_out: 0, side: null, predictions: null };
    const archive = (await openArchive(await pack({ ...about, welcome: welcome(), answers: [compared] }))) as Archive;
    const states = (values: Partial<QuestionRecord>) => {
      const { evidence, curves: scored } = exact(archive, question(values))?.answer ?? {};
      return [...(evidence ?? [])].map(([key, { column, state }]) => [key, column, state, scored?.get(key)?.classes]);
    };
    expect(states({ compare: "methods", compare_with: ["blobs", "dots"] })).toEqual([
      ["0/0", 0, "weak", undefined],
      ["0/1", 1, "holds", classes],
    ]);
    expect(states({ method: "blobs" })).toEqual([["0/0", 0, "weak", undefined]]);
    expect(states({ method: "dots" })).toEqual([["0/0", 0, "holds", classes]]);
    expect(archive.answers.map((each) => each.rankings)).toEqual(Array(3).fill(rankings));
  });

  it("lists an answer once, that to a column of two comparisons and that to another layer where none is seen", async () => {
    const column = (method: string, layer: string) => ({
      method,
      layer,
      method_title: "",
      target: "top",
      signed: true,
    });
    const compared = (...layers: string[]) => ({
      asked: question({ compare: "layers", compare_with: layers, params: {} }),
      columns: layers.map((layer) => column("blobs", layer)),
      ...{ items: [], seconds: 1 },
    });
    const seen = (layer: string) => ({
      asked: question({ method: "input", layer }),
      columns: [column("input", "")],
      ...{ items: [], seconds: 1 },
    });
    const answers = [compared("conv", "early"), compared("early", "late"), seen("conv"), seen("late")];
    const about = { version: 1, alone: true, left_out: 0, side: null, predictions: null };
    const archive = await openArchive(await pack({ ...about, welcome: welcome(), answers }));
    const questions = archive?.available.questions.map(({ method, layer, compare }) => `${method} ${layer} ${compare}`);
    expect(questions?.filter((text) => text.endsWith("none"))).toEqual([
      "blobs conv none",
      "blobs early none",
      "blobs late none",
      "input late none",
    ]);
  });

  it("answers what is wanted anew, and keeps of the rest what it can", async () => {
    const archive = await opened();
    expect(nearest(archive, question(), { layer: "early" })?.question).toMatchObject({
      layer: "early",
      method: "dots",
      target: "cat − dog",
    });
    expect(nearest(archive, question(), { method: "dots", params: {} })?.question).toMatchObject({
      method: "dots",
      layer: "conv",
      compare: "none",
    });
    expect(nearest(archive, question(), { compare: "methods", compare_with: [] })?.question.compare).toBe("methods");
    expect(nearest(archive, question(), { layer: "late" })).toBeUndefined();
    expect(nearest(archive, question({ layer: "gone" }), {})?.question.layer).toBe("conv");
  });
});

describe("a view of an archive", () => {
  let model: FakeModel;
  let store: Store;
  let session: Session;
  const ready = () => vi.waitFor(() => expect(store.available.value).not.toBeNull());

  beforeEach(() => {
    model = fakeModel({ ...DEFAULTS, ...question(), _snapshot: new DataView(bytes.buffer) });
    store = new Store();
    session = new Session(model, store, new AnswerCache());
  });
  afterEach(() => session.close());

  it("draws at once, and offers only what is there", async () => {
    await ready();
    expect(store.status.value).toBe("no-kernel");
    expect(store.answer.value?.tiles.size).toBe(2);
    expect([isAvailable(store, "layer", "conv"), isAvailable(store, "layer", "late")]).toEqual([true, false]);
    expect(classOptions(store).map(({ text }) => text)).toEqual(["predicted", "cat vs dog"]);
  });

  it("shows another kept answer for another question, and says all of that question", async () => {
    await ready();
    session.set({ layer: "early" });
    expect([store.traits.method.value, store.traits.target.value]).toEqual(["dots", "cat − dog"]);
    expect([model.state.layer, model.state.method]).toEqual(["early", "dots"]);
    expect([...(store.answer.value?.tiles.get("0/0")?.values ?? [])]).toEqual(fixture.maps[1][0].flat());
  });

  it("shows what a kernel answers that is too busy to greet it", async () => {
    const { state } = model;
    session.close();
    model = fakeModel({ ...state, _snapshot: new Uint8Array() });
    store = new Store();
    session = new Session(model, store, new AnswerCache());
    expect(store.answer.value).toBeNull();
    model.assign("_snapshot", new DataView(bytes.buffer));
    await ready();
    expect(store.answer.value?.tiles.size).toBeGreaterThan(0);
  });

  it("follows another view of the same model", async () => {
    await ready();
    for (const [name, value] of Object.entries(question({ compare: "methods" }))) model.assign(name, value);
    model.assign("params", { sharpness: 2, smooth: { repetitions: 3 } });
    expect(store.answer.value?.columns).toHaveLength(2);
  });

  it("opens with the nearest answer to what the address of its page chooses, if there is one", async () => {
    model.assign("layer", "early");
    await ready();
    expect([store.traits.layer.value, store.traits.method.value]).toEqual(["early", "dots"]);
    session.close();
    model = fakeModel({ ...DEFAULTS, ...question(), _snapshot: new DataView(bytes.buffer) });
    store = new Store();
    session = new Session(model, store, new AnswerCache());
    model.assign("method", "magic");
    await ready();
    expect([store.traits.method.value, store.answer.value?.tiles.size]).toEqual(["blobs", 2]);
  });

  it("shows the nearest answer to what the address of its page chooses later", async () => {
    await ready();
    model.assign("layer", "early");
    expect([store.traits.method.value, model.state.method, store.failure.value]).toEqual(["dots", "dots", null]);
    expect([...(store.answer.value?.tiles.get("0/0")?.values ?? [])]).toEqual(fixture.maps[1][0].flat());
    model.assign("theme", "dark");
    expect(store.traits.theme.value).toBe("dark");
  });

  it("gives way to the kernel, whatever it chose meanwhile", async () => {
    await ready();
    const { answer } = store;
    model.down({ kind: "welcome", version: 1, gen: 1, ...welcome() });
    expect(store.available.value).toBeNull();
    model.down({ kind: "queued", gen: 1 });
    expect([store.stale.value, store.status.value, answer.value?.tiles.size]).toEqual([false, "running", 2]);
    session.set({ layer: "anywhere" });
    expect(model.state.layer).toBe("anywhere");
  });

  it("that opens late does not disturb a kernel that has answered", async () => {
    model.down({ kind: "welcome", version: 1, gen: 1, ...welcome() });
    await openArchive(bytes);
    await new Promise((resolve) => setTimeout(resolve));
    expect([store.available.value, store.answer.value]).toEqual([null, null]);
  });
});

it("a spoilt archive is said, and nothing else is lost", async () => {
  const store = new Store();
  const session = new Session(fakeModel({ ...DEFAULTS, _snapshot: Uint8Array.of(1, 2, 3) }), store, new AnswerCache());
  await vi.waitFor(() => expect(store.failure.value?.message).toContain("cannot be read"));
  session.close();
});
