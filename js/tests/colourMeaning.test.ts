import { expect, it } from "vitest";
import type { TileMap } from "../src/kernel/decode";
import { Store, type Traits } from "../src/state/store";
import { colourMeaning } from "../src/view/colourMeaning";
import { item, welcome } from "./helpers";

function meaning(fields: Parameters<typeof item>[0], traits: Partial<Traits> = {}): string {
  const store = new Store(traits);
  store.constants.value = welcome({ class_names: ["tabby, tabby cat", "Egyptian cat"] });
  const extent = { lo: -1, hi: 1, loAt: 0, hiAt: 1 };
  const map: TileMap = { item: item(fields), values: Float32Array.of(-1, 1), extent };
  const display = { clip: 99, origin: "quartile", sign: "positive", borders: false } as const;
  const named = { layer: "", method: "cam", method_title: "CAM", target: "top", input: "", model: "", matched: "" };
  const column = { ...named, signed: true, own: false, display };
  store.answer.value = { gen: 1, key: "", columns: [column], tiles: new Map([["0/0", map]]) };
  return colourMeaning(store, map);
}

it("colours of one sign speak for the class, without its synonyms", () => {
  expect(meaning({ target: 0, target_name: "tabby, tabby cat" })).toBe("Bright: speaks for tabby.");
  expect(meaning({ target: 0 }, { colormap: "turbo" })).toBe("Red: speaks for tabby.");
  expect(meaning({ target: 0 }, { sign: "absolute" })).toBe("Bright: speaks for tabby, or against it.");
  expect(meaning({ target: 0, signed: false })).toBe("Bright: where the map is high; it has no sign.");
});

it("colours of both signs speak for the class or against it, and in a contrast for either class", () => {
  const warm = "Warm colours speak for Egyptian cat, cold ones";
  expect(meaning({ target: 1 }, { sign: "signed" })).toBe(`${warm} against it.`);
  const contrast = { target: -1, target_name: "Egyptian cat − tabby, tabby cat" };
  expect(meaning(contrast, { sign: "signed" })).toBe(`${warm} for tabby.`);
  const several = { target: -1, target_name: "Egyptian cat − 0.6 mean(tabby, tabby cat; top-2)" };
  expect(meaning(several, { sign: "signed" })).toBe(`${warm} for 0.6 × mean of tabby, 2nd.`);
  const ranks = { target: -1, target_name: "top − true" };
  expect(meaning(ranks, { sign: "signed" })).toBe("Warm colours speak for predicted, cold ones for true class.");
});
