import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { maskColors } from "../src/canvas/maskOverlay";
import { PaintSurface } from "../src/canvas/paintSurface";
import type { Painted, PaintedImage, Up } from "../src/kernel/protocol";
import { blankMask, countOf, fillBox, unpack } from "../src/math/mask";
import { Actions } from "../src/state/actions";
import { AnswerCache } from "../src/state/answerCache";
import { paintCode } from "../src/state/paintCode";
import { mapShare, topOf } from "../src/state/paintedMap";
import { Painting } from "../src/state/painting";
import { allText, outcomeText, sharesText } from "../src/state/paintWords";
import { Session } from "../src/state/session";
import { DEFAULTS, mapOf, Store } from "../src/state/store";
import { whyNotScored } from "../src/state/strokes";
import { type FakeModel, fakeModel, item, running, welcome } from "./helpers";

const [WIDTH, HEIGHT] = [8, 4];
const PLACE = { image: 0, column: 0 };
const PICTURE = { name: "cat.jpg", width: 80, height: 40, box: [0, 0, 1, 1], mime: "", data: new Uint8Array() };
const box = (right: number) => fillBox(blankMask(WIDTH, HEIGHT), { x: 0, y: 0 }, { x: right, y: HEIGHT });

let model: FakeModel;
let store: Store;
let session: Session;
let actions: Actions;

/** A map whose right half says 3, and whose left half says 1. */
const answer = (gen: number, values = Float32Array.of(1, 3)) => {
  model.down(running(gen, "top"));
  const items = [item(), item({ image: 1 })];
  model.down({ kind: "maps", gen, seq: gen, items }, [values.buffer]);
  model.down({ kind: "done", gen, seconds: 1, maps: 2 });
};
const strokes = () => (model.sent as unknown as Up[]).filter((message) => message.kind === "paint");

function painted(serial: number, fields: Partial<Painted> = {}, of: Partial<PaintedImage> = {}): Painted {
  const paint = strokes().find((message) => message.serial === serial);
  const record = { image: 0, before: 0.5, after: 0.1, lost: 0.8, best_before: 0, best_after: 1, ...of };
  return {
    ...{ kind: "painted", gen: 1, view: paint?.view ?? "", serial, column: 0, value: "probability", share: 0.25 },
    ...{ images: [record], asked: 1, classes: [], has_probabilities: true, width: 8, height: 4, problem: "" },
    ...fields,
  };
}

beforeEach(() => {
  vi.useFakeTimers();
  model = fakeModel({ ...DEFAULTS, layer: "conv", method: "cam", _images: [PICTURE, { ...PICTURE, name: "dog.jpg" }] });
  store = new Store();
  session = new Session(model, store, new AnswerCache());
  actions = new Actions(store, session);
  const inspection = { input_shape: [HEIGHT, WIDTH, 3] } as never;
  model.down({ kind: "welcome", version: 1, gen: 0, ...welcome({ class_names: ["cat", "dog"], inspection }) });
  answer(1);
  store.painting.isOn.value = true;
  store.painting.open(0, WIDTH, HEIGHT);
  return () => session.close();
});

afterEach(() => {
  vi.useRealTimers();
});

describe("steps", () => {
  it("can be undone and done again, until another one is made", () => {
    const { painting } = store;
    for (const right of [2, 4, 6]) painting.replace(box(right));
    expect([painting.canUndo.value, painting.canRedo.value]).toEqual([true, false]);
    painting.undo();
    painting.undo();
    expect(countOf(painting.mask.value)).toBe(8);
    painting.redo();
    expect(painting.mask.value).toEqual(box(4));
    painting.replace(box(5));
    painting.redo();
    expect(painting.mask.value).toEqual(box(5));
    painting.clear();
    expect(painting.isEmpty.value).toBe(true);
    painting.undo();
    expect(painting.mask.value).toEqual(box(5));
    for (let step = 0; step < 9; step++) painting.undo();
    expect(countOf(painting.mask.value)).toBe(0);
    expect(painting.canUndo.value).toBe(false);
  });

  it("that change nothing are none", () => {
    const { painting } = store;
    painting.replace(box(2));
    painting.replace(box(2));
    painting.undo();
    expect(painting.canUndo.value).toBe(false);
  });

  it("are a hundred at most", () => {
    const painting = new Painting();
    painting.open(0, 400, 1);
    const line = (right: number) => fillBox(blankMask(400, 1), { x: 0, y: 0 }, { x: right, y: 1 });
    for (let right = 1; right <= 300; right++) painting.replace(line(right));
    for (let step = 0; step < 300; step++) painting.undo();
    expect(countOf(painting.mask.value)).toBe(201);
  });

  it("belong to a picture, and come back with it", () => {
    const { painting } = store;
    painting.replace(box(2));
    painting.open(1, WIDTH, HEIGHT);
    expect(painting.isEmpty.value).toBe(true);
    painting.replace(box(6));
    painting.open(0, WIDTH, HEIGHT);
    expect(painting.mask.value).toEqual(box(2));
    painting.undo();
    expect(painting.isEmpty.value).toBe(true);
    painting.open(0, 2, 2);
    expect(painting.mask.value).toEqual(blankMask(2, 2));
    for (let image = 0; image < 120; image++) painting.open(image, 2, 2);
    expect(painting.canUndo.value).toBe(false);
  });
});

describe("tools", () => {
  let surface: PaintSurface;
  beforeEach(() => {
    surface = new PaintSurface(store, actions, { image: 0, column: 0 });
  });
  const drag = (...points: [x: number, y: number][]) => {
    const [[x, y], ...others] = points;
    surface.begin({ x, y });
    for (const [x, y] of others) surface.move({ x, y });
    surface.end();
  };

  it("paint one step from pointer down to pointer up", () => {
    const { painting } = store;
    drag([0.1, 0.4], [0.5, 0.4], [0.9, 0.4]);
    expect(countOf(painting.mask.value)).toBe(8);
    painting.undo();
    expect(painting.isEmpty.value).toBe(true);
    surface.move({ x: 0.4, y: 0.4 });
    expect(painting.pointer.value).toEqual({ x: 0.4, y: 0.4 });
    surface.move(null);
    expect([painting.pointer.value, painting.isEmpty.value]).toEqual([null, true]);
    surface.end();
    expect(painting.canUndo.value).toBe(false);
  });

  it("mark a box, take away, and draw a lasso", () => {
    const { painting } = store;
    painting.tool.value = "box";
    drag([0, 0], [0.3, 0.3], [0.5, 1]);
    expect(painting.mask.value).toEqual(box(4));
    drag([0.7, 0.5]);
    expect(painting.mask.value).toEqual(box(4));
    painting.tool.value = "eraser";
    painting.brush.value = 1;
    drag([0, 0.5]);
    expect(countOf(painting.mask.value)).toBeLessThan(16);
    painting.clear();
    painting.tool.value = "lasso";
    drag([0, 0], [0.5, 0], [0.5, 0.001], [0.5, 1], [0, 1]);
    expect(painting.mask.value).toEqual(box(4));
    expect(painting.outline.value).toEqual([]);
  });

  it("paint what the model sees of a padded picture", () => {
    store.traits._images.value = [{ ...PICTURE, box: [-0.5, 0, 1.5, 1] }];
    store.painting.tool.value = "box";
    drag([0, 0], [0.5, 1]);
    expect(store.painting.mask.value).toEqual(fillBox(blankMask(8, 4), { x: 2, y: 0 }, { x: 4, y: 4 }));
  });

  it("give a stroke up for two fingers, and leave panning to another tool", () => {
    const { painting } = store;
    painting.replace(box(2));
    surface.begin({ x: 0.9, y: 0.5 });
    surface.cancel();
    surface.end();
    expect(painting.mask.value).toEqual(box(2));
    expect(surface.isOn).toBe(true);
    painting.tool.value = "move";
    expect(surface.isOn).toBe(false);
  });

  it("obey keys", () => {
    const { painting } = store;
    const at = (x: number, y: number) => ({ x, y });
    expect(surface.press(" ", at(0.5, 0.5))).toBe(true);
    expect(countOf(painting.mask.value)).toBeGreaterThan(0);
    expect(["a", "Enter", "Escape"].map((key) => surface.press(key, at(0, 0)))).toEqual([false, false, false]);
    painting.clear();
    painting.tool.value = "box";
    surface.press(" ", at(0, 0));
    expect(painting.isEmpty.value).toBe(true);
    surface.press(" ", at(0.5, 1));
    expect(painting.mask.value).toEqual(box(4));
    painting.clear();
    painting.tool.value = "lasso";
    for (const [x, y] of [
      [0, 0],
      [0.5, 0],
      [0.5, 1],
      [0, 1],
    ])
      surface.press(" ", at(x, y));
    expect(surface.press("Enter", at(0, 0))).toBe(true);
    expect(painting.mask.value).toEqual(box(4));
    surface.press(" ", at(0, 0));
    expect(surface.press("Escape", at(0, 0))).toBe(true);
    expect(painting.outline.value).toEqual([]);
  });

  it("do nothing to a picture that is not there", () => {
    store.traits._images.value = [];
    drag([0.1, 0.5], [0.9, 0.5]);
    expect(store.painting.isEmpty.value).toBe(true);
  });
});

describe("strokes", () => {
  it("are asked as bits in the size of the model's input", () => {
    store.painting.replace(box(2));
    store.painting.keep.value = true;
    store.cover.value = "mean";
    actions.scorePainted();
    const [paint] = strokes();
    expect(paint).toMatchObject({ gen: 1, images: [0], column: 0, cover: "mean", keep: true, size: [4, 8], serial: 1 });
    const bytes = Uint8Array.from(atob(paint.mask), (letter) => letter.charCodeAt(0));
    expect(unpack(bytes, 8, 4)).toEqual(box(2));
  });

  it("wait for the answer while a step goes on, but not at its end", () => {
    const { painting } = store;
    painting.replace(box(2));
    actions.scorePainted(true);
    for (let move = 0; move < 9; move++) {
      vi.advanceTimersByTime(200);
      actions.scorePainted(true);
    }
    expect(strokes().length).toBe(1);
    painting.replace(box(3));
    actions.scorePainted();
    expect(strokes().length).toBe(2);
    model.down(painted(2), [Uint8Array.of(7)]);
    expect(painting.answer.value?.question.mask).toEqual(box(3));
    expect(painting.answer.value?.picture?.data).toEqual(Uint8Array.of(7));
    // The earlier one comes late.
    model.down(painted(1), [Uint8Array.of(6)]);
    expect(painting.answer.value?.message.serial).toBe(2);
    vi.advanceTimersByTime(200);
    actions.scorePainted(true);
    expect(strokes().length).toBe(3);
    model.down(painted(3), [new Uint8Array()]);
    actions.scorePainted(true);
    expect(strokes().length).toBe(3);
  });

  it("are asked once more where the answer was lost, and not after the view is closed", () => {
    store.painting.replace(box(2));
    actions.scorePainted();
    vi.advanceTimersByTime(10_001);
    expect(strokes().length).toBe(2);
    model.down(painted(2), [new Uint8Array()]);
    vi.advanceTimersByTime(30_000);
    expect(strokes().length).toBe(2);
    actions.scorePainted();
    session.close();
    vi.advanceTimersByTime(30_000);
    expect(strokes().length).toBe(3);
  });

  it("of another view, or of a question before, are not taken for this one's", () => {
    store.painting.replace(box(2));
    actions.scorePainted();
    model.down(painted(1, { view: "another" }), [new Uint8Array()]);
    model.down(painted(1, { gen: 0 }), [new Uint8Array()]);
    expect(store.painting.answer.value).toBeNull();
  });

  it("with nothing painted are not asked, and take the answer away", () => {
    store.painting.replace(box(2));
    actions.scorePainted();
    model.down(painted(1), [new Uint8Array()]);
    store.painting.clear();
    actions.scorePainted();
    expect([strokes().length, store.painting.answer.value]).toEqual([1, null]);
    store.inSight.value = [0, 1];
    actions.scoreInSight();
    expect(strokes().length).toBe(1);
  });

  it("are applied to all images in sight, and told as they come", () => {
    store.painting.replace(box(2));
    actions.scoreInSight();
    expect(strokes().length).toBe(0);
    store.inSight.value = [0, 1];
    actions.scoreInSight();
    expect(strokes()[0].images).toEqual([0, 1]);
    model.down(painted(1, { asked: 2 }), [new Uint8Array()]);
    const { answerForAll } = store.painting;
    expect(answerForAll.value && allText(store, answerForAll.value)).toContain("0 of 1 images so far, of 2");
    expect(store.painting.answer.value).toBeNull();
  });

  it("of all images in sight are answered by the latest, even where an earlier one comes late", () => {
    store.inSight.value = [0, 1];
    for (const right of [2, 3]) {
      store.painting.replace(box(right));
      actions.scoreInSight();
    }
    model.down(painted(2, { asked: 2 }), [new Uint8Array()]);
    model.down(painted(1, { asked: 2 }), [new Uint8Array()]);
    expect(store.painting.answerForAll.value?.question.mask).toEqual(box(3));
    // They come in parts.
    model.down(painted(2, { asked: 2, share: 0.5 }), [new Uint8Array()]);
    expect(store.painting.answerForAll.value?.message.share).toBe(0.5);
  });

  it("are not asked without a model or a kernel, and the page says so", () => {
    store.painting.replace(box(2));
    const nothing = { questions: [], leftOut: 0, side: null };
    expect(whyNotScored(store)).toBe("");
    store.available.value = { ...nothing, offline: true, fromStore: true };
    expect(whyNotScored(store)).toContain("model");
    store.available.value = { ...nothing, offline: true, fromStore: false };
    expect(whyNotScored(store)).toContain("saved");
    store.available.value = null;
    store.status.value = "no-kernel";
    expect(whyNotScored(store)).toContain("kernel");
    actions.scorePainted();
    store.constants.value = null;
    store.status.value = "done";
    expect(whyNotScored(store)).not.toBe("");
    actions.scorePainted();
    expect(strokes().length).toBe(0);
  });
});

describe("the map", () => {
  const map = () => mapOf(store, PLACE) as NonNullable<ReturnType<typeof mapOf>>;

  it("proposes the pixels of its largest values", () => {
    const top = topOf(map(), 0.25, { width: WIDTH, height: HEIGHT });
    expect(top).toEqual(fillBox(blankMask(8, 4), { x: 6, y: 0 }, { x: 8, y: 4 }));
    expect(countOf(topOf(map(), 0, top))).toBe(0);
    expect(countOf(topOf(map(), 1, top))).toBe(32);
  });

  it("is shared out as it is when it is brought to the model's input", () => {
    // Half-pixel centres, edges clamped: 1, 1, 1.25, 1.75, 2.25, 2.75, 3, 3 along a row.
    expect(mapShare(map(), box(2))).toBeCloseTo(2 / 16, 6);
    expect(mapShare(map(), box(4))).toBeCloseTo(5 / 16, 6);
  });
});

describe("words", () => {
  const said = (fields: Partial<Painted> = {}, of: Partial<PaintedImage> = {}) => {
    actions.scorePainted();
    const serial = strokes().length;
    model.down(painted(serial, fields, of), [new Uint8Array()]);
    const { answer: last } = store.painting;
    return last.value ? outcomeText(store, last.value) : "";
  };

  it("tell how much is painted of the picture and of the map", () => {
    expect(sharesText(store, PLACE)).toContain("Nothing is painted");
    store.painting.replace(box(4));
    expect(sharesText(store, PLACE)).toBe("You covered 50 % of the picture, 31 % of the map");
    store.painting.keep.value = true;
    expect(sharesText(store, PLACE)).toBe("You kept 50 % of the picture, 31 % of the map");
    expect(sharesText(store, { image: 7, column: 0 })).toBe("You kept 50 % of the picture");
    answer(2, Float32Array.of(-1, 0));
    expect(sharesText(store, PLACE)).toContain("nothing positive");
  });

  it("tell what the class lost, and what the prediction is", () => {
    store.painting.replace(box(4));
    expect(said()).toBe("the probability of dog lost 80 % (50.0 % → 10.0 %). The prediction turns from cat into dog.");
    expect(said({}, { after: 0.75, lost: -0.5, best_after: 0 })).toBe(
      "the probability of dog rose, 50.0 % → 75.0 %. The prediction stays cat.",
    );
    expect(said({ value: "score" }, { before: 2, after: 1 })).toContain(
      "lost 80 % of what covering all of it takes (2 → 1)",
    );
    expect(said({ value: "score" }, { lost: null })).toContain("hardly lowers it");
    expect(said({}, { before: 0, after: 0, lost: null })).toContain("went 0 % → 0 %.");
    expect(said({}, { before: null, after: null, lost: null })).toContain("explains nothing here");
    expect(said({ problem: "The weights have changed." })).toBe("The weights have changed.");
    expect(said({ images: [] })).toBe("");
  });

  it("tell what became of all images", () => {
    const images = [0.5, 0.7, null].map((lost, image) => ({
      ...{ image, before: 1, after: 1, lost, best_before: 0, best_after: Number(image === 1) },
    }));
    const tell = (fields: Partial<Painted>) =>
      allText(store, {
        question: { gen: 1, images: [0, 1, 2], column: 0, cover: "blur", keep: false, mask: box(1) },
        message: painted(1, { asked: 3, images, ...fields }),
        picture: null,
      });
    expect(tell({})).toBe(
      "2 of 3 images kept their class. On average of the 2 where that can be told what is explained lost 60 % of its probability.",
    );
    expect(tell({ images: images.slice(2), asked: 1, value: "score" })).toBe(
      "1 of 1 images kept their class. What they lost cannot be told.",
    );
    expect(tell({ images: [{ ...images[0], lost: -0.25 }], asked: 1 })).toContain("gained 25 %");
    expect(tell({ images: [], asked: 0 })).toBe("None of these images can be read.");
    expect(tell({ problem: "Gone." })).toBe("Gone.");
  });
});

describe("the code", () => {
  it("makes a mask of few boxes from these", () => {
    store.painting.replace(box(4));
    store.constants.value = welcome({
      class_names: ["cat", "dog"],
      arguments: ["net", "photos", "class_names=names"],
    });
    expect(paintCode(store, { image: 1, column: 0 })).toBe(
      [
        "import kx_widget as kx",
        "import numpy as np",
        "",
        "x = kx.Explainer(net, class_names=names)",
        "mask = np.zeros((4, 8), bool)",
        "mask[0:4, 0:4] = True",
        'scores, probabilities = x.what_if(photos, [mask], cover="blur", keep=False)',
        "probabilities[1, 0, 1]  # dog in dog.jpg",
        "",
      ].join("\n"),
    );
  });

  it("makes one of many from bits, and takes an explainer as it is", () => {
    const mask = blankMask(8, 4);
    for (let i = 0; i < 32; i += 2) mask.pixels[i + (Math.floor(i / 8) % 2)] = 1;
    store.painting.replace(mask);
    store.painting.keep.value = true;
    const code = paintCode(store, PLACE);
    expect(code).toContain("import base64\n");
    expect(code).toContain('b64decode("qlWqVQ==")');
    expect(code).toContain("mask[0:4, 0:8] = np.unpackbits(bits, count=4 * 8).reshape(4, 8)");
    expect(code).toContain("x = model if isinstance(model, kx.Explainer) else kx.Explainer(model)");
    expect(code).toContain("keep=True");
  });

  it("of a store reads the picture from its file", () => {
    store.painting.replace(box(4));
    const facts = { images: 1, predicted: new Int32Array(1), labels: new Int32Array(), numbers: [] };
    store.stored.value = { ...facts, confidence: new Float32Array(1), scores: new Float32Array(1) };
    store.constants.value = welcome({ arguments: ["'maps.parquet'", "model", "sort=order", "fit='crop'"] });
    const code = paintCode(store, { image: 1, column: 0 });
    expect(code).toContain("x = kx.Explainer(model, fit='crop')");
    expect(code).toContain('x.what_if(["dog.jpg"], [mask]');
    expect(code).toContain("probabilities[0, 0, 1]");
    answer(2);
    expect(paintCode(store, { image: 7, column: 0 })).not.toContain("probabilities[");
  });
});

describe("what is painted", () => {
  it("has an edge, and what is not kept is dark", () => {
    const mask = fillBox(blankMask(6, 5), { x: 0, y: 1 }, { x: 4, y: 5 });
    const colors = (keep: boolean) => {
      const out = new Uint32Array(30);
      maskColors(mask, keep, out);
      const names = new Map<number, string>();
      return Array.from(out, (color) => {
        const name = color === 0 ? "." : (names.get(color) ?? "abc"[names.size]);
        if (color !== 0) names.set(color, name);
        return name;
      }).join("");
    };
    expect(colors(false)).toBe("......aaaa..bbba..bbba..bbba..");
    expect(colors(true)).toBe("aaaaaabbbbaa...baa...baa...baa");
  });
});
