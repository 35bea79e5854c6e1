import { options } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { captionOf } from "../src/canvas/captions";
import { tileKey } from "../src/kernel/decode";
import type { EvidenceRecord } from "../src/kernel/protocol";
import { Actions } from "../src/state/actions";
import type { Session } from "../src/state/session";
import { currentQuestion, Store, type Traits } from "../src/state/store";
import { Caption, captionLines, RowCaption } from "../src/view/caption";
import { CellsTab } from "../src/view/cellsTab";
import { CoveringTab } from "../src/view/coveringTab";
import { EvidenceLine } from "../src/view/evidenceLine";
import { EvidenceSection } from "../src/view/evidenceSection";
import { Screen } from "./dom";
import { COLUMN, CURVES, item, predictions, welcome } from "./helpers";

const PICTURE = { name: "photos/a.png", width: 100, height: 100, box: [0, 0, 1, 1], mime: "", data: new Uint8Array() };
const RECORD: EvidenceRecord = {
  ...{ image: 0, column: 0, state: "weak", headline: "No better than chance.", verdict: "No better: 0.1 against 0.2." },
  ...{ cover: "blur", curves: CURVES, metrics: [] },
  cells: { grid: 2, losses: [0.5, -0.1, 0.2, 0], sums: [4, 1, 2, 0], correlation: null },
};

let store: Store;
let asked: unknown[];
let actions: Actions;
let screen: Screen;

function begin(traits: Partial<Traits> = {}): void {
  store = new Store({ layer: "conv", method: "cam", _images: [PICTURE, { ...PICTURE, name: "b.png" }], ...traits });
  store.constants.value = welcome({ class_names: ["cat, tabby", "dog", "cup"] });
  store.predictions.value = predictions([0.7, 0.2, 0.1], [0, 1, 0]);
  store.status.value = "done";
  asked = [];
  const session = {
    cover: (place: unknown) => asked.push(place),
    measure: (images: unknown, cover: unknown) => asked.push([images, cover]),
  };
  actions = new Actions(store, session as unknown as Session);
}

function answer(...fields: object[]): void {
  const tiles = fields.map((each, column) => {
    const map = { item: item({ column, ...each }), values: Float32Array.of(1, 2) };
    return { ...map, extent: { lo: 1, hi: 2, loAt: 0, hiAt: 1 } };
  });
  store.answer.value = {
    ...{ gen: 1, key: "" },
    columns: tiles.map(({ item: { target_name } }) => ({ ...COLUMN, target: target_name })),
    tiles: new Map(tiles.map((tile) => [tileKey(tile.item.image, tile.item.column), tile])),
  };
}

const record = (fields: Partial<EvidenceRecord> = {}) => {
  store.evidence.value = new Map([["0/0", { ...RECORD, ...fields }]]);
};
const show = (component: ConstructorParameters<typeof Screen>[0]) => {
  screen = new Screen(component);
  return screen;
};
const text = () => screen.body.textContent;

beforeEach(() => {
  begin();
  vi.stubGlobal("OffscreenCanvas", undefined);
  answer({ target: 0, target_name: "cat, tabby", probability: 0.7 });
  show(() => null);
});
afterEach(() => screen.close());

describe("the tab Covering", () => {
  const covering = (fields: Partial<EvidenceRecord> = {}) =>
    show(() => <CoveringTab {...{ store, actions }} record={{ ...RECORD, ...fields }} />);

  it("asks for the picture at its handle, and again at another one, or along the other curve", () => {
    covering();
    expect(asked).toEqual([{ image: 0, column: 0, curve: "deletion", step: 2, cover: "blur" }]);
    screen.one("slider").fire("keydown", { key: "ArrowLeft" });
    screen.one("button", /show it alone/).fire("click");
    expect(asked.slice(1)).toMatchObject([
      { curve: "deletion", step: 1 },
      { curve: "insertion", step: 1 },
    ]);
    expect(text()).toContain("Covering 50% takes the prediction.");
    expect(text()).toContain("50 % shown: the very picture that was scored");
  });

  it("says in a page without a kernel what the picture would take", () => {
    store.available.value = { questions: [], offline: true, fromStore: false, leftOut: 0, side: null };
    covering();
    expect(asked).toEqual([]);
    expect(text()).toContain("100 % covered; the picture takes the kernel, and was not kept.");
    expect(screen.one("combobox").attribute("disabled")).toBe("true");
  });

  it("has no curves where none were made", () => {
    covering({ curves: null });
    expect(text()).toBe("No curves of this map yet.");
    expect(asked).toEqual([]);
  });
});

describe("the section of the panel", () => {
  const section = () => show(() => <EvidenceSection {...{ store, actions }} />);

  it("says the state and the whole sentence, and goes from tab to tab", () => {
    record();
    section();
    expect(text()).toContain("Weak. No better: 0.1 against 0.2.");
    screen.one("tab", "Cells").fire("click");
    expect(text()).toContain("Their order cannot be compared.");
    screen.one("tab", "Covering").fire("click");
    expect(text()).toContain("it alone is shown");
  });

  it("offers to measure what nothing is known of", () => {
    store.secondsToMeasure.value = 3;
    section();
    expect(text()).toContain("Not measured.");
    screen.one("button", /Measure this/).fire("click");
    expect(asked).toEqual([[[0], "blur"]]);
  });

  it("does not wait for a kernel that is gone", () => {
    record({ curves: null });
    store.measuring.value = [0];
    store.status.value = "no-kernel";
    section();
    expect(text()).toContain("Measuring takes the kernel, which does not answer.");
    expect(text()).not.toContain("measuring…");
  });

  it("says that a store without its model is not measured", () => {
    store.available.value = { questions: [], offline: false, fromStore: true, leftOut: 0, side: null };
    section();
    expect(text()).toContain("takes the model, which is not beside the store");
  });
});

it("Cells tells of the one that is pointed at, wherever it is", () => {
  show(() => <CellsTab record={RECORD} />);
  screen.body.querySelectorAll("rect")[5].fire("pointerenter");
  expect(text()).toContain("row 1, column 2: covering it costs −0.1, the map has 1.");
  screen.body.querySelectorAll("svg")[0].fire("pointerleave");
  expect(text()).toContain("Their order cannot be compared.");
  screen.body.querySelectorAll("circle")[0].fire("pointerenter");
  expect(text()).toContain("row 1, column 1");
});

it("a line says that nothing is known yet, what is, or that it was not measured before", () => {
  show(() => <EvidenceLine store={store} image={0} column={0} />);
  expect(text().trim()).toBe("");
  act(() => record());
  expect(text()).toBe("No better than chance");
  act(() => {
    store.evidence.value = new Map();
    store.available.value = { questions: [], offline: true, fromStore: false, leftOut: 0, side: null };
  });
  expect(text()).toBe("Not measured");
});

it("a line is drawn anew where its own evidence changes, not that of another tile", () => {
  act(() => record());
  show(() => <EvidenceLine store={store} image={0} column={0} />);
  const { diffed } = options;
  let drawings = 0;
  options.diffed = (vnode) => {
    if (vnode.type === EvidenceLine) drawings += 1;
    diffed?.(vnode);
  };
  act(() => {
    store.evidence.value = new Map([...store.evidence.value, ["1/0", { ...RECORD, image: 1 }]]);
  });
  expect(drawings).toBe(0);
  act(() => record({ headline: "Better than chance." }));
  expect([drawings, text()]).toEqual([1, "Better than chance"]);
  options.diffed = diffed;
});

describe("a caption", () => {
  const caption = (width = 400, column = 0) =>
    show(() => <Caption {...{ store, width, column }} image={0} lines={captionLines(store)} />);

  it("says what is predicted, and what is explained where that is something else", () => {
    caption();
    expect(text()).toBe("predicted cat70.0 %a.png");
    answer({ target: 1, target_name: "dog", probability: 0.2 });
    begin({ target: "dog" });
    answer({ target: 1, target_name: "dog", probability: 0.2 });
    caption(60);
    expect(text()).toBe("cat70.0 %dog20.0 %a.png");
  });

  it("tells a score where there is no probability, and right from wrong in words", () => {
    begin({ labels: [1, 1], target: "dog" });
    answer({ target: 1, target_name: "dog", probability: null, score: 2.5 });
    caption();
    expect(text()).toContain("dog2.5");
    expect(text()).toContain("✗ true: dog");
    expect(captionOf(store, { image: 0, column: 0 }, [0]).map((line) => [line.text, line.figure])).toEqual([
      ["dog", "2.5"],
      ["predicted cat, tabby", "70.0 %"],
      ["✗ true: dog", ""],
      ["a.png", ""],
    ]);
  });

  it("says that it is being computed while there is no map", () => {
    begin({ target: "dog" });
    answer({ target: 1, target_name: "dog", image: 1 });
    store.status.value = "running";
    caption();
    expect(text()).toContain("computing…");
  });

  it("of a comparison has what is the tile's own, and the row what all share", () => {
    begin({ compare: "targets", compare_with: ["top", "dog"] });
    answer({ target: 0, target_name: "cat, tabby" }, { target: 1, target_name: "dog", probability: 0.2 });
    caption(400, 1);
    expect(text()).toBe("dog20.0 %");
    show(() => <RowCaption store={store} image={0} width={400} lines={captionLines(store)} />);
    expect(text()).toBe("predicted cat70.0 %a.png");
    begin({ compare: "methods", target: "dog" });
    answer({ target: 1, target_name: "dog" }, { target: 1, target_name: "dog" });
    caption(400, 1);
    expect(text()).toBe("");
    show(() => <RowCaption store={store} image={0} width={400} lines={captionLines(store)} />);
    expect(text()).toContain("dog90.0 %");
    expect(currentQuestion(store).compare).toBe("methods");
  });
});
