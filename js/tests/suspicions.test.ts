import { beforeEach, describe, expect, it } from "vitest";
import type { SuspicionRecord } from "../src/kernel/protocol";
import { suspicionFilter } from "../src/state/filterSort";
import { Store } from "../src/state/store";
import { membersOf, suspicionFacts, suspicionName } from "../src/state/suspects";
import { welcome } from "./helpers";

const encoded = (...images: number[]) => btoa(String.fromCharCode(...new Uint8Array(Uint32Array.from(images).buffer)));
const suspicion = (fields: Partial<SuspicionRecord>): SuspicionRecord => ({
  ...{ target_name: "horse", verdict: "confirmed", why: "", size: 3, share: 0.25, wrong: [0.5, 0.125] },
  ...{ images: "", pictures: [], map: "", ...fields },
});

describe("the images of a suspicion", () => {
  it("are read from numbers in base64, those beyond the store left out", () => {
    expect([...membersOf(encoded(0, 3, 70000), 5)]).toEqual([1, 0, 0, 1, 0]);
    expect([...membersOf("", 2)]).toEqual([0, 0]);
    const large = membersOf(encoded(65536), 65537);
    expect([large[65536], large[65535]]).toEqual([1, 0]);
  });

  let store: Store;
  beforeEach(() => {
    store = new Store({ _images: new Array(5).fill(undefined) });
    const items = [suspicion({ images: encoded(4, 1) }), suspicion({ images: encoded(2) })];
    store.constants.value = welcome({ suspicions: { headline: "", summary: "", limits: [], items } });
  });

  it("are counted and shown by a filter of their own", () => {
    expect(store.filters.value.get(suspicionFilter(0))).toBe(2);
    store.traits.show.value = suspicionFilter(0);
    expect(store.rows.value).toEqual([1, 4]);
    store.traits.show.value = suspicionFilter(1);
    expect(store.rows.value).toEqual([2]);
  });

  it("are all images where there is no such suspicion any more, or none at all", () => {
    store.traits.show.value = suspicionFilter(7);
    expect(store.rows.value.length).toBe(5);
    store.traits.show.value = suspicionFilter(0);
    store.constants.value = welcome({ suspicions: null });
    expect(store.rows.value.length).toBe(5);
  });
});

describe("the words", () => {
  it("tell size, share and errors, and how many are here", () => {
    expect(suspicionFacts(suspicion({}), 3)).toBe(
      "3 images, 25.0 % of what is taken for horse; 50.0 % of them wrong, of the others 12.5 %",
    );
    expect(suspicionFacts(suspicion({ wrong: null }), 1)).toContain("3 images (1 of them here)");
    expect(suspicionFacts(suspicion({ wrong: null }), 1)).toContain("without labels nobody knows");
    expect(suspicionName(suspicion({}), 1)).toBe("2: horse, confirmed");
  });
});
