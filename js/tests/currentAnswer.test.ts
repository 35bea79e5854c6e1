import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Answer } from "../src/kernel/decode";
import type { QuestionRecord } from "../src/kernel/protocol";
import { canonicalText } from "../src/kernel/question";
import { AnswerCache } from "../src/state/answerCache";
import { Session } from "../src/state/session";
import { currentQuestion, DEFAULTS, type Picture, Store } from "../src/state/store";
import { type FakeModel, fakeModel, item, running } from "./helpers";

const question = (target: string | number): QuestionRecord =>
  currentQuestion(new Store({ layer: "conv", method: "cam", target }));
const answer = (key: string, count = 2): Answer => ({
  key,
  columns: [],
  tiles: new Map([
    ["0/0", { item: item(), values: new Float32Array(count), extent: { lo: 0, hi: 0, least: 0 } as never }],
  ]),
});

describe("cached answers", () => {
  it("are found by their question, whatever the order of its parts", () => {
    const answers = new AnswerCache();
    answers.add({ ...question("dog"), params: { a: 1, b: { c: 2, d: [3] } } }, answer("k"));
    const params = { b: { d: [3], c: 2 }, a: 1 };
    expect(answers.find({ ...question("dog"), params })?.key).toBe("k");
    expect(answers.find({ ...question("dog"), params: { ...params, a: 2 } })).toBeUndefined();
    expect(answers.find({ ...question(1), params })).toBeUndefined();
    expect(canonicalText({ a: [2, 1] })).not.toBe(canonicalText({ a: [1, 2] }));
  });

  it("go, the one used least recently first, beyond so many bytes; the last one stays", () => {
    const answers = new AnswerCache(32);
    for (const name of ["a", "b", "c", "d"]) answers.add(question(name), answer(name));
    answers.find(question("a"));
    answers.add(question("e"), answer("e"));
    expect(answers.keys()).toEqual(["c", "d", "a", "e"]);
    answers.add(question("f"), answer("f", 100));
    expect(answers.keys()).toEqual(["f"]);
  });
});

describe("a view", () => {
  let model: FakeModel;
  let store: Store;
  let session: Session;
  let answers: AnswerCache;
  const bytes = (...values: number[]) => [Float32Array.from(values).buffer];
  const shown = () => [...(store.answer.value?.tiles.get("0/0")?.values ?? [])];
  const last = () => model.sent.at(-1);

  function answer(gen: number, target: string, ...values: number[]) {
    model.down(running(gen, target));
    if (values.length === 0) return;
    model.down({ kind: "maps", gen, seq: gen, items: [item()] }, bytes(...values));
    model.down({ kind: "done", gen, seconds: 1, maps: 1 });
  }

  beforeEach(() => {
    vi.useFakeTimers();
    const { layer, method } = { layer: "conv", method: "cam" };
    model = fakeModel({ ...DEFAULTS, layer, method, target: "cat", _images: [{} as Picture] });
    store = new Store();
    answers = new AnswerCache();
    session = new Session(model, store, answers);
    answer(1, "cat", 1, 2);
    session.set({ target: "dog" });
    answer(2, "dog", 3, 4);
  });
  afterEach(() => {
    session.close();
    vi.useRealTimers();
  });

  it("shows at once what was answered before, and is not stale while the kernel follows", () => {
    session.set({ target: "cat" });
    expect([shown(), store.stale.value]).toEqual([[1, 2], false]);
    expect(store.answer.value?.columns[0].target).toBe("cat");
    model.down({ kind: "queued", gen: 3 });
    expect([shown(), store.stale.value]).toEqual([[1, 2], false]);
    model.down({ ...running(3, "cat"), held: true });
    model.down({ kind: "done", gen: 3, seconds: 1, maps: 1 });
    expect([shown(), store.stale.value, store.status.value]).toEqual([[1, 2], false, "done"]);
    expect(store.answer.value?.gen).toBe(3);
  });

  it("shows what the kernel asked itself, without maps on the way", () => {
    model.assign("target", "cat");
    model.down({ kind: "queued", gen: 3 });
    expect([shown(), store.stale.value]).toEqual([[3, 4], true]);
    model.down({ ...running(3, "cat"), held: true });
    expect([shown(), store.stale.value]).toEqual([[1, 2], false]);
  });

  it("does not pass maps of older weights off as the answer", () => {
    session.set({ target: "cat" });
    model.down({ ...running(3, "cat"), key: "trained" });
    expect([shown(), store.stale.value]).toEqual([[1, 2], true]);
    model.down({ kind: "maps", gen: 3, seq: 3, items: [item()] }, bytes(7, 8));
    expect([shown(), store.stale.value]).toEqual([[7, 8], false]);
  });

  it("asks for the maps that it was taken to have", () => {
    model.down({ ...running(3, "bird"), held: true });
    expect(last()).toEqual({ kind: "miss", gen: 3 });
    expect(store.stale.value).toBe(true);
  });

  it("keeps what comes ahead, and acknowledges it", () => {
    const { key, asked: question, columns } = running(9, "bird");
    const items = [item({ byte_offset: 8 })];
    const message = { kind: "ahead", seq: 12, answers: [{ key, asked: question, columns, items }] };
    model.down(message, bytes(0, 0, 5, 6));
    expect([shown(), last()]).toEqual([[3, 4], { kind: "ack", seq: 12 }]);
    session.set({ target: "bird" });
    expect(shown()).toEqual([5, 6]);
  });

  it("keeps apart what still comes of a question and what it shows meanwhile for another one", () => {
    const part = (seq: number, partial: boolean, ...values: number[]) =>
      model.down({ kind: "maps", gen: 3, seq, items: [item({ partial })] }, bytes(...values));
    session.set({ target: "bird" });
    model.down(running(3, "bird"));
    part(3, true, 5, 0);
    session.set({ target: "cat" });
    expect(shown()).toEqual([1, 2]);
    part(4, false, 5, 6);
    model.down({ kind: "done", gen: 3, seconds: 1, maps: 1 });
    expect([shown(), store.stale.value]).toEqual([[1, 2], false]);
    expect(answers.find(question("bird"))?.tiles.get("0/0")?.values).toEqual(Float32Array.of(5, 6));
    expect(answers.find(question("cat"))?.tiles.get("0/0")?.values).toEqual(Float32Array.of(1, 2));
  });

  it.each([
    ["asks it again", () => session.set({ target: "bird" })],
    ["is given it back by the kernel", () => model.assign("target", "bird")],
  ])("shows what has come of a question when it %s", (_, back) => {
    session.set({ target: "bird" });
    model.down(running(3, "bird"));
    const items = [item({ partial: true })];
    model.down({ kind: "maps", gen: 3, seq: 3, items }, bytes(5, 0));
    session.set({ target: "cat" });
    back();
    expect(shown()).toEqual([5, 0]);
  });

  it("keeps no answer that is partial or has gaps", () => {
    model.down(running(3, "bird"));
    const items = [item({ partial: true })];
    model.down({ kind: "maps", gen: 3, seq: 3, items }, bytes(1, 1));
    model.down({ kind: "done", gen: 3, seconds: 1, maps: 1 });
    model.down(running(4, "cup", "can"));
    model.down({ kind: "maps", gen: 4, seq: 4, items: [item()] }, bytes(1, 1));
    model.down({ kind: "done", gen: 4, seconds: 1, maps: 2 });
    expect(answers.keys()).toEqual(["cat", "dog"]);
  });

  it("that is opened later says what is there, and has it", () => {
    const other = new Session(model, new Store(), answers);
    expect(last()).toMatchObject({ kind: "hello", have: ["cat", "dog"] });
    other.close();
  });

  it("tells whether it can be seen, and that it is gone", () => {
    const { view } = model.sent[0];
    session.setVisible(false);
    expect(last()).toEqual({ kind: "seen", view, visible: false });
    session.setVisible(true);
    session.close();
    expect(model.sent.slice(-2)).toEqual([
      { kind: "seen", view, visible: true },
      { kind: "seen", view, visible: false },
    ]);
  });

  it("puts predictions together that come in parts", () => {
    const part = { kind: "predictions", model: "", shape: [2, 2], best: [1, 0] };
    model.down({ ...part, first: 0 }, bytes(0.25, 0.75));
    model.down({ ...part, first: 1 }, bytes(1, 0));
    expect([...(store.predictions.value?.values ?? [])]).toEqual([0.25, 0.75, 1, 0]);
  });
});
