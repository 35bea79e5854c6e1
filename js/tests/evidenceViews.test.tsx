import { signal } from "@preact/signals";
import type { ComponentChild } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CellsRecord, CurvesRecord, EvidenceRecord } from "../src/kernel/protocol";
import type { Actions } from "../src/state/actions";
import { STATES } from "../src/state/evidence";
import { type CoveredPicture, Store } from "../src/state/store";
import { CellGrid, cellText, Scatter } from "../src/view/cellsTab";
import { CoveredClasses } from "../src/view/coveredView";
import { EndsText, Legend, stepText } from "../src/view/coveringTab";
import { CurveChart, type CurveName, Curves } from "../src/view/curveChart";
import { EvidenceText } from "../src/view/evidenceLine";
import { Measuring, MetricNumbers } from "../src/view/evidenceSection";
import { Tabs } from "../src/view/tabs";
import { Screen } from "./dom";
import { COLUMN, CURVES, item, welcome } from "./helpers";

let screen: Screen;
beforeEach(() => {
  screen = new Screen(() => null);
});
afterEach(() => screen.close());

/** Draws a component in place of the one before. */
function show(component: () => ComponentChild): Screen {
  screen.close();
  screen = new Screen(component);
  return screen;
}
const all = (tag: string) => screen.body.querySelectorAll(tag);
const attributes = (tag: string, name: string) => all(tag).map((element) => element.attribute(name));
const texts = (tag: string) => all(tag).map((element) => element.textContent);

const CELLS: CellsRecord = { grid: 2, losses: [0.5, -0.1, null, 0], sums: [4, 1, 2, 0], correlation: 0.4 };

const record: EvidenceRecord = {
  ...{ image: 0, column: 0, state: "weak", headline: "", verdict: "", cover: "blur", curves: CURVES, cells: CELLS },
  metrics: [
    { title: "Area", better: "lower", value: 0.125, control: null, sentence: "An eighth." },
    { title: "Gap", better: "higher", value: null, control: [0, 0.25], sentence: "Gap: not told." },
  ],
};

describe("curves", () => {
  const draw = (curves: CurvesRecord, curve: CurveName, at: number) =>
    show(() => <Curves {...{ curves, curve, at }} />);
  const handle = (curve: CurveName) => {
    draw(CURVES, curve, 1);
    const [circle] = all("circle");
    return [circle.attribute("cx"), Number(circle.attribute("cy"))] as const;
  };

  it("have a handle on the chosen one, and a mark where the prediction changes", () => {
    const [[x, y], [otherX, otherY]] = [handle("deletion"), handle("insertion")];
    expect(x).toBe(otherX);
    expect(y).toBeGreaterThan(otherY);
    const marks = all("path").filter((path) => path.attribute("class") === "mark-at");
    expect(marks.map((path) => path.attribute("data-curve"))).toEqual(["deletion"]);
  });

  it("tell percent of a probability, and no unit of a score", () => {
    draw(CURVES, "deletion", 0);
    expect(texts("text")).toEqual(["0 %", "100 %", "0 %", "50 %", "100 % of the picture"]);
    const scores = { ...CURVES, value: "score" as const, deletion: [1, null, 0], random_low: [], random_high: [] };
    draw(scores, "deletion", 1);
    expect(texts("text").slice(0, 2)).toEqual(["0", "1"]);
    expect(all("circle")).toEqual([]);
    draw({ ...scores, ends: [27.128, -5] }, "deletion", 1);
    expect(texts("text").slice(0, 2)).toEqual(["27.13", "−5"]);
    expect(show(() => <Legend curves={scores} />).text).not.toContain("random");
    expect(show(() => <Legend curves={CURVES} />).text).toContain("random orders");
  });

  it("of a value tell it in its unit at both ends and at each step, and need no picture for that", () => {
    const store = new Store();
    store.constants.value = welcome({ class_names: ["age"], predicts: "value", units: ["years"] });
    const value = { target: 0, target_name: "age", probability: null, unit: "years" };
    const map = { item: item(value), values: Float32Array.of(0), extent: { lo: 0, hi: 0, loAt: 0, hiAt: 0 } };
    store.answer.value = { gen: 1, key: "", columns: [{ ...COLUMN, target: "age" }], tiles: new Map([["0/0", map]]) };
    const curves = { ...CURVES, value: "score" as const, deletion: [1, 0.25, 0], ends: [20, 60] };
    expect(stepText(store, curves, "deletion", 1)).toBe("50 % covered, age 30\u00a0years");
    expect(show(() => <EndsText store={store} curves={curves} />).text).toBe(
      "age: 60\u00a0years, with all of it covered 20\u00a0years",
    );
    expect(show(() => <EndsText store={store} curves={CURVES} />).text).toBe("");
    expect(stepText(store, { ...curves, ends: [] }, "deletion", 1)).toBe("50 % covered, 0.25 of the score");
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
  beforeEach(() => {
    show(() => <CurveChart curves={CURVES} curve="deletion" step={step} at={step.value} words="" />);
  });

  it("goes by keys, as a slider does, and no farther than the ends", () => {
    const press = (key: string) => {
      const isTaken = !screen.one("slider").fire("keydown", { key });
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
    const slider = screen.one("slider");
    expect([slider.attribute("aria-valuenow"), slider.attribute("aria-valuemax")]).toEqual(["0", "2"]);
  });

  it("goes with the pointer that has taken it", () => {
    const point = (type: string, clientX: number) => {
      screen.one("slider").fire(type, { clientX, pointerId: 7 });
      return step.value;
    };
    expect(point("pointermove", 190)).toBe(0);
    expect(point("pointerdown", 110)).toBe(1);
    expect(point("pointermove", 600)).toBe(2);
  });
});

it("tabs go round by arrows, and take the focus along", () => {
  const chosen = signal("a");
  const tabs = ["a", "b"].map((id) => ({ id, label: id, title: id }));
  show(() => (
    <Tabs tabs={tabs} chosen={chosen} label="tabs">
      {chosen.value}
    </Tabs>
  ));
  const press = (key: string) => {
    screen.one("tablist").fire("keydown", { key });
    return screen
      .all("tab")
      .map((tab) => [tab.attribute("aria-selected"), tab.attribute("tabIndex"), tab.matches(":focus")]);
  };
  const first = [
    ["true", "0", true],
    ["false", "-1", false],
  ];
  const second = [
    ["false", "-1", false],
    ["true", "0", true],
  ];
  expect(["ArrowRight", "ArrowRight", "ArrowLeft", "Enter"].map(press)).toEqual([second, first, second, second]);
  const chosenBy = (name: string, type: string, fields: object = {}) => {
    screen.one("tab", name).fire(type, fields);
    return screen.one("tabpanel").textContent;
  };
  expect(chosenBy("a", "click")).toBe("a");
  // A finger that scrolls presses too.
  expect(chosenBy("b", "pointerdown", { pointerType: "touch", button: 0 })).toBe("a");
  expect(chosenBy("b", "pointerdown", { pointerType: "mouse", button: 2 })).toBe("a");
  expect(chosenBy("b", "pointerdown", { pointerType: "mouse", button: 0 })).toBe("b");
});

describe("cells", () => {
  it("are as strong as their values, and those below zero look otherwise", () => {
    show(() => <CellGrid title="loss" grid={2} values={CELLS.losses} pointed={signal(0)} />);
    expect(all("rect").map(({ styles }) => styles.get("--strength"))).toEqual([1, 0.2, 0, 0]);
    expect(attributes("rect", "data-below")).toEqual([undefined, "true", undefined, undefined]);
    expect(attributes("rect", "data-pointed")).toEqual(["true", undefined, undefined, undefined]);
    expect(attributes("svg", "aria-label")).toEqual(["loss, row by row: 0.5, −0.1, –, 0"]);
  });

  it("are points, and pointing at one points at it everywhere", () => {
    const pointed = signal<number | null>(null);
    show(() => <Scatter cells={CELLS} pointed={pointed} />);
    expect(all("circle")).toHaveLength(3);
    all("circle")[1].fire("pointerenter");
    expect(pointed.value).toBe(1);
    expect(attributes("circle", "data-pointed")).toEqual([undefined, "true", undefined]);
    all("svg")[0].fire("pointerleave");
    expect(pointed.value).toBe(null);
    expect(cellText(CELLS, 1)).toBe("row 1, column 2: covering it costs −0.1, the map has 1.");
    expect(all("svg")[0].attribute("aria-label")).toContain("ρ 0.4");
    show(() => <Scatter cells={{ ...CELLS, sums: [0, 0, 0, 0], correlation: null }} pointed={pointed} />);
    expect(all("svg")[0].attribute("aria-label")).toContain("cannot be compared");
  });
});

it("numbers have their random maps and their direction", () => {
  show(() => <MetricNumbers record={record} />);
  expect(texts("dd")).toEqual(["0.125 · lower is better", "–, random 0 ± 0.25 · higher is better"]);
});

describe("what can be measured", () => {
  let store: Store;
  let asked: unknown[];
  const actions = { measure: (images: unknown) => asked.push(images), stopMeasuring: () => asked.push("stop") };
  const measured = () => {
    store.evidence.value = new Map([["0/0", record]]);
  };

  beforeEach(() => {
    store = new Store({ _images: Array(3).fill({}) });
    store.answer.value = { gen: 1, key: "", columns: [{ ...COLUMN, target: "top" }], tiles: new Map() };
    store.status.value = "done";
    store.inSight.value = [0, 1, 2];
    asked = [];
    show(() => <Measuring store={store} actions={actions as unknown as Actions} />);
  });

  it("is this image, and all in sight", () => {
    act(() => {
      store.secondsToMeasure.value = 4;
    });
    expect(texts("button")).toEqual(["Measure this · ≈ 4 s", "Measure all in sight · ≈ 10 s"]);
    for (const button of all("button")) button.fire("click");
    expect(asked).toEqual([[0], [0, 1, 2]]);
    act(measured);
    expect(texts("button")).toEqual(["Measure all in sight · ≈ 8 s"]);
    act(() => {
      store.status.value = "running";
    });
    expect(screen.text).toBe("");
  });

  it("says how far it is, and can be stopped", () => {
    act(measured);
    act(() => {
      store.measuring.value = [0, 1];
    });
    expect(screen.text).toBe("measuring, 1 of 2 doneStop");
    screen.one("button").fire("click");
    expect(asked).toEqual(["stop"]);
    act(() => {
      store.measuring.value = [1];
    });
    expect(screen.text).toContain("measuring…");
  });

  it("is nothing without a kernel, and the image in focus alone of a store", () => {
    const facts = { images: 3, predicted: Int32Array.of(0, 0, 0), labels: new Int32Array(0), numbers: [] };
    act(() => {
      store.stored.value = { ...facts, confidence: new Float32Array(3), scores: new Float32Array(3) };
    });
    expect(texts("button")).toEqual(["Measure this"]);
    act(() => {
      store.status.value = "no-kernel";
    });
    expect(screen.text).toContain("kernel");
    act(measured);
    expect(screen.text).toBe("");
  });
});

it("the line below a tile has a shape for each state, and the sentence as its tooltip", () => {
  const states = Object.keys(STATES) as EvidenceRecord["state"][];
  const shapes = states.map((state) => {
    show(() => <EvidenceText record={{ ...record, state, verdict: "Why." }} text="Few words" />);
    expect(all("div")[0].attribute("title")).toBe(`${STATES[state]}: Why.`);
    return all("path")[0].attribute("d");
  });
  expect(new Set(shapes).size).toBe(4);
  show(() => <EvidenceText record={undefined} text="" />);
  expect([screen.text, all("svg").length]).toEqual(["\u00a0", 0]);
});

it("the classes of a covered picture have probabilities, or else scores", () => {
  const store = new Store();
  store.constants.value = welcome({ class_names: ["cat", "dog"] });
  const classes = [
    { index: 1, probability: 0.25, score: 1 },
    { index: 0, probability: null, score: -1.5 },
  ];
  show(() => <CoveredClasses store={store} classes={classes} />);
  expect(texts("li")).toEqual(["dog25.0 %", "cat−1.5"]);
});
