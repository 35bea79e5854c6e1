import { signal } from "@preact/signals";
import { type ComponentChild, h, type VNode } from "preact";
import { beforeEach, describe, expect, it } from "vitest";
import type { CellsRecord, CurvesRecord, EvidenceRecord } from "../src/kernel/protocol";
import type { Actions } from "../src/state/actions";
import { STATES } from "../src/state/evidence";
import { type CoveredPicture, Store } from "../src/state/store";
import { CellGrid, cellText, Scatter } from "../src/view/cellsTab";
import { CoveredClasses } from "../src/view/coveredView";
import { Legend, stepText } from "../src/view/coveringTab";
import { CurveChart, Curves } from "../src/view/curveChart";
import { EvidenceText } from "../src/view/evidenceLine";
import { Measuring, MetricNumbers } from "../src/view/evidenceSection";
import { Tabs } from "../src/view/tabs";
import { COLUMN, CURVES, welcome } from "./helpers";

type Element = VNode<Record<string, unknown>>;

/** All elements that a component without hooks draws, and its texts. */
function drawn(child: ComponentChild): { elements: Element[]; texts: string[] } {
  if (Array.isArray(child)) {
    const parts = child.map(drawn);
    return { elements: parts.flatMap((part) => part.elements), texts: parts.flatMap((part) => part.texts) };
  }
  if (child === null || child === undefined || typeof child === "boolean") return { elements: [], texts: [] };
  if (typeof child !== "object") return { elements: [], texts: [String(child)] };
  const node = child as Element;
  if (typeof node.type === "function") {
    return drawn((node.type as (props: unknown) => ComponentChild)(node.props));
  }
  const inside = drawn(node.props.children as ComponentChild);
  return { ...inside, elements: [node, ...inside.elements] };
}

const text = (child: ComponentChild) => drawn(child).texts.join("");
const all = (child: ComponentChild, type: string) => drawn(child).elements.filter((element) => element.type === type);

const CELLS: CellsRecord = { grid: 2, losses: [0.5, -0.1, null, 0], sums: [4, 1, 2, 0], correlation: 0.4 };

const record: EvidenceRecord = {
  ...{ image: 0, column: 0, state: "weak", headline: "", verdict: "", cover: "blur", curves: CURVES, cells: CELLS },
  metrics: [
    { title: "Area", better: "lower", value: 0.125, control: null, sentence: "An eighth." },
    { title: "Gap", better: "higher", value: null, control: [0, 0.25], sentence: "Gap: not told." },
  ],
};

describe("curves", () => {
  const draw = (curves: CurvesRecord, curve: "deletion" | "insertion", at: number) => h(Curves, { curves, curve, at });

  it("have a handle on the chosen one, and a mark where the prediction changes", () => {
    const [handle] = all(draw(CURVES, "deletion", 1), "circle");
    const [other] = all(draw(CURVES, "insertion", 1), "circle");
    expect(handle.props.cx).toBe(other.props.cx);
    expect(handle.props.cy as number).toBeGreaterThan(other.props.cy as number);
    const marks = all(draw(CURVES, "deletion", 1), "path").filter(({ props }) => props.class === "mark-at");
    expect(marks.map(({ props }) => props["data-curve"])).toEqual(["deletion"]);
  });

  it("tell percent of a probability, and no unit of a score", () => {
    expect(drawn(draw(CURVES, "deletion", 0)).texts.slice(0, 3)).toEqual(["0 %", "100 %", "0"]);
    const scores = { ...CURVES, value: "score" as const, deletion: [1, null, 0], random_low: [], random_high: [] };
    expect(drawn(draw(scores, "deletion", 0)).texts.slice(0, 2)).toEqual(["0", "1"]);
    expect(all(draw(scores, "deletion", 1), "circle")).toEqual([]);
    expect(text(h(Legend, { curves: scores }))).not.toContain("random");
    expect(text(h(Legend, { curves: CURVES }))).toContain("random orders");
  });

  it("are told in words", () => {
    const store = new Store();
    store.constants.value = welcome({ class_names: ["cat", "dog"] });
    const classes = [{ index: 1, probability: 0.2, score: 1 }];
    const picture = { classes, mime: "", data: new Uint8Array(), problem: "" };
    expect(stepText(store, CURVES, "deletion", 1, picture satisfies CoveredPicture)).toBe(
      "50 % covered, 20.0 %, dog first",
    );
    expect(stepText(store, { ...CURVES, value: "score" }, "insertion", 2)).toBe("100 % shown, 0.90 of the score");
    expect(stepText(store, { ...CURVES, deletion: [null] }, "deletion", 0)).toBe("0 % covered");
  });
});

describe("the handle", () => {
  const step = signal(1);
  const slider = () =>
    all(h(CurveChart, { curves: CURVES, curve: "deletion", step, at: step.value, words: "" }), "div")[0];
  const act = (name: string, event: object) => (slider().props[name] as (event: object) => void)(event);

  it("goes by keys, as a slider does, and no farther than the ends", () => {
    const press = (key: string) => {
      let isTaken = false;
      act("onKeyDown", {
        key,
        preventDefault: () => {
          isTaken = true;
        },
      });
      return [step.value, isTaken];
    };
    expect(["ArrowLeft", "ArrowLeft", "ArrowUp", "End", "ArrowRight", "PageDown", "Tab"].map(press)).toEqual([
      [0, true],
      [0, true],
      [1, true],
      [2, true],
      [2, true],
      [0, true],
      [0, false],
    ]);
    expect(slider().props).toMatchObject({ role: "slider", "aria-valuenow": 0, "aria-valuemax": 2 });
  });

  it("goes with the pointer that has taken it", () => {
    let captured = -1;
    const currentTarget = {
      setPointerCapture: (id: number) => {
        captured = id;
      },
      hasPointerCapture: (id: number) => id === captured,
      getBoundingClientRect: () => ({ left: 0, width: 318 }),
    };
    const at = (type: string, clientX: number) => ({ type, clientX, pointerId: 7, currentTarget });
    act("onPointerMove", at("pointermove", 300));
    expect(step.value).toBe(0);
    act("onPointerDown", at("pointerdown", 170));
    expect(step.value).toBe(1);
    act("onPointerMove", at("pointermove", 900));
    expect(step.value).toBe(2);
  });
});

it("tabs go round by arrows, and take the focus along", () => {
  const chosen = signal("a");
  const focused: string[] = [];
  const tabs = ["a", "b"].map((id) => ({ id, label: id, title: id }));
  const draw = () => h(Tabs, { tabs, chosen, label: "tabs", children: chosen.value });
  const press = (key: string) => {
    const querySelector = (selector: string) => ({ focus: () => focused.push(selector) });
    const [, list] = all(draw(), "div");
    (list.props.onKeyDown as (event: object) => void)({
      key,
      currentTarget: { querySelector },
      preventDefault: () => {},
    });
  };
  for (const key of ["ArrowRight", "ArrowRight", "ArrowLeft", "Enter"]) press(key);
  expect(focused.map((selector) => selector.slice(11, 12))).toEqual(["b", "a", "b"]);
  const buttons = all(draw(), "button");
  expect(buttons.map(({ props }) => [props["aria-selected"], props.tabIndex])).toEqual([
    [false, -1],
    [true, 0],
  ]);
  (buttons[0].props.onClick as () => void)();
  expect(text(draw())).toBe("aba");
});

describe("cells", () => {
  it("are as strong as their values, and those below zero look otherwise", () => {
    const grid = h(CellGrid, { title: "loss", grid: 2, values: CELLS.losses, pointed: signal(0) });
    const rects = all(grid, "rect");
    expect(rects.map(({ props }) => (props.style as Record<string, number>)["--strength"])).toEqual([1, 0.2, 0, 0]);
    expect(rects.map(({ props }) => props["data-below"])).toEqual([undefined, true, undefined, undefined]);
    expect(rects.map(({ props }) => props["data-pointed"])).toEqual([true, undefined, undefined, undefined]);
    expect(all(grid, "svg")[0].props["aria-label"]).toBe("loss, row by row: 0.5, −0.1, –, 0");
  });

  it("are points, and pointing at one points at it everywhere", () => {
    const pointed = signal<number | null>(null);
    const scatter = () => h(Scatter, { cells: CELLS, pointed });
    const points = all(scatter(), "circle");
    expect(points).toHaveLength(3);
    (points[1].props.onPointerEnter as () => void)();
    expect(pointed.value).toBe(1);
    expect(all(scatter(), "circle").map(({ props }) => props["data-pointed"])).toEqual([undefined, true, undefined]);
    (all(scatter(), "svg")[0].props.onPointerLeave as () => void)();
    expect(pointed.value).toBe(null);
    expect(cellText(CELLS, 1)).toBe("row 1, column 2: covering it costs −0.1, the map has 1.");
    expect(all(scatter(), "svg")[0].props["aria-label"]).toContain("ρ 0.4");
    const untold = h(Scatter, { cells: { ...CELLS, sums: [0, 0, 0, 0], correlation: null }, pointed });
    expect(all(untold, "svg")[0].props["aria-label"]).toContain("cannot be compared");
  });
});

it("numbers have their random maps and their direction", () => {
  const rows = all(h(MetricNumbers, { record }), "dd").map(text);
  expect(rows).toEqual(["0.125 · lower is better", "–, random 0 ± 0.25 · higher is better"]);
});

describe("what can be measured", () => {
  let store: Store;
  let asked: unknown[];
  const actions = { measure: (images: unknown) => asked.push(images), stopMeasuring: () => asked.push("stop") };
  const draw = () => h(Measuring, { store, actions: actions as unknown as Actions });
  const buttons = () => all(draw(), "button");

  beforeEach(() => {
    store = new Store({ _images: Array(3).fill({}) });
    store.answer.value = { gen: 1, key: "", columns: [{ ...COLUMN, target: "top" }], tiles: new Map() };
    store.status.value = "done";
    store.inSight.value = [0, 1, 2];
    asked = [];
  });

  it("is this image, and all in sight", () => {
    store.secondsToMeasure.value = 4;
    expect(buttons().map(text)).toEqual(["Measure this · ≈ 4 s", "Measure all in sight · ≈ 10 s"]);
    for (const { props } of buttons()) (props.onClick as () => void)();
    expect(asked).toEqual([[0], [0, 1, 2]]);
    store.evidence.value = new Map([["0/0", record]]);
    expect(buttons().map(text)).toEqual(["Measure all in sight · ≈ 8 s"]);
    store.status.value = "running";
    expect(text(draw())).toBe("");
  });

  it("says how far it is, and can be stopped", () => {
    store.evidence.value = new Map([["0/0", record]]);
    store.measuring.value = [0, 1];
    expect(text(draw())).toBe("measuring, 1 of 2 doneStop");
    (buttons()[0].props.onClick as () => void)();
    expect(asked).toEqual(["stop"]);
    store.measuring.value = [1];
    expect(text(draw())).toContain("measuring…");
  });

  it("is nothing without a kernel, and the image in focus alone of a store", () => {
    const facts = { images: 3, predicted: Int32Array.of(0, 0, 0), labels: new Int32Array(0), numbers: [] };
    store.stored.value = { ...facts, confidence: new Float32Array(3), scores: new Float32Array(3) };
    expect(buttons().map(text)).toEqual(["Measure this"]);
    store.status.value = "no-kernel";
    expect(text(draw())).toContain("kernel");
    store.evidence.value = new Map([["0/0", record]]);
    expect(text(draw())).toBe("");
  });
});

it("the line below a tile has a shape for each state, and the sentence as its tooltip", () => {
  const states = Object.keys(STATES) as EvidenceRecord["state"][];
  const shapes = states.map((state) => {
    const line = h(EvidenceText, { record: { ...record, state, verdict: "Why." }, text: "Few words" });
    expect(drawn(line).elements[0].props.title).toBe(`${STATES[state]}: Why.`);
    return all(line, "path")[0].props.d;
  });
  expect(new Set(shapes).size).toBe(4);
  const nothing = h(EvidenceText, { record: undefined, text: "" });
  expect([text(nothing), all(nothing, "svg").length]).toEqual(["\u00a0", 0]);
});

it("the classes of a covered picture have probabilities, or else scores", () => {
  const store = new Store();
  store.constants.value = welcome({ class_names: ["cat", "dog"] });
  const classes = [
    { index: 1, probability: 0.25, score: 1 },
    { index: 0, probability: null, score: -1.5 },
  ];
  const rows = all(h(CoveredClasses, { store, classes }), "li");
  expect(rows.map(text)).toEqual(["dog25.0 %", "cat−1.5"]);
});
