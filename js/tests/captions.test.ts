import { describe, expect, it, vi } from "vitest";
import { drawCaption, type ExportContext, evidenceLines, wrapped } from "../src/canvas/captions";
import type { EvidenceRecord } from "../src/kernel/protocol";
import { Store } from "../src/state/store";

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
