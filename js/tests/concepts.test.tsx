import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import fixture from "../../tests/fixtures/archive.json";
import type { ExportContext } from "../src/canvas/captions";
import { conceptColour, paintConcepts } from "../src/canvas/conceptBitmaps";
import { legendOf } from "../src/canvas/exportLegend";
import { openArchive } from "../src/kernel/archive";
import { type ConceptMap, type ConceptSet, readConcepts } from "../src/kernel/conceptSet";
import { AnswerCache } from "../src/state/answerCache";
import { canShowConcepts, conceptsText, importanceOf, importantClass, lookAmongRows } from "../src/state/concepts";
import { layersOf, shownOverlay } from "../src/state/segmentations";
import { Session } from "../src/state/session";
import { DEFAULTS, type Picture, Store, type Traits } from "../src/state/store";
import { captionLines } from "../src/view/caption";
import { ConceptStrip, ConceptsButton } from "../src/view/conceptStrip";
import { Screen } from "./dom";
import { COLUMN, type FakeModel, fakeModel, item, predictions, running, silentActions, welcome } from "./helpers";

const PICTURE: Picture = {
  ...{ name: "in/cat.png", width: 4, height: 2, box: [0, 0, 1, 1], mime: "", problem: "not here" },
  data: new Uint8Array(),
};
const MESSAGE = {
  ...{ key: "1 a", layer: "conv", shape: [1, 2], images: [0, 1], sentence: "2 concepts hold 90 %", notes: ["Poor."] },
  concepts: [{ typical: [{ image: 0, box: [0, 0, 0.5, 1] }] }, { typical: [{ image: 1, box: [0, 0, 1, 1] }] }],
  problem: "",
};
/** Of two concepts and two classes, and of two images. */
const buffers = () => [Float32Array.of(3, -1, 0.5, 2).buffer, Uint8Array.of(255, 10, 0, 200, 0, 0, 255, 0).buffer];
const INSPECTION = { recommended: "conv", layers: [] } as never;
const known = (): ConceptSet => readConcepts(MESSAGE, buffers(), null);

describe("the concepts of a message", () => {
  it("are read, image by image", () => {
    const set = known();
    expect([...set.importance]).toEqual([3, -1, 0.5, 2]);
    expect([...(set.maps.get(1)?.strengths ?? [])]).toEqual([0, 0, 255, 0]);
    expect(set.typical[1]).toEqual([{ image: 1, box: [0, 0, 1, 1] }]);
  });

  it("are completed by those of other images, and replaced by others", () => {
    const more = { ...MESSAGE, images: [4] };
    const bytes = [new ArrayBuffer(0), Uint8Array.of(1, 2, 3, 4).buffer];
    const set = readConcepts(more, bytes, known());
    expect([...set.maps.keys()]).toEqual([0, 1, 4]);
    expect([...set.importance]).toEqual([3, -1, 0.5, 2]);
    expect([...readConcepts({ ...more, key: "2 b" }, bytes, known()).maps.keys()]).toEqual([4]);
  });

  it("of fewer cells than they say are an error", () => {
    expect(() => readConcepts({ ...MESSAGE, images: [0, 1, 2] }, buffers(), null)).toThrow("3 images have 8 cells");
  });

  it("are read from a page that Python wrote", async () => {
    const archive = await openArchive(Uint8Array.from(atob(fixture.block), (c) => c.charCodeAt(0)));
    const set = archive?.concepts;
    // As in `found_concepts` of tests/fixtures/make.py: each class is shown by one image.
    expect([...(set?.importance ?? [])]).toEqual([3, 0, 0.5, 2]);
    expect([...(set?.maps.get(0)?.strengths ?? [])]).toEqual([255, 128, 0, 128]);
    expect([...(set?.maps.get(1)?.strengths ?? [])]).toEqual([0, 0, 255, 0]);
    expect(set?.notes).toEqual(["Poor: a note."]);
  });
});

describe("a picture's concepts", () => {
  const map: ConceptMap = { height: 1, width: 3, strengths: Uint8Array.of(255, 100, 0, 50, 200, 0) };
  const painted = (alone: number | null) => {
    const out = new Uint32Array(3);
    paintConcepts(map, alone, { width: 3, height: 1 }, out);
    const bytes = new Uint8Array(out.buffer);
    return [0, 1, 2].map((i) => {
      const [red, green, blue, alpha] = bytes.subarray(4 * i, 4 * i + 4);
      return [`#${[red, green, blue].map((each) => each.toString(16).padStart(2, "0")).join("")}`, alpha] as const;
    });
  };

  it("have the colour of the strongest, the fainter the less there is of it, and none where there is nothing", () => {
    const [first, second, third] = painted(null);
    expect(first).toEqual([conceptColour(0), 255]);
    expect(second[0]).toBe(conceptColour(1));
    expect(second[1]).toBeLessThan(255);
    expect(third[1]).toBe(0);
  });

  it("are drawn alone where one is chosen", () => {
    const [first, second] = painted(0);
    expect(second[0]).toBe(conceptColour(0));
    expect(second[1]).toBeLessThan(first[1]);
  });

  it("have a colour each, for sixteen of them", () => {
    expect(new Set(Array.from({ length: 16 }, (_, concept) => conceptColour(concept))).size).toBe(16);
  });
});

describe("a session", () => {
  let model: FakeModel;
  let store: Store;
  let session: Session;

  beforeEach(() => {
    vi.useFakeTimers();
    model = fakeModel({ ...DEFAULTS, layer: "conv", method: "cam", _images: [PICTURE, PICTURE, PICTURE] });
    store = new Store();
    session = new Session(model, store, new AnswerCache());
    store.constants.value = welcome({ inspection: INSPECTION, class_names: ["cat", "dog"] });
    store.inSight.value = [0, 1];
  });
  afterEach(() => {
    session.close();
    vi.useRealTimers();
  });
  const answer = (gen: number) => {
    model.down(running(gen));
    model.down({ kind: "maps", gen, seq: gen, items: [item()] }, [Float32Array.of(1, 2).buffer]);
    model.down({ kind: "done", gen, seconds: 1, maps: 1 });
  };
  const asked = () => model.sent.filter(({ kind }) => kind === "find_concepts");
  const show = () => {
    store.traits.overlay.value = "concepts";
  };

  it("asks for concepts while they are shown, once an answer is there", () => {
    answer(1);
    expect(asked()).toEqual([]);
    show();
    expect(asked()).toEqual([{ kind: "find_concepts", have: "", concepts: 8, images: [0, 1], among: [] }]);
    expect(store.conceptProgress.value).toBe(0);
    // Meanwhile the maps are seen.
    expect(shownOverlay(store)).toBe("map");
    model.down({ kind: "concepts", done: 1, ...MESSAGE }, buffers());
    expect(store.conceptProgress.value).toBe(null);
    expect(shownOverlay(store)).toBe("concepts");
    expect(layersOf(store, { image: 1, column: 0 }).concepts?.width).toBe(2);
    expect(asked()).toHaveLength(1);
  });

  it("asks for images that come into sight, and anew after each answer and for another number", () => {
    answer(1);
    show();
    model.down({ kind: "concepts", done: 1, ...MESSAGE }, buffers());
    store.inSight.value = [1, 2];
    expect(asked().at(-1)).toEqual({ kind: "find_concepts", have: "1 a", concepts: 8, images: [2], among: [] });
    model.down({ kind: "concepts", done: 1, ...MESSAGE, images: [2] }, [new ArrayBuffer(0), new ArrayBuffer(4)]);
    answer(2);
    expect(asked().at(-1)).toEqual({ kind: "find_concepts", have: "1 a", concepts: 8, images: [], among: [] });
    store.conceptCount.value = 4;
    expect(asked().at(-1)).toEqual({ kind: "find_concepts", have: "1 a", concepts: 4, images: [], among: [] });
    expect(asked()).toHaveLength(4);
  });

  it("forgets which one is seen alone when there are others", () => {
    answer(1);
    show();
    model.down({ kind: "concepts", done: 1, ...MESSAGE }, buffers());
    store.conceptAlone.value = 1;
    model.down({ kind: "concepts", done: 1, ...MESSAGE, images: [] }, [new ArrayBuffer(0), new ArrayBuffer(0)]);
    expect(store.conceptAlone.value).toBe(1);
    model.down({ kind: "concepts", done: 1, ...MESSAGE, key: "2 b" }, buffers());
    expect(store.conceptAlone.value).toBe(null);
  });

  it("keeps those that are here when there are no newer ones, and says why", () => {
    answer(1);
    show();
    model.down({ kind: "concepts", done: 1, ...MESSAGE }, buffers());
    const none = { ...MESSAGE, key: "", concepts: [], images: [], shape: [0, 0], problem: "no room" };
    model.down({ kind: "concepts", done: 1, ...none }, [new ArrayBuffer(0), new ArrayBuffer(0)]);
    expect(store.concepts.value?.problem).toBe("no room");
    expect(store.concepts.value?.maps.size).toBe(2);
  });

  it("asks again for what a host may have lost, unless the kernel tells how far it is", () => {
    answer(1);
    show();
    vi.advanceTimersByTime(10_000);
    const none = { ...MESSAGE, key: "", concepts: [], images: [], shape: [0, 0], done: 0.5 };
    model.down({ kind: "concepts", ...none }, [new ArrayBuffer(0), new ArrayBuffer(0)]);
    expect([store.conceptProgress.value, store.concepts.value]).toEqual([0.5, null]);
    vi.advanceTimersByTime(10_000);
    expect(asked()).toHaveLength(1);
    vi.advanceTimersByTime(6_000);
    expect(asked()).toHaveLength(2);
  });

  it("asks for those of the rows that are shown, and of all again", () => {
    answer(1);
    show();
    model.down({ kind: "concepts", done: 1, ...MESSAGE }, buffers());
    store.traits.labels.value = [1, 0, 0];
    store.predictions.value = predictions([0.9, 0.1], [0.9, 0.1], [0.9, 0.1]);
    store.traits.show.value = "right";
    lookAmongRows(store);
    expect(asked().at(-1)).toEqual({ kind: "find_concepts", have: "1 a", concepts: 8, images: [], among: [1, 2] });
    lookAmongRows(store);
    expect(asked().at(-1)).toEqual({ kind: "find_concepts", have: "1 a", concepts: 8, images: [], among: [] });
  });
});

describe("on the screen", () => {
  let store: Store;
  let requests: Partial<Traits>[];
  let screen: Screen;

  beforeEach(() => {
    store = new Store({ overlay: "concepts", _images: [PICTURE, { ...PICTURE, name: "dog.png" }] });
    store.constants.value = welcome({ class_names: ["cat, felis", "dog"], inspection: INSPECTION });
    store.predictions.value = predictions([0.9, 0.1], [0.2, 0.8]);
    store.concepts.value = known();
    store.status.value = "done";
    const silent = silentActions(store);
    requests = silent.requests;
    screen = new Screen(() => (
      <>
        <ConceptsButton store={store} actions={silent.actions} />
        <ConceptStrip store={store} actions={silent.actions} />
      </>
    ));
  });
  afterEach(() => screen.close());
  const change = (work: () => void) => act(work);
  const cards = () => screen.all("button").filter(({ textContent }) => textContent.startsWith("concept "));

  it("there is a legend that says what they are, and that they have no names", () => {
    expect(screen.text).toContain("2 concepts hold 90 %");
    expect(screen.text).toContain("They have no names");
    expect(screen.text).toContain("Poor.");
    expect(cards().map(({ textContent }) => textContent)).toEqual(["concept 13", "concept 20.5"]);
  });

  it("importance is that for the class in focus", () => {
    expect([importantClass(store), importanceOf(store, 0)]).toEqual([0, [3, 0.5]]);
    expect(screen.text).toContain("what the score of cat loses");
    change(() => {
      store.traits.selected.value = [1];
    });
    expect(importanceOf(store, importantClass(store))).toEqual([-1, 2]);
    expect(cards()[0].textContent).toBe("concept 1−1");
    change(() => {
      const tiles = new Map([["1/0", { item: item({ image: 1, target: 0 }) } as never]]);
      store.answer.value = { gen: 1, key: "", columns: [{ ...COLUMN, target: "cat" }], tiles };
    });
    expect(importantClass(store)).toBe(0);
  });

  it("a click shows one alone, and all again", () => {
    cards()[1].fire("click");
    expect(store.conceptAlone.value).toBe(1);
    expect(cards().map((card) => card.attributes.get("aria-pressed"))).toEqual(["false", "true"]);
    screen.one("button", "Show all").fire("click");
    expect(store.conceptAlone.value).toBe(null);
    cards()[0].fire("click");
    cards()[0].fire("click");
    expect(store.conceptAlone.value).toBe(null);
  });

  it("the button and the cross show the maps again", () => {
    screen.one("button", "Concepts").fire("click");
    expect(requests).toEqual([{ overlay: "map" }]);
    expect(cards()).toEqual([]);
    screen.one("button", "Concepts").fire("click");
    screen.one("button", "Close the concepts").fire("click");
    expect(requests.slice(1)).toEqual([{ overlay: "concepts" }, { overlay: "map" }]);
  });

  it("more or fewer can be looked for", () => {
    const select = screen.one("combobox", "How many");
    select.value = "4";
    select.fire("change");
    expect(store.conceptCount.value).toBe(4);
  });

  it("it says that they are being looked for, and why there are none", () => {
    change(() => {
      store.conceptProgress.value = 0.4;
    });
    expect(screen.text).toContain("Looking for concepts, 40");
    change(() => {
      store.conceptProgress.value = null;
      store.concepts.value = { ...known(), typical: [], maps: new Map(), sentence: "", notes: [], problem: "no room" };
    });
    expect(screen.text).toContain("no room");
  });

  it("where rows are filtered, concepts of these can be looked for", () => {
    expect(screen.all("button").some(({ textContent }) => textContent.startsWith("Look in"))).toBe(false);
    change(() => {
      store.traits.labels.value = [0, 0];
      store.traits.show.value = "wrong";
    });
    screen.one("button", "Look in this image only").fire("click");
    expect(store.conceptsAmong.value).toEqual([1]);
    expect(screen.text).toContain("90 % in the 1 chosen");
    screen.one("button", "Look in all images").fire("click");
    expect(store.conceptsAmong.value).toEqual([]);
  });

  it("nothing stands under the tiles of what was measured of maps", () => {
    store.evidence.value = new Map([["0/0", {} as never]]);
    expect(captionLines(store).evidence).toBe(false);
    store.traits.overlay.value = "map";
    expect(captionLines(store).evidence).toBe(true);
  });

  it("a tile is told in words", () => {
    expect(conceptsText(store, { image: 0, column: 0 })).toBe("concept 1, concept 2");
    expect(conceptsText(store, { image: 1, column: 0 })).toBe("concept 2");
    expect(conceptsText(store, { image: 9, column: 0 })).toBe("");
  });

  it("an exported picture has their colours at its foot", () => {
    const context = { measureText: () => ({ width: 10 }) } as unknown as ExportContext;
    expect(legendOf(context, store, [0], 1000, 1).map(({ text }) => text)).toEqual(["concept 1", "concept 2"]);
    store.conceptAlone.value = 1;
    expect(legendOf(context, store, [0], 1000, 1).map(({ colour }) => colour)).toEqual([conceptColour(1)]);
  });

  it("there are none without a layer, in tiles, or where nothing answers and none were kept", () => {
    const constants = welcome({ inspection: INSPECTION });
    expect(canShowConcepts(store)).toBe(true);
    store.constants.value = { ...constants, unmeasurable: "in tiles" };
    expect(canShowConcepts(store)).toBe(false);
    store.constants.value = { ...constants, inspection: { recommended: null } as never };
    expect(canShowConcepts(store)).toBe(false);
    store.constants.value = constants;
    store.status.value = "no-kernel";
    expect(canShowConcepts(store)).toBe(true);
    store.concepts.value = null;
    expect(canShowConcepts(store)).toBe(false);
    expect(shownOverlay(store)).toBe("map");
  });
});
