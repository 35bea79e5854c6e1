import { beforeEach, describe, expect, it } from "vitest";
import type { EvidenceRecord } from "../src/kernel/protocol";
import { bandPath, linePath, rangeOf } from "../src/math/chart";
import { Actions } from "../src/state/actions";
import { AnswerCache } from "../src/state/answerCache";
import { addCovered, coveredAt, coveredKey } from "../src/state/covered";
import { chosenEvidence, headlineOf, measuringText, unmeasured, whyNotMeasured } from "../src/state/evidence";
import { Session } from "../src/state/session";
import { DEFAULTS, Store } from "../src/state/store";
import { captionHeight, captionLines } from "../src/view/caption";
import { CURVES, type FakeModel, fakeModel, item, running } from "./helpers";

const record = (fields: Partial<EvidenceRecord> = {}): EvidenceRecord => ({
  ...{ image: 0, column: 0, state: "weak", headline: "No better than chance.", verdict: "Not clearly better…" },
  ...{ cover: "blur", curves: null, cells: null },
  metrics: [{ title: "Area", better: "lower", value: 0.1, control: null, sentence: "Half lies in 10 %." }],
  ...fields,
});

let model: FakeModel;
let store: Store;
let session: Session;

const answer = (gen: number, target = "top") => {
  const buffers = [Float32Array.of(1, 2, 3, 4).buffer];
  model.down(running(gen, target));
  const items = [item(), item({ image: 1, byte_offset: 8 })];
  model.down({ kind: "maps", gen, seq: gen, items }, buffers);
  model.down({ kind: "done", gen, seconds: 1, maps: 2 });
};

beforeEach(() => {
  model = fakeModel({ ...DEFAULTS, layer: "conv", method: "cam", _images: [{}, {}] });
  store = new Store();
  session = new Session(model, store, new AnswerCache());
  return () => session.close();
});

describe("what was measured", () => {
  it("goes with its answer, and comes back with it", () => {
    answer(1);
    model.down({ kind: "evidence", gen: 1, items: [record()] });
    model.down({ kind: "evidence", gen: 1, items: [record({ image: 1, state: "holds" })] });
    expect([...store.evidence.value.keys()]).toEqual(["0/0", "1/0"]);
    session.set({ target: "top-2" });
    answer(2, "top-2");
    expect(store.evidence.value.size).toBe(0);
    model.down({ kind: "evidence", gen: 1, items: [record({ headline: "Late." })] });
    expect(store.evidence.value.size).toBe(0);
    session.set({ target: "top" });
    expect(store.evidence.value.get("1/0")?.state).toBe("holds");
    expect(chosenEvidence(store)?.headline).toBe("No better than chance.");
  });

  it("leaves the maps on the screen as they are", () => {
    answer(1);
    const before = store.answer.value;
    model.down({ kind: "evidence", gen: 1, items: [record()] });
    expect(store.answer.value).toBe(before);
  });

  it("tells which images are left, with what covers now", () => {
    answer(1);
    expect(unmeasured(store, [0, 1])).toEqual([0, 1]);
    model.down({ kind: "evidence", gen: 1, items: [record({ curves: CURVES }), record({ image: 1 })] });
    expect(unmeasured(store, [0, 1])).toEqual([1]);
    store.cover.value = "mean";
    expect(unmeasured(store, [0, 1])).toEqual([0, 1]);
  });

  it("is told what it takes before it is asked for", () => {
    answer(1);
    expect(measuringText(store, 3)).toBe("");
    model.down({ kind: "costs", gen: 1, seconds: {}, refused: {}, measuring: 4 });
    expect([measuringText(store, 1), measuringText(store, 10)]).toEqual([" · ≈ 4 s", " · ≈ 40 s"]);
  });

  it("is asked for of what is in sight, and given up", () => {
    answer(1);
    const actions = new Actions(store, session);
    actions.fetchVisible([0, 1]);
    model.down({ kind: "evidence", gen: 1, items: [record({ curves: CURVES })] });
    actions.measure(store.inSight.value);
    expect(model.sent.at(-1)).toEqual({ kind: "measure", gen: 1, images: [1], cover: "blur" });
    expect(store.measuring.value).toEqual([1]);
    actions.stopMeasuring();
    expect(model.sent.at(-1)).toEqual({ kind: "measure", gen: 1, images: [], cover: "blur" });
    actions.measure([1]);
    model.down({ kind: "error", gen: 0, message: "No memory.", hint: "", traceback: "" });
    expect(store.measuring.value).toEqual([]);
    actions.coverWith("black");
    expect(model.sent.at(-1)).toEqual({ kind: "measure", gen: 1, images: [0], cover: "black" });
    session.set({ target: "top-2" });
    model.down({ kind: "queued", gen: 2 });
    expect(store.measuring.value).toEqual([]);
  });

  it("is not there without a model, a kernel, or in an old page, and says so", () => {
    answer(1);
    expect([whyNotMeasured(store), headlineOf(store, { image: 0, column: 0 })]).toEqual(["", ""]);
    const nothing = { questions: [], leftOut: 0, side: null };
    store.available.value = { ...nothing, offline: true, fromStore: true };
    expect(whyNotMeasured(store)).toContain("model");
    store.available.value = { ...nothing, offline: true, fromStore: false };
    expect(whyNotMeasured(store)).toContain("page");
    expect(headlineOf(store, { image: 0, column: 0 })).toBe("Not measured");
    store.available.value = null;
    store.status.value = "no-kernel";
    expect(whyNotMeasured(store)).toContain("kernel");
  });
});

describe("the line below a tile", () => {
  it("takes twelve pixels before anything is measured, and then", () => {
    answer(1);
    const height = () => captionHeight(captionLines(store));
    const before = height();
    expect(before - captionHeight({ ...captionLines(store), evidence: false })).toBe(12);
    model.down({ kind: "evidence", gen: 1, items: [record()] });
    expect(height()).toBe(before);
  });

  it("is not there in an old page, which has no evidence", () => {
    store.available.value = { questions: [], offline: true, fromStore: false, leftOut: 0, side: null };
    expect(captionLines(store).evidence).toBe(false);
  });
});

describe("pictures that were scored", () => {
  const place = { image: 0, column: 0, curve: "deletion", step: 1, cover: "blur" };
  const message = {
    kind: "covered" as const,
    gen: 1,
    ...place,
    share: 0.1,
    width: 2,
    height: 2,
    classes: [],
    problem: "",
  };

  it("are asked for once, and kept", () => {
    answer(1);
    const actions = new Actions(store, session);
    actions.fetchCovered(place);
    expect(model.sent.at(-1)).toEqual({ kind: "cover", gen: 1, ...place });
    const count = model.sent.length;
    model.down(message, [Uint8Array.of(1, 2, 3)]);
    expect(store.covered.value.get(coveredKey(store, place))).toMatchObject({
      data: Uint8Array.of(1, 2, 3),
    });
    actions.fetchCovered(place);
    expect(model.sent.length).toBe(count);
  });

  it("come from what was saved along the curves, where none was fetched and the same covers", () => {
    answer(1);
    const [first, second] = [1, 0].map((index) => [{ index, probability: 0.5, score: 1 }]);
    const [picture, covering, levels] = [1, 2, 3].map((byte) => Uint8Array.of(byte));
    const classes = { deletion: [first, second, second], insertion: [second, second, first] };
    store.curves.value = new Map([["0/0", { cover: "blur", picture, covering, levels, classes }]]);
    const saved = coveredAt(store, place);
    expect(saved).toMatchObject({ data: picture, classes: second, other: { data: covering, levels } });
    // At the first of two steps of deletion, what is of level 0 is covered; of insertion, all but that.
    expect([0, 1].map((level) => saved?.other?.isOther(level))).toEqual([true, false]);
    const shown = coveredAt(store, { ...place, curve: "insertion", step: 1 });
    expect([0, 1].map((level) => shown?.other?.isOther(level))).toEqual([false, true]);
    expect(coveredAt(store, { ...place, step: 0 })?.classes).toEqual(first);
    expect(coveredAt(store, { ...place, cover: "black" })).toBeUndefined();
    expect(coveredAt(store, { ...place, column: 1 })).toBeUndefined();
    addCovered(store, message, [Uint8Array.of(9)]);
    expect(coveredAt(store, place)).toMatchObject({ data: Uint8Array.of(9), classes: [] });
  });

  it("are not more than there is room for", () => {
    answer(1);
    for (let step = 0; step < 200; step++) addCovered(store, { ...message, step }, [new Uint8Array(1)]);
    expect(store.covered.value.size).toBe(66);
    expect(store.covered.value.has(coveredKey(store, { ...place, step: 199 }))).toBe(true);
  });

  it("belong to the answer that the kernel gave last", () => {
    answer(1);
    model.down({ kind: "queued", gen: 2 });
    const count = model.sent.length;
    new Actions(store, session).fetchCovered(place);
    expect(model.sent.length).toBe(count);
  });
});

describe("a chart", () => {
  const scale = { x: (x: number) => 100 * x, y: (y: number) => 100 - 100 * y };

  it("has a line with gaps where values are missing", () => {
    expect(linePath(scale, [0, 0.5, 0.75, 1], [0, 1, null, 0.5])).toBe("M0.0 100.0L50.0 0.0M100.0 50.0");
  });

  it("has a band between two lines", () => {
    expect(bandPath(scale, [0, 1], [0, 0], [1, 0.5])).toBe("M0.0 0.0L100.0 50.0L100.0 100.0L0.0 100.0Z");
    expect(bandPath(scale, [0, 1], [], [])).toBe("");
    expect(bandPath(scale, [0, 1], [0, null], [1, 1])).toBe("");
  });

  it("spans what there is", () => {
    expect(rangeOf([null, -0.5, 0.3], [0, 1])).toEqual([-0.5, 1]);
  });
});
