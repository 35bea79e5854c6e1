import { describe, expect, it } from "vitest";
import { parse } from "../src/kernel/parse";

describe("parse", () => {
  it("passes on what is complete", () => {
    const message = { kind: "maps", gen: 3, seq: 1, items: [] };
    expect(parse(message)).toBe(message);
  });

  it("ignores what is not ours", () => {
    for (const other of [null, undefined, 7, "maps", {}, { kind: "toString" }, { kind: "sketches" }]) {
      expect(parse(other)).toBeNull();
    }
  });

  it("names the field that a known kind lacks", () => {
    expect(() => parse({ kind: "done", gen: 1 })).toThrow('"done": field "seconds"');
    expect(() => parse({ kind: "maps", gen: "1", seq: 1, items: [] })).toThrow('"maps": field "gen"');
    expect(() => parse({ kind: "welcome", version: 1, gen: 0, catalogue: [], wrappers: [] })).toThrow('"inspection"');
    expect(() => parse({ kind: "predictions", model: "", shape: null, first: 0, best: [] })).toThrow('"shape"');
  });

  it("passes on the greeting of another version, whatever it holds", () => {
    const message = { kind: "welcome", version: 99 };
    expect(parse(message)).toBe(message);
  });
});
