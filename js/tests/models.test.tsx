import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { captionOf } from "../src/canvas/captions";
import type { TileMap } from "../src/kernel/decode";
import type { AgreementRecord, Item } from "../src/kernel/protocol";
import { extent } from "../src/math/postprocess";
import { agreementColumns, shiftColumns } from "../src/state/disagreement";
import { countFilters } from "../src/state/filterSort";
import { columnHeading } from "../src/state/labels";
import { agreementLine, comparesModels, factsAt, isOtherClass } from "../src/state/models";
import { pythonCode } from "../src/state/pythonCode";
import { mapOf, predictionsOf, Store } from "../src/state/store";
import { bestFigure, topClasses } from "../src/state/topClasses";
import { colourMeaning } from "../src/view/colourMeaning";
import { CompareField } from "../src/view/compare";
import { factsOfMap } from "../src/view/mapFacts";
import { ModelsSection } from "../src/view/modelsSection";
import { RowControls } from "../src/view/rowControls";
import { Screen } from "./dom";
import { COLUMN, item, predictions, silentActions, welcome } from "./helpers";

const PICTURE = { name: "a.png", width: 4, height: 4, box: [0, 0, 1, 1], mime: "", data: new Uint8Array() };

function tile(fields: Partial<Item>, values: number[]): TileMap {
  const map = Float32Array.from(values);
  return { item: item({ shape: [1, values.length], signed: true, ...fields }), values: map, extent: extent(map) };
}

/** Three images by two models: the last two predictions differ, of which the labels know one. */
function twoModels(): Store {
  const store = new Store({ compare: "models", method: "cam", layer: "conv", labels: [0, 1, null] });
  store.constants.value = welcome({
    class_names: ["cat", "dog"],
    inspection: { layers: [], preprocessing: "preprocess: none" } as never,
    models: [
      { name: "before", preprocessing: "preprocess: none" },
      { name: "after", preprocessing: "preprocess: halved" },
    ],
  });
  store.traits._images.value = [PICTURE, PICTURE, PICTURE];
  store.predictions.value = predictions([0.9, 0.1], [0.8, 0.2], [0.7, 0.3]);
  store.modelPredictions.value = new Map([["after", predictions([0.6, 0.4], [0.3, 0.7], [0.2, 0.8])]]);
  const column = { ...COLUMN, target: "top", matched: "" };
  const [before, after] = [
    { ...column, model: "before" },
    { ...column, model: "after", layer: "late", matched: "'after' has no layer 'conv'." },
  ];
  const tiles = new Map<string, TileMap>();
  for (const image of [0, 1, 2]) {
    tiles.set(`${image}/0`, tile({ image, column: 0 }, [2, 1, 0, -1]));
    tiles.set(`${image}/1`, tile({ image, column: 1 }, [0, 5, 10, -1]));
  }
  store.answer.value = { gen: 1, key: "", columns: [before, after], tiles };
  store.agreements.value = [{ column: 1, correlations: [0.5, -0.25, null], of_others: 0.125 }];
  return store;
}

let store: Store;
beforeEach(() => {
  store = twoModels();
});

describe("disagreement of models", () => {
  const agreements: AgreementRecord[] = [
    { column: 1, correlations: [0.5, null], of_others: null },
    { column: 2, correlations: [-0.5, 0.25], of_others: null },
  ];

  it("is the most that probabilities move, and the least that maps agree", () => {
    const first = predictions([0.9, 0.1], [0.5, 0.5]);
    const others = [predictions([0.8, 0.2], [0.5, 0.5]), predictions([0.2, 0.8], [0.25, 0.75])];
    const [[shift], [agreement]] = [shiftColumns(2, first, others), agreementColumns(2, agreements)];
    expect([...shift.values].map((value) => Number(value.toFixed(3)))).toEqual([0.7, 0.25]);
    expect(agreement.values[0]).toBe(-0.5);
    expect(agreement.values[1]).toBeNaN();
  });

  it("is nothing where there is one model", () => {
    expect(shiftColumns(2, predictions([1, 0], [0, 1]), [])).toEqual([]);
    expect(agreementColumns(2, [])).toEqual([]);
  });

  it("filters rows by what becomes of their predictions", () => {
    expect(Object.fromEntries(countFilters(store.facts.value))).toMatchObject({
      ...{ all: 3, changed: 2, same: 1, mended: 1, right: 1, wrong: 1 },
    });
    expect(store.filters.value.has("broken")).toBe(false);
    store.traits.show.value = "changed";
    expect(store.rows.value).toEqual([1, 2]);
    store.traits.show.value = "mended";
    expect(store.rows.value).toEqual([1]);
    store.traits.labels.value = [0, 0, 0];
    expect(store.filters.value.get("broken")).toBe(2);
  });

  it("marks other classes than those of the first column, whose model need not be the first", () => {
    const { columns, ...answer } = store.answer.value as NonNullable<typeof store.answer.value>;
    store.answer.value = { ...answer, columns: [columns[1], columns[0]] };
    expect([0, 1].map((column) => isOtherClass(store, 1, column))).toEqual([false, true]);
  });

  it("sorts rows by change of prediction and by agreement of maps, those not told last", () => {
    store.traits.sort.value = "shift high";
    expect(store.rows.value).toEqual([1, 2, 0]);
    store.traits.sort.value = "map_agreement low";
    expect(store.rows.value).toEqual([1, 0, 2]);
  });
});

describe("a column", () => {
  it("has its model's predictions", () => {
    expect(comparesModels(store)).toBe(true);
    expect([0, 1].map((column) => factsAt(store, column).predicted[1])).toEqual([0, 1]);
    expect([0, 1].map((column) => bestFigure(store, 1, column))).toEqual(["80.0 %", "70.0 %"]);
    expect([...(predictionsOf(store, 0, 1) ?? [])].map((value) => value.toFixed(1))).toEqual(["0.6", "0.4"]);
  });

  it("that is looked at tells which classes come first", () => {
    expect(topClasses(store, 1, 1)[0].index).toBe(0);
    store.chosenColumn.value = 1;
    expect(topClasses(store, 1, 1)[0].index).toBe(1);
    expect(Object.fromEntries(factsOfMap(store))).toMatchObject({ Model: "after", Images: "halved" });
  });

  it("is headed by its model, and tells its prediction in exported pictures", () => {
    expect([0, 1].map((column) => columnHeading(store, column))).toEqual(["before", "after"]);
    const lines = (column: number) => captionOf(store, { image: 1, column }, [0, 1]).map(({ text }) => text);
    expect(lines(0)).toContain("✗ true: dog");
    expect(lines(1)).toEqual(expect.arrayContaining(["✓ right", "maps agree −0.25 (different pictures: 0.13)"]));
  });

  it("says how far its map agrees, where that can be told", () => {
    expect(agreementLine(store, 0, 1)).toBe("maps agree 0.5 (different pictures: 0.13)");
    expect(agreementLine(store, 2, 1)).toBe("");
  });
});

describe("the difference", () => {
  const shown = (image: number) => [...(mapOf(store, { image, column: 1 })?.values ?? [])];

  it("is that of both maps as they are drawn, each in parts of its own colours", () => {
    store.showsDifference.value = true;
    // Positive parts [1, 0.5, 0, 0] and [0, 0.5, 1, 0].
    expect(shown(0)).toEqual([-1, 0, 1, 0]);
    const map = mapOf(store, { image: 0, column: 1 });
    if (!map) throw new Error("there is no map");
    expect(map.item.signed).toBe(true);
    expect(store.signOf(map)).toBe("signed");
    expect(store.endsOf(map)).toEqual({ low: 0, high: 1 });
    expect(colourMeaning(store, map)).toContain("Warm colours: after marks this more than before");
    expect(columnHeading(store, 1)).toBe("after − before");
    // The first model's column stays, and what is drawn again is not made again.
    expect(mapOf(store, { image: 0, column: 0 })?.isDifference).toBeUndefined();
    expect(mapOf(store, { image: 0, column: 1 })).toBe(map);
  });

  it("follows how maps are drawn", () => {
    store.showsDifference.value = true;
    store.traits.sign.value = "signed";
    expect(shown(0)).toEqual([-1, 0, 1, expect.closeTo(0.4)]);
  });

  it("is at the finer size where those of the maps differ", () => {
    const tiles = new Map(store.answer.value?.tiles);
    tiles.set("0/1", tile({ image: 0, column: 1 }, [0, 1]));
    store.answer.value = { ...(store.answer.value as never as { columns: never }), gen: 2, key: "", tiles };
    store.showsDifference.value = true;
    expect(mapOf(store, { image: 0, column: 1 })?.item.shape).toEqual([1, 4]);
  });
});

describe("the view", () => {
  let screen: Screen;
  const draw = () => {
    const { actions } = silentActions(store);
    const view = { store, actions };
    screen = new Screen(() => (
      <>
        <CompareField {...view} />
        <RowControls {...view} />
        <ModelsSection {...view} />
      </>
    ));
  };
  afterEach(() => screen.close());
  const options = () => screen.all("option").map(({ textContent }) => textContent);

  it("says that no image is like the chosen ones, so that all are shown", () => {
    draw();
    const textOf = (filter: string) => {
      act(() => {
        store.traits.show.value = filter;
      });
      return screen.one("status").textContent;
    };
    expect(textOf("true 7")).toMatch(/^none is “true .+”: all \d images$/);
    expect(textOf("wrong")).toMatch(/^1 of \d images$/);
  });

  it("shows the difference at a button", () => {
    draw();
    expect(screen.one("button", "maps").attribute("aria-pressed")).toBe("true");
    screen.one("button", "difference").fire("click");
    expect(store.showsDifference.value).toBe(true);
    expect(screen.one("button", "difference").attribute("aria-pressed")).toBe("true");
  });

  it("offers what tells models apart, and says of which model the rest is", () => {
    draw();
    expect(options()).toEqual(
      expect.arrayContaining([
        ...["models", "none (before)", "methods (before)", "predicted differently (2)", "wrong by before (1)"],
        ...["wrong, then right (1)", "highest change of prediction", "lowest agreement of maps"],
      ]),
    );
  });

  it("offers none of it for one model", () => {
    store.constants.value = welcome({ class_names: ["cat", "dog"] });
    store.modelPredictions.value = new Map();
    store.agreements.value = [];
    store.answer.value = null;
    draw();
    expect(options()).not.toContain("models");
    expect(options().join()).not.toMatch(/before|differently|agreement/);
    expect(screen.all("button")).toEqual([]);
  });

  it("tells what each model says of the image in focus, and goes to its column", () => {
    store.traits.selected.value = [1];
    draw();
    const [before, after] = screen.all("listitem");
    expect(before.textContent).toBe("before✗ cat 80.0 %");
    expect(after.textContent).toContain("≠✓ dog 70.0 %");
    expect(after.textContent).toContain("'after' has no layer 'conv'.");
    expect(after.textContent).toContain("maps agree −0.25 (different pictures: 0.13)");
    screen.one("button", /^after/).fire("click");
    expect(store.chosenColumn.value).toBe(1);
    expect(screen.one("button", /^after/).attribute("aria-pressed")).toBe("true");
  });
});

it("is made again by the copied Python", () => {
  store.constants.value = welcome({ arguments: ['{"before": a, "after": b}', "images"] });
  expect(pythonCode(store)).toContain('    {"before": a, "after": b},\n    images,');
  expect(pythonCode(store)).toContain('    compare="models",');
});
