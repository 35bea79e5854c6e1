import { beforeEach, describe, expect, it, vi } from "vitest";
import { captionOf, drawCaption, type ExportContext, evidenceLines, wrapped } from "../src/canvas/captions";
import { tileKey } from "../src/kernel/decode";
import type { EvidenceRecord, Item } from "../src/kernel/protocol";
import { type Picture, Store } from "../src/state/store";
import { COLUMN, item, predictions, welcome } from "./helpers";

/** Letters of one width each, and what is written where. */
function context() {
  const written: { text: string; end: number }[] = [];
  let size = 0;
  const marks: number[][] = [];
  const drawn = {
    set font(value: string) {
      size = Number.parseFloat(value.slice(value.indexOf(" ")));
    },
    textAlign: "left",
    measureText: (text: string) => ({ width: (text.length * size) / 2 }),
    fillText: (text: string, x: number) => text && written.push({ text, end: x + (text.length * size) / 2 }),
    ...{ save: () => {}, restore: () => {}, scale: () => {}, setLineDash: (dash: number[]) => marks.push(dash) },
    ...{ translate: () => {}, stroke: () => {} },
  };
  return { written, marks, context: drawn as unknown as ExportContext };
}

describe("a text in lines", () => {
  const measure = (text: string) => text.length;

  it("has all its words, in order, in no more than the width", () => {
    const text = "No better than chance in SRG; not measured: whether the weights matter, whether it is stable.";
    for (const width of [8, 20, 47, 1000]) {
      const lines = wrapped(measure, text, width);
      expect(Math.max(...lines.map(measure))).toBeLessThanOrEqual(width);
      expect(lines.join(" ").replaceAll(" ", "")).toBe(text.replaceAll(" ", ""));
    }
    expect(wrapped(measure, text, 1000)).toEqual([text]);
    expect(wrapped(measure, "", 10)).toEqual([]);
  });

  it("breaks a word that is wider, and never loses a letter", () => {
    expect(wrapped(measure, "a counterfactual b", 6)).toEqual(["a", "counte", "rfactu", "al b"]);
    expect(wrapped(measure, "abc", 0)).toEqual(["a", "b", "c"]);
  });
});

describe("the evidence below an exported tile", () => {
  vi.stubGlobal("Path2D", class {});
  const verdict = "No better than chance in SRG (0.12, theirs 0.08 ± 0.11); not measured: whether it is stable.";
  const record = { image: 0, column: 0, state: "weak", verdict, headline: "No better." } as EvidenceRecord;

  it("is the state and the whole sentence, never cut, with one mark", () => {
    const store = new Store();
    store.evidence.value = new Map([["0/0", record]]);
    for (const width of [120, 256, 512]) {
      const { context: canvas, written, marks } = context();
      const lines = evidenceLines(canvas, store, { image: 0, column: 0 }, width, 1);
      drawCaption(canvas, lines, { x: 0, y: 0, width, height: 10 }, 1);
      expect(written.map(({ text }) => text).join(" ")).toBe(`weak: ${verdict}`);
      expect(Math.max(...written.map(({ end }) => end))).toBeLessThanOrEqual(width);
      expect(marks).toEqual([[]]);
    }
  });

  it("says where nothing was measured", () => {
    const { context: canvas } = context();
    const [line, ...others] = evidenceLines(canvas, new Store(), { image: 0, column: 0 }, 300, 1);
    expect(line).toMatchObject({ mark: "unmeasured" });
    expect(line.text.toLowerCase()).toBe("not measured");
    expect(others).toEqual([]);
  });
});

describe("the words below an exported tile", () => {
  const CAT = { target: 0, target_name: "cat, tabby", probability: 0.9 };
  let store: Store;
  beforeEach(() => {
    store = new Store({ _images: [{ name: "in/a.png" } as Picture] });
    store.constants.value = welcome({ class_names: ["cat, tabby", "dog"] });
    store.predictions.value = predictions([0.9, 0.1]);
  });

  const show = (...items: Partial<Item>[]) => {
    const extent = { lo: 0, hi: 1, loAt: 0, hiAt: 1 };
    const tiles = items.map((fields, column) => ({
      item: item({ ...fields, column }),
      values: new Float32Array(2),
      extent,
    }));
    const columns = items.map(() => ({ ...COLUMN, target: "top" }));
    store.answer.value = { gen: 1, key: "", columns, tiles: new Map(tiles.map((map, at) => [tileKey(0, at), map])) };
  };
  const lines = (column = 0) => {
    const shown = store.answer.value?.columns.map((_, at) => at) ?? [0];
    return captionOf(store, { image: 0, column }, shown).map(({ text, figure }) => [text, figure]);
  };

  it("are the prediction where the map explains it, with its probability, and the name of the image", () => {
    show(CAT);
    expect(lines()).toEqual([
      ["predicted cat, tabby", "90.0 %"],
      ["a.png", ""],
    ]);
  });

  it("are what the map explains, and below it what was predicted instead", () => {
    show({ target: 1, target_name: "dog", probability: 0.1 });
    expect(lines()).toEqual([
      ["dog", "10.0 %"],
      ["predicted cat, tabby", "90.0 %"],
      ["a.png", ""],
    ]);
  });

  it("are of the map alone in columns after the first", () => {
    show(CAT, { ...CAT, score: 2.5, probability: null, partial: true, done: 0.256 });
    expect(lines(1)).toEqual([
      ["cat, tabby", "2.5"],
      ["partial 25 %", ""],
    ]);
  });

  it("say whether the prediction is right, where that is known", () => {
    show(CAT);
    const judged = (label: number | null) => {
      store.traits.labels.value = [label];
      return lines()
        .map(([text]) => text)
        .slice(1);
    };
    expect(judged(0)).toEqual(["✓ right", "a.png"]);
    expect(judged(1)).toEqual(["✗ true: dog", "a.png"]);
    expect(judged(null)).toEqual(["a.png"]);
  });

  it("of a picture without a map are what is predicted", () => {
    expect(lines()).toEqual([
      ["predicted cat, tabby", "90.0 %"],
      ["a.png", ""],
    ]);
    store.predictions.value = null;
    expect(lines()).toEqual([["a.png", ""]]);
  });

  it("are values in their units, of which none is predicted", () => {
    store.constants.value = welcome({ class_names: ["age", "height"], predicts: "value", units: ["years", "cm"] });
    store.predictions.value = predictions([41.2, 170]);
    show({ target: 1, target_name: "height", probability: null, score: 170, unit: "cm" });
    expect(lines()).toEqual([
      ["height", "170\u00a0cm"],
      ["a.png", ""],
    ]);
  });

  it("are the class of most places of a segmenter, and the highest of scores", () => {
    store.constants.value = welcome({ class_names: ["cat, tabby", "dog"], predicts: "share", places: [1, 2] });
    show({ ...CAT, probability: 0.8 });
    expect(lines()[0]).toEqual(["mostly cat, tabby", "90.0 %"]);
    store.constants.value = welcome({ class_names: ["cat, tabby", "dog"], predicts: "score" });
    store.predictions.value = predictions([-1.5, -3]);
    expect(lines()[0]).toEqual(["highest cat, tabby", "−1.5"]);
  });

  it("of a contrast name both of its sides, with its score", () => {
    store.predictions.value = null;
    show({ target: -1, target_name: "top − dog", probability: null, score: 0.25 });
    expect(lines()).toEqual([
      ["predicted vs dog", "0.25"],
      ["a.png", ""],
    ]);
  });
});

describe("a caption", () => {
  it("has its figure at the right, and shortens its words for it", () => {
    const { context: canvas, written } = context();
    const line = { text: "predicted great grey owl", figure: "90.0 %", isPale: false };
    drawCaption(canvas, [line], { x: 0, y: 0, width: 120, height: 10 }, 1);
    const [figure, text] = written;
    expect(figure.text).toBe("90.0 %");
    expect(text.text).toMatch(/^predicted.*…$/);
    // A letter is 6.5 wide, and 8 lie between words and figure.
    expect(text.end).toBeLessThanOrEqual(120 - 6 * 6.5 - 8);
  });
});
