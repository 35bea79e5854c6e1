import { afterEach, expect, it } from "vitest";
import type { MethodRecord, RankableMethod, RankedCell, RankedMethod, RankingRecord } from "../src/kernel/protocol";
import { Actions } from "../src/state/actions";
import type { Session } from "../src/state/session";
import { Store } from "../src/state/store";
import { RankingTab } from "../src/view/rankingTab";
import { Screen } from "./dom";
import { COLUMN, welcome } from "./helpers";

const cell = (value: number | null, fields: Partial<RankedCell> = {}): RankedCell => ({
  ...{ value, low: null, high: null, images: value === null ? 0 : 1, place: "", note: "" },
  ...fields,
});
const row = (id: string, cells: RankedCell[], fields: Partial<RankedMethod> = {}): RankedMethod => ({
  ...{ method: id, layer: "conv", state: "holds", headline: "Holds.", relatives: [], problem: "", cells },
  ...fields,
});
const RECORD: RankingRecord = {
  ...{ target: "top", images: [0], cover: "mean", sentence: "Blobs holds; Rings does not.", done: 3, total: 3 },
  metrics: [
    { title: "Gap", better: "higher" },
    { title: "Alike", better: "lower" },
  ],
  methods: [
    row("rings", [cell(0.1), cell(0.2, { place: "best" })], { relatives: ["Blobs"] }),
    row("blobs", [cell(0.5, { place: "best", low: 0.4, high: 0.6 }), cell(null, { note: "It is flat." })]),
    row("tokens", [], { problem: "it needs attention" }),
  ],
};
const rankable = (id: string, fields: Partial<RankableMethod> = {}): RankableMethod => ({
  ...{ method: id, layer: "conv", seconds: 1, size: [7, 7], chosen: true, problem: "" },
  ...fields,
});
const TITLES = { rings: "Rings", blobs: "Blobs", tokens: "Tokens" };
const CATALOGUE = Object.entries(TITLES).map(([id, title]) => ({ id, title, family: "shapes" }) as MethodRecord);
const RANKABLE = [
  rankable("rings"),
  rankable("blobs", { chosen: false }),
  rankable("tokens", { problem: "no tokens" }),
];

let store: Store;
let sent: unknown[];
let screen: Screen;

/** Draws the tab over a store that is prepared further. */
function show(items: RankingRecord[] = [], prepare: () => void = () => {}) {
  store = new Store({ layer: "conv", method: "rings" });
  store.constants.value = welcome({ catalogue: CATALOGUE });
  store.answer.value = { gen: 1, key: "", columns: [{ ...COLUMN, method: "rings", target: "top" }], tiles: new Map() };
  store.status.value = "done";
  store.rankings.value = { rankable: RANKABLE, image_seconds: 2, size_seconds: 1, items };
  prepare();
  sent = [];
  const session = { rank: (request: unknown) => sent.push(request), set: (traits: unknown) => sent.push(traits) };
  const actions = new Actions(store, session as unknown as Session);
  screen = new Screen(() => <RankingTab store={store} actions={actions} />);
}

const rows = () =>
  screen.body
    .querySelectorAll("tr")
    .slice(1)
    .map((each) => each.textContent);

afterEach(() => screen.close());

it("says what comparing takes, and asks for the methods that are chosen", () => {
  show();
  screen.one("button", "Compare 1 method · ≈ 4 s").fire("click");
  expect(sent).toEqual([{ column: 0, images: [0], methods: ["rings"], cover: "blur" }]);
  const [rings, blobs, tokens] = screen.all("checkbox");
  expect([rings.checked, tokens.attribute("disabled")]).toEqual([true, "true"]);
  blobs.fire("change");
  expect(screen.text).toContain("Compare 2 methods · ≈ 5 s");
  rings.fire("change");
  blobs.fire("change");
  expect(screen.text).toContain("Choose methods to compare");
});

it("compares the rows in sight where there are several", () => {
  show([], () => {
    store.inSight.value = [2, 5];
  });
  screen.one("button", "rows in sight").fire("click");
  screen.one("button", /^Compare 1 method on 2 images/).fire("click");
  expect(sent).toEqual([{ column: 0, images: [2, 5], methods: ["rings"], cover: "blur" }]);
});

it("stops on request, and says how far it is", () => {
  show([{ ...RECORD, done: 1 }], () => {
    store.rankingTarget.value = "top";
  });
  expect(screen.text).toContain("comparing, 1 of 3 maps done");
  screen.one("button", "Stop").fire("click");
  expect(sent).toEqual([{ column: 0, images: [], methods: [], cover: "blur" }]);
});

it("shows the table, sorts it by a metric, and takes a method", () => {
  show([RECORD]);
  expect(screen.text).toContain("Blobs holds; Rings does not.");
  expect(screen.text).toContain("this image, covered with the mean colour");
  expect(rows()).toEqual(["Blobs★ 0.50.4 to 0.6–", "Rings∼0.1★ 0.2", "Tokensit needs attention"]);
  screen.one("button", "Alike ↓").fire("click");
  expect(rows()[0]).toContain("Rings");
  expect(screen.all("img", "relative of Blobs")).toHaveLength(1);
  screen.one("button", "Blobs").fire("click");
  expect(sent).toEqual([expect.objectContaining({ method: "blobs", layer: "conv", params: {} })]);
  expect(screen.one("button", "Tokens").attribute("disabled")).toBe("true");
});

it("tells of several images that their means are shown", () => {
  show([{ ...RECORD, images: [0, 1, 2], cover: "blur" }]);
  expect(screen.text).toContain("3 images, covered with blur; means, and their intervals of 95 %");
});
