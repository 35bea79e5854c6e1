import { beforeEach, expect, it } from "vitest";
import type { InspectionRecord, MethodRecord } from "../src/kernel/protocol";
import { methodOptions, searchMethods, shownMethod } from "../src/state/methodOptions";
import { currentQuestion, Store } from "../src/state/store";
import { welcome } from "./helpers";

const method = (fields: Partial<MethodRecord>): MethodRecord => ({
  ...{ id: "", title: "", sees: "layer", family: "", purpose: "", summary: "", cost: "", reference: "", params: [] },
  ...{ good_for: "", fails: "", resolution: "", ...fields },
});

const CATALOGUE = [
  method({ id: "cam", title: "CAM", purpose: "Where?", family: "Maps", summary: "Weights of the class." }),
  method({ id: "scorecam", title: "Score-CAM", purpose: "Where?", reference: "Wang 2020", cost: "1 pass a channel" }),
  method({ id: "rollout", title: "Rollout", purpose: "Where?", sees: "attention" }),
  method({ id: "rise", title: "RISE", purpose: "Gone?", sees: "input", summary: "Scored masks.", resolution: "masks" }),
  method({ id: "gradients", title: "Gradients", purpose: "Pixels?", sees: "input", summary: "The score's slope." }),
];

const layers = [
  { path: "early", spatial: [20, 30] },
  { path: "late", spatial: [7, 7] },
];

let store: Store;

function begin(inspection: Partial<InspectionRecord> = {}): void {
  store = new Store({ layer: "late", method: "cam" });
  const about = { layers, recommended: "late", attention_start: "early", input_shape: [64, 96, 3] };
  store.constants.value = welcome({
    catalogue: CATALOGUE,
    inspection: { ...about, recommended_methods: { rise: "Nothing else fits." }, ...inspection } as InspectionRecord,
  });
}

const found = (query: string) => searchMethods(methodOptions(store), query).map((option) => option.method.id);
const optionOf = (id: string) => methodOptions(store).findLast((option) => option.method.id === id);

beforeEach(() => begin());

it("those to begin with come first, with the reason, and then all by what they answer", () => {
  const options = methodOptions(store);
  expect(options.map(({ heading, text }) => `${heading} ${text}`)).toEqual([
    "Recommended for this model RISE",
    ...["Where? CAM", "Where? Score-CAM", "Where? Rollout", "Gone? RISE", "Pixels? Gradients"],
    "What concepts? Concepts",
  ]);
  expect(options[0].note).toBe("Nothing else fits.");
  expect(new Set(options.map(({ key }) => key)).size).toBe(options.length);
  expect(options.find(({ key }) => key === "rise")?.why).toBe("Nothing else fits.");
});

it("each tells what its map is made of, at the layer that it would be asked at", () => {
  const resolutions = methodOptions(store).map(({ resolution }) => resolution);
  expect(resolutions.slice(0, 4)).toEqual(["masks", "7 × 7 cells", "7 × 7 cells", "20 × 30 cells"]);
  expect(resolutions.slice(4)).toEqual(["masks", "64 × 96 pixels", "7 × 7 cells"]);
  store.traits.layer.value = "early";
  expect(optionOf("scorecam")?.resolution).toBe("20 × 30 cells");
  store.traits.method.value = "rollout";
  expect(optionOf("scorecam")?.resolution).toBe("7 × 7 cells");
});

it("costs are words until the kernel has measured", () => {
  expect(optionOf("scorecam")?.figure).toBe("1 pass a channel");
  store.costs.value = { scorecam: 130, gradients: 0.1 };
  expect(["scorecam", "gradients"].map((id) => optionOf(id)?.figure)).toEqual(["≈ 2 min", "instant"]);
});

it("one that cannot be asked says why instead, and is not recommended", () => {
  begin({ recommended_methods: { rollout: "Attention." } });
  store.refused.value = { rollout: "There is no attention." };
  expect(optionOf("rollout")).toMatchObject({
    note: "There is no attention.",
    objection: "There is no attention.",
    figure: "",
  });
  expect(methodOptions(store).filter(({ why }) => why)).toEqual([]);
});

it("without Python those that were asked before can be chosen, at no cost", () => {
  const questions = [{ ...currentQuestion(store), method: "scorecam" }];
  store.available.value = { questions, offline: true, fromStore: false, leftOut: 0, side: null };
  expect(optionOf("cam")?.objection).toContain("needs the kernel");
  expect(optionOf("scorecam")).toMatchObject({ objection: "", figure: "instant" });
  const [first, ...others] = methodOptions(store);
  expect([first.heading, first.text]).toEqual(["Kept answers", "Score-CAM"]);
  expect(others.map(({ key }) => key)).toEqual(["cam", "rollout", "rise", "gradients", "concepts"]);
});

it("concepts that a page has kept stand among the answers that it has", () => {
  const questions = [{ ...currentQuestion(store), method: "scorecam" }];
  store.available.value = { questions, offline: true, fromStore: false, leftOut: 0, side: null };
  store.status.value = "no-kernel";
  expect(optionOf("concepts")).toBeUndefined();
  const typical = [[{ image: 0, box: [0, 0, 1, 1] }]];
  const described = { key: "1 a", layer: "late", sentence: "", notes: [], problem: "" };
  store.concepts.value = { ...described, typical, importance: Float32Array.of(1), maps: new Map() };
  const kept = methodOptions(store).filter(({ heading }) => heading === "Kept answers");
  expect(kept.map(({ text }) => text)).toEqual(["Score-CAM", "Concepts"]);
});

it("are found by title, id, summary and source; those of the name come first, those that cannot be chosen last", () => {
  expect(found("")).toHaveLength(CATALOGUE.length + 2);
  expect(found("cam")).toEqual(["cam", "scorecam"]);
  expect(found("score")).toEqual(["scorecam", "rise", "gradients"]);
  expect(found("wang 2020")).toEqual(["scorecam"]);
  expect(found("SCORE cam")).toEqual(["scorecam"]);
  expect(found("zzz")).toEqual([]);
  store.refused.value = { scorecam: "Not here." };
  expect(found("score")).toEqual(["rise", "gradients", "scorecam"]);
});

it("pages that an earlier version saved list them by family", () => {
  const { purpose: _, resolution: __, good_for: ___, fails: ____, ...old } = CATALOGUE[0];
  begin();
  store.constants.value = welcome({ catalogue: [old as MethodRecord], inspection: { layers } as InspectionRecord });
  expect(methodOptions(store)).toMatchObject([{ heading: "Maps", text: "CAM", note: "Weights of the class." }]);
});

it("offers concepts under a question of their own, where the layer has a map", () => {
  const concepts = optionOf("concepts");
  expect(concepts?.heading).toBe("What concepts?");
  expect(concepts?.resolution).toBe("7 × 7 cells");
  expect(shownMethod(store)?.id).toBe("cam");
  store.traits.overlay.value = "concepts";
  expect(shownMethod(store)?.title).toBe("Concepts");
  begin({ recommended: null });
  expect(optionOf("concepts")).toBeUndefined();
});
