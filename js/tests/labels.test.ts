import { describe, expect, it } from "vitest";
import type { Column, InspectionRecord, LayerRecord, MethodRecord } from "../src/kernel/protocol";
import {
  briefExplainedText,
  cautionOf,
  columnHeading,
  comparedText,
  costText,
  explainedText,
  imageName,
  isControl,
  notesOf,
  partialText,
  questionText,
  shownMethods,
  truthText,
} from "../src/state/labels";
import { currentQuestion, type Picture, Store, type Traits } from "../src/state/store";
import { item, predictions, welcome } from "./helpers";

const method = (id: string, title: string, sees: MethodRecord["sees"]): MethodRecord => ({
  ...{ id, title, sees, family: "", purpose: "", summary: "", cost: "", reference: "", params: [] },
  ...{ good_for: "", fails: "", resolution: "" },
});
const layers = ["a/relu", "b/relu"].map((path) => ({ path }) as LayerRecord);
const cautions = { cam: "CAM misleads here.", input: "Not measured." };

function storeOf(traits: Partial<Traits>, columns: Partial<Column>[] = []): Store {
  const store = new Store(traits);
  store.constants.value = welcome({
    catalogue: [method("cam", "CAM", "layer"), method("ig", "Integrated", "input")],
    class_names: ["cat", "dog", "in − out"],
    inspection: { layers, cautions } as Partial<InspectionRecord> as InspectionRecord,
  });
  store.answer.value = { gen: 1, key: "", columns: columns as Column[], tiles: new Map() };
  return store;
}

it("what a method costs is told in seconds where these are known, else in words", () => {
  const [store, rise] = [storeOf({}), { ...method("rise", "RISE", "input"), cost: "1 pass a mask" }];
  expect(costText(store, rise)).toBe("1 pass a mask");
  store.costs.value = { rise: 171 };
  expect(costText(store, rise)).toBe("≈ 3 min");
});

describe("a column", () => {
  const column = { layer: "b/relu", method: "cam", method_title: "CAM", target: "dog" };

  it.each([
    ["none", "dog"],
    ["targets", "dog"],
    ["methods", "CAM"],
    ["layers", "b/relu"],
  ] as const)("is called after what is compared: %s", (compare, heading) => {
    expect(columnHeading(storeOf({ compare }, [column]), 0)).toBe(heading);
    expect(columnHeading(storeOf({ compare }, [column]), 1)).toBe("");
  });

  it.each([
    ["none", "top · band 2", "band 2"],
    ["targets", "dog · band 0", "dog · band 0"],
    ["methods", "top · band 1", "CAM · band 1"],
  ] as const)("of one band says which: %s, %s", (compare, target, heading) => {
    expect(columnHeading(storeOf({ compare }, [{ ...column, target }]), 0)).toBe(heading);
  });

  it("of one input of several says which", () => {
    const store = storeOf({ compare: "methods" }, [{ ...column, input: "right" }]);
    expect(columnHeading(store, 0)).toBe("CAM · right");
  });

  it.each([
    ["methods", "ig", "Integrated"],
    ["methods", "own", "own"],
    ["layers", "x/conv", "conv"],
    ["targets", 1, "dog"],
    ["targets", 7, "class 7"],
    ["targets", "cat − dog", "cat vs dog"],
    ["targets", "top − true", "predicted vs true class"],
    ["targets", "top-2", "2nd"],
    ["targets", "in − out", "in − out"],
  ] as const)("to come is, too: %s, %s", (compare, value, text) => {
    expect(comparedText(storeOf({ compare }), value)).toBe(text);
  });
});

describe("a question in words", () => {
  it.each([
    [{ layer: "a/relu", method: "cam", target: 1 }, "CAM · a/relu · dog"],
    [{ layer: "a/relu", method: "ig", params: { steps: 8 } }, "Integrated · the input · predicted · steps 8"],
    [{ method: "cam", layer: "a/relu", compare: "targets" }, "CAM · a/relu · classes compared"],
    [
      { method: "cam", layer: "a/relu", compare: "methods", compare_with: ["cam", "ig"] },
      "a/relu · predicted · methods compared (CAM, Integrated)",
    ],
    [{ method: "cam", compare: "layers" }, "CAM · predicted · layers compared"],
    [
      { method: "cam", layer: "a/relu", compare: "targets", compare_with: ["top", "true", "top − true"] },
      "CAM · a/relu · classes compared (predicted, true class, predicted vs true class)",
    ],
  ] as [Partial<Traits>, string][])("%o", (traits, text) => {
    const store = storeOf(traits);
    expect(questionText(store, currentQuestion(store))).toBe(text);
  });
});

it("a map is called after the class that it explains, or the two of a contrast", () => {
  const named = (target: number, target_name: string) => explainedText(storeOf({}), item({ target, target_name }));
  expect(named(1, "dog")).toBe("dog");
  expect(named(-1, "cat − dog")).toBe("cat vs dog");
  expect(named(2, "in − out")).toBe("in − out");
  expect(named(-1, "true")).toBe("true class");
});

describe("the methods that are shown", () => {
  const shown = (traits: Partial<Traits>) => shownMethods(storeOf(traits)).map(({ id }) => id);

  it("are the chosen one, or those of the columns", () => {
    expect(shown({ method: "ig", compare: "layers" })).toEqual(["ig"]);
    expect(shown({ method: "ig", compare: "methods", compare_with: ["ig", "cam"] })).toEqual(["cam", "ig"]);
    expect(shown({ method: "ig", compare: "methods" })).toEqual(["ig"]);
  });
});

it("an image is called after its file, or numbered", () => {
  const store = storeOf({ _images: [{ name: "photos\\cat.jpg" } as Picture, { name: "" } as Picture] });
  expect([imageName(store, 0), imageName(store, 1)]).toEqual(["cat.jpg", "image 2"]);
});

describe("a caution", () => {
  it("is that on the method, else that on what it sees", () => {
    const store = storeOf({});
    expect(["cam", "ig", "own"].map((id) => cautionOf(store, id))).toEqual([cautions.cam, cautions.input, ""]);
    expect(cautionOf(new Store(), "cam")).toBe("");
  });

  it("is no note of each map", () => {
    expect(notesOf(storeOf({}), item({ notes: [cautions.cam, "Flat."] }))).toEqual(["Flat."]);
    expect(isControl(item({ notes: ["Flat: …", "Control: it explains nothing."] }))).toBe(true);
    expect(isControl(item({ notes: ["Flat: no Control: here."] }))).toBe(false);
  });
});

describe("a map that is not finished", () => {
  it.each([
    [0, "partial 0 %"],
    [0.002, "partial <1 %"],
    [0.039, "partial 3 %"],
    [0.999, "partial 99 %"],
  ])("says how far it has come: %d", (done, text) => {
    expect(partialText(item({ partial: true, done }))).toBe(text);
    expect(partialText(item())).toBe("");
  });
});

describe("brief names", () => {
  it("leave synonyms out, unless two classes have the same first one", () => {
    const store = new Store();
    const class_names = ["great grey owl, Strix nebulosa", "crane, bird", "crane, machine", "cup", ", odd"];
    store.constants.value = welcome({ class_names });
    expect(store.briefNames.value).toEqual(["great grey owl", "crane, bird", "crane, machine", "cup", ", odd"]);
  });

  it("tell what a map explains", () => {
    const store = new Store();
    store.constants.value = welcome({ class_names: ["tabby, tabby cat", "crane, bird", "crane, machine"] });
    const named = (target: number, target_name: string) => briefExplainedText(store, item({ target, target_name }));
    expect(named(0, "tabby, tabby cat")).toBe("tabby");
    expect(named(-1, "tabby, tabby cat − crane, bird")).toBe("tabby vs crane, bird");
    expect(named(-1, "true")).toBe("true class");
  });

  it("tell the truth about a prediction", () => {
    const store = new Store({ labels: [0, 1, null] });
    store.constants.value = welcome({ class_names: ["tabby, tabby cat", "dog"] });
    store.traits._images.value = [{}, {}, {}] as never;
    store.predictions.value = predictions([0.2, 0.8], [0.1, 0.9], [1, 0]);
    expect([0, 1, 2].map((image) => truthText(store, { image, column: 0 }))).toEqual(["true: tabby", "right", ""]);
  });
});
