import { beforeEach, describe, expect, it } from "vitest";
import type { MethodRecord, RankableMethod, RankedCell, RankedMethod, RankingRecord } from "../src/kernel/protocol";
import { AnswerCache } from "../src/state/answerCache";
import {
  byFamily,
  chosenContenders,
  chosenRanking,
  compareText,
  isRanked,
  rankedImages,
  rankingSeconds,
  sortedMethods,
} from "../src/state/ranking";
import { Session } from "../src/state/session";
import { DEFAULTS, Store } from "../src/state/store";
import { COLUMN, fakeModel, item, running, welcome } from "./helpers";

const cell = (value: number | null): RankedCell => ({
  ...{ value, low: null, high: null, images: value === null ? 0 : 1, place: "", note: "" },
});
const row = (method: string, ...values: (number | null)[]): RankedMethod => ({
  ...{ method, layer: "conv", state: "holds", headline: "", relatives: [], problem: "", cells: values.map(cell) },
});
const rankable = (method: string, fields: Partial<RankableMethod> = {}): RankableMethod => ({
  ...{ method, layer: "conv", seconds: 1, size: [7, 7], chosen: true, problem: "" },
  ...fields,
});
const RECORD: RankingRecord = {
  ...{ target: "top", images: [0], cover: "blur", sentence: "", done: 3, total: 3 },
  metrics: [
    { title: "Gap", better: "higher" },
    { title: "Alike", better: "lower" },
  ],
  methods: [row("a", 0.1, 0.5), row("b", null, 0.2), row("c", 0.3, null)],
};
const TABLES = { rankable: [], image_seconds: 2, size_seconds: 10, items: [RECORD] };

let store: Store;
beforeEach(() => {
  store = new Store();
  store.answer.value = { gen: 1, key: "", columns: [{ ...COLUMN, target: "top" }], tiles: new Map() };
});

describe("the table", () => {
  const order = (metric: number) => sortedMethods(RECORD, metric).map(({ method }) => method);

  it("begins with the best by a metric, whichever way that is better, and ends with what is not told", () => {
    expect(order(0)).toEqual(["c", "a", "b"]);
    expect(order(1)).toEqual(["b", "a", "c"]);
    expect(order(7)).toEqual(["a", "b", "c"]);
  });

  it("is that of the chosen column's target", () => {
    expect(chosenRanking(store)).toBeUndefined();
    store.rankings.value = TABLES;
    expect(chosenRanking(store)).toBe(RECORD);
    store.rankings.value = { ...TABLES, items: [{ ...RECORD, target: "another" }] };
    expect(chosenRanking(store)).toBeUndefined();
  });

  it("has all that is asked for, or not", () => {
    const request = { images: [0], methods: ["a", "b", "c"], cover: "blur" };
    expect(isRanked(RECORD, request)).toBe(true);
    expect(isRanked(undefined, request)).toBe(false);
    for (const other of [{ images: [0, 1] }, { cover: "mean" }, { methods: ["a", "b", "d"] }, { methods: ["a"] }]) {
      expect(isRanked(RECORD, { ...request, ...other })).toBe(false);
    }
    expect(isRanked({ ...RECORD, done: 2 }, request)).toBe(false);
  });
});

describe("what it takes", () => {
  const methods = [rankable("a"), rankable("b", { seconds: 3 }), rankable("c", { size: [224, 224] })];
  const tables = { ...TABLES, rankable: methods };

  it("is an image's part once, random maps once a size, and each method's own", () => {
    expect(rankingSeconds(tables, ["a", "b"], 1)).toBe(2 + 10 + 1 + 3);
    expect(rankingSeconds(tables, ["a", "b", "c"], 4)).toBe(4 * (2 + 2 * 10 + 1 + 3 + 1));
  });

  it("is not told where a part of it is unknown", () => {
    expect(rankingSeconds({ ...tables, image_seconds: null }, ["a"], 1)).toBeNull();
    const slow = { ...tables, rankable: [rankable("a", { seconds: null })] };
    expect(rankingSeconds(slow, ["a"], 1)).toBeNull();
    store.rankings.value = slow;
    expect(compareText(store, ["a"], 1)).toBe("Compare 1 method");
  });

  it("is on the button", () => {
    store.rankings.value = tables;
    expect(compareText(store, ["a", "b"], 1)).toBe("Compare 2 methods · ≈ 15 s");
    expect(compareText(store, ["a", "b"], 3)).toBe("Compare 2 methods on 3 images · ≈ 50 s");
  });
});

describe("the methods", () => {
  it("are those that the kernel proposes, or those chosen, as far as the model can do them", () => {
    store.rankings.value = {
      ...TABLES,
      rankable: [rankable("a"), rankable("b", { chosen: false }), rankable("c", { problem: "No." })],
    };
    expect(chosenContenders(store)).toEqual(["a"]);
    store.contenders.value = ["b", "c"];
    expect(chosenContenders(store)).toEqual(["b"]);
  });

  it("are listed by family, in the catalogue's order", () => {
    const families = { a: "shapes", b: "edges", c: "shapes" };
    const catalogue = Object.entries(families).map(([id, family]) => ({ id, family }) as MethodRecord);
    store.constants.value = welcome({ catalogue });
    const [a, b, c] = ["a", "b", "c"].map((id) => rankable(id));
    expect(byFamily(store, [c, b, a])).toEqual([
      ["shapes", [a, c]],
      ["edges", [b]],
    ]);
  });

  it("are asked about the image in focus, or what is in sight", () => {
    store.traits.selected.value = [2];
    store.inSight.value = [1, 2];
    expect(rankedImages(store, "image")).toEqual([2]);
    expect(rankedImages(store, "rows")).toEqual([1, 2]);
  });
});

it("are being compared until the table for their target is whole, whatever was stopped for another one", () => {
  const model = fakeModel({ ...DEFAULTS, layer: "conv", method: "cam", _images: [{}] });
  const session = new Session(model, store, new AnswerCache());
  const tell = (...items: RankingRecord[]) => model.down({ kind: "rankings", gen: 1, ...TABLES, items });
  const stopped = { ...RECORD, target: "top", done: 1 };
  const of = (done: number) => ({ ...RECORD, target: "dog", done });
  model.down(running(1, "top", "dog"));
  model.down({ kind: "maps", gen: 1, seq: 1, items: [item()] }, [Float32Array.of(1, 2).buffer]);
  const request = { images: [0], methods: ["a", "b", "c"], cover: "blur" };
  session.rank({ ...request, column: 0 });
  tell(stopped);
  session.rank({ ...request, column: 0, methods: [] });
  expect(store.rankingTarget.value).toBeNull();
  session.rank({ ...request, column: 1 });
  tell(stopped);
  tell(stopped, of(2));
  expect(store.rankingTarget.value).toBe("dog");
  tell(stopped, of(3));
  expect(store.rankingTarget.value).toBeNull();
  session.close();
});
