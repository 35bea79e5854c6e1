import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ExportContext } from "../src/canvas/captions";
import { drawDetections } from "../src/canvas/drawDetections";
import type { Stage } from "../src/canvas/stage";
import { Transform } from "../src/math/transform";
import { Actions } from "../src/state/actions";
import { AnswerCache } from "../src/state/answerCache";
import { explainedIndex, shownDetections } from "../src/state/detections";
import { Session } from "../src/state/session";
import { currentQuestion, DEFAULTS, Store } from "../src/state/store";
import { CloseUp } from "../src/view/closeUp";
import { DetectedBoxes } from "../src/view/detectedBoxes";
import { type Element, Screen } from "./dom";
import { type FakeModel, fakeModel, welcome } from "./helpers";

const PICTURE = { name: "a.jpg", width: 40, height: 20, box: [0, 0, 1, 1], mime: "" };
const CAT = { box: [4, 5, 24, 15], target: 0, score: 0.92 };
const DOG = { box: [30, -5, 50, 10], target: 1, score: 0.4 };
const OWL = { box: [0, 0, 10, 10], target: 2, score: 0.2 };
const region = ({ box, target }: typeof CAT) => ({ kind: "box", at: box, winner: target });

let model: FakeModel;
let store: Store;
let session: Session;
let actions: Actions;
let screen: Screen;

beforeEach(() => {
  const pictures = [PICTURE, PICTURE].map((picture) => ({ ...picture, data: new Uint8Array() }));
  model = fakeModel({ ...DEFAULTS, layer: "conv", method: "cam", _images: pictures, _detections: [[CAT, DOG], [OWL]] });
  store = new Store();
  session = new Session(model, store, new AnswerCache());
  const about = welcome({ class_names: ["cat", "dog", "owl"] });
  model.down({ kind: "welcome", version: 1, gen: 0, ...about, offer: null });
  actions = new Actions(store, session);
  const picture = store.traits._images.value[0];
  screen = new Screen(() => <DetectedBoxes store={store} actions={actions} image={0} picture={picture} aspect={2} />);
});

afterEach(() => {
  screen.close();
  session.close();
});

const from = (least: number | null) =>
  act(() => {
    store.boxesFrom.value = least;
  });
const press = (name: string) => act(() => void screen.one("button", name).fire("click"));
const labels = () => screen.all("button").map((button) => button.attributes.get("aria-label"));

/** What an element is given, besides its classes. */
const styleOf = ({ style, styles }: Element): Record<string, unknown> => ({ ...style, ...Object.fromEntries(styles) });

it("draws what is probable enough, and the most probable of each image", () => {
  expect(labels()).toEqual(["cat 92 %"]);
  expect(shownDetections(store, 1)).toEqual([OWL]);
  from(0.3);
  expect(labels()).toEqual(["cat 92 %", "dog 40 %"]);
  from(null);
  expect(labels()).toEqual([]);
  expect(shownDetections(store, 1)).toEqual([]);
});

it("lays boxes over the picture, and labels within it", () => {
  from(0);
  const [cat, dog] = screen.all("button").map(styleOf);
  expect(cat).toMatchObject({ left: "10%", top: "25%", width: "50%", height: "50%", "--in-top": "0%" });
  // A quarter of the width lies in the picture, and two thirds of the height.
  expect(dog).toMatchObject({ left: "75%", top: "-25%", "--in-right": "50%" });
  expect(Number.parseFloat(String(dog["--in-top"]))).toBeCloseTo(100 / 3);
});

it("asks about a detection, in the class that was detected, and about the picture again", () => {
  from(0);
  press("dog 40 %");
  expect(currentQuestion(store)).toMatchObject({ target: "top", regions: { 0: region(DOG) } });
  expect(explainedIndex(store, 0)).toBe(1);
  const [cat, dog] = screen.all("button");
  expect([cat, dog].map((button) => button.attributes.get("aria-pressed"))).toEqual(["false", "true"]);
  press("dog 40 %");
  expect(currentQuestion(store).regions).toEqual({});
});

it("is one stop for Tab, at what is explained, and goes round by arrow keys", () => {
  from(0);
  const stops = () => screen.all("button").map((button) => Number(button.attribute("tabIndex")));
  const focused = () => screen.all("button").findIndex((button) => button.matches(":focus"));
  const key = (name: string) => screen.all("button")[focused()].fire("keydown", { key: name });
  expect(stops()).toEqual([0, -1]);
  press("dog 40 %");
  expect(stops()).toEqual([-1, 0]);
  screen.one("button", "dog 40 %").focus();
  const steps = ["ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp", "a"].map((name) => [
    !key(name),
    focused(),
    stops(),
  ]);
  expect(steps).toEqual([
    [true, 0, [0, -1]],
    [true, 1, [-1, 0]],
    [true, 0, [0, -1]],
    [true, 1, [-1, 0]],
    [false, 1, [-1, 0]],
  ]);
});

it("keeps a stop where fewer boxes are drawn", () => {
  from(0);
  screen.one("button", "dog 40 %").focus();
  from(0.5);
  expect(screen.all("button").map((button) => button.attribute("tabIndex"))).toEqual(["0"]);
});

it("opens what was kept where no kernel answers, and nothing else", () => {
  from(0);
  const question = { ...currentQuestion(store), method: "other", regions: { 0: region(CAT) } } as never;
  act(() => {
    store.available.value = { questions: [question], offline: true, fromStore: false, leftOut: 0, side: null };
  });
  const disabled = screen.all("button").map((button) => button.attributes.has("disabled"));
  expect(disabled).toEqual([false, true]);
});

describe("in the large picture", () => {
  const boxes = () => screen.one("toolbar", "Detected").querySelectorAll("button");
  const open = (about: object = {}) => {
    screen.close();
    act(() => {
      store.traits._images.value = [{ ...store.traits._images.value[0], ...about }];
    });
    const stage = { attach: () => () => {} } as unknown as Stage;
    screen = new Screen(() => <CloseUp store={store} actions={actions} stage={stage} image={0} />);
  };

  it("the same boxes are drawn, and explained", () => {
    open();
    from(0.3);
    expect(boxes().map((box) => box.attribute("aria-label"))).toEqual(["cat 92 %", "dog 40 %"]);
    press("dog 40 %");
    expect(currentQuestion(store)).toMatchObject({ target: "top", regions: { 0: region(DOG) } });
    expect(boxes()[1].attribute("aria-pressed")).toBe("true");
    from(null);
    expect(screen.all("toolbar", "Detected")).toEqual([]);
  });

  it("one is reached by Tab, and the others by arrows", () => {
    open();
    from(0);
    const stops = () => boxes().map((box) => Number(box.attribute("tabIndex")));
    expect(stops()).toEqual([0, -1]);
    act(() => boxes()[0].focus());
    boxes()[0].fire("keydown", { key: "ArrowLeft" });
    expect(boxes()[1].matches(":focus")).toBe(true);
    expect(stops()).toEqual([-1, 0]);
  });

  it("boxes are zoomed and panned as it is, and not as the tiles are", () => {
    open();
    expect(styleOf(boxes()[0])).toMatchObject({ left: "10%", width: "50%" });
    press("Zoom in");
    const { left, top, width, height } = styleOf(boxes()[0]);
    expect([left, top, width, height].map((each) => Number.parseFloat(String(each)))).toEqual([
      expect.closeTo(-10),
      expect.closeTo(12.5),
      expect.closeTo(75),
      expect.closeTo(75),
    ]);
    act(() => {
      store.view.value = Transform.identity.zoom(4);
    });
    expect(styleOf(boxes()[0])).toMatchObject({ left, width });
  });

  it("boxes lie in its picture where that leaves a part of the frame free", () => {
    open({ height: 40 });
    expect(styleOf(screen.one("toolbar", "Detected"))).toMatchObject({
      ...{ left: "10%", width: "80%", top: "calc(0 * var(--height))", height: "calc(1 * var(--height))" },
    });
  });
});

describe("in an exported picture", () => {
  type Rectangle = number[];

  /** What is drawn over a tile of 80 × 40 at 100, 10: rectangles with the colours of their lines, and labels. */
  function drawn(view = Transform.identity) {
    let path: Rectangle = [];
    const boxes: { box: Rectangle; colours: string[] }[] = [];
    const labels: { text: string; x: number; box: Rectangle }[] = [];
    let clip: Rectangle | null = null;
    const context = {
      ...{ font: "", fillStyle: "", strokeStyle: "", lineWidth: 0, save: () => {}, restore: () => {} },
      beginPath: () => {
        path = [];
      },
      rect: (x: number, y: number, width: number, height: number) => {
        path = [x, y, width, height];
      },
      clip: () => {
        clip = path;
      },
      stroke: () => {
        if (boxes.at(-1)?.box !== path) boxes.push({ box: path, colours: [] });
        boxes.at(-1)?.colours.push(context.strokeStyle);
      },
      measureText: (text: string) => ({ width: 2 * text.length }),
      fillRect: (...box: Rectangle) => void labels.push({ text: "", x: 0, box }),
      fillText: (text: string, x: number) => Object.assign(labels[labels.length - 1], { text, x }),
    };
    const picture = store.traits._images.value[0];
    const rect = { x: 100, y: 10, width: 80, height: 40 };
    const about = { image: 0, picture, view, unit: 1 };
    drawDetections(context as unknown as ExportContext, rect, store, about);
    return { boxes, labels, clip };
  }

  it("boxes lie as in the tiles, the most probable above", () => {
    from(0);
    const { boxes, labels, clip } = drawn();
    expect(clip).toEqual([100, 10, 80, 40]);
    expect(boxes.map(({ box }) => box)).toEqual([
      [160, 0, 40, 30],
      [108, 20, 40, 20],
    ]);
    expect(boxes.map(({ colours }) => colours[1])).toEqual(["#fff", "#fff"]);
    expect(labels.map(({ text }) => text)).toEqual(["dog 40 %", "cat 92 %"]);
    // Both labels lie in the picture: one ends where it ends, and begins at its top.
    expect(labels.map(({ box: [x, y, width] }) => [x, y, x + width])).toEqual([
      [156, 10, 180],
      [108, 20, 132],
    ]);
  });

  it("the one that is explained lies above all, in its colour", () => {
    from(0);
    press("dog 40 %");
    const { boxes } = drawn();
    expect(boxes.map(({ box: [x], colours }) => [x, colours[1]])).toEqual([
      [108, "#fff"],
      [160, "#4d86ff"],
    ]);
  });

  it("are those that are shown, as zoomed as the tile is, with no label out of sight", () => {
    expect(drawn().labels.map(({ text }) => text)).toEqual(["cat 92 %"]);
    from(null);
    expect(drawn()).toEqual({ boxes: [], labels: [], clip: null });
    from(0);
    const { boxes, labels } = drawn(Transform.identity.zoom(2, { x: 0, y: 0 }));
    expect(boxes.map(({ box }) => box)).toEqual([
      [220, -10, 80, 60],
      [116, 30, 80, 40],
    ]);
    expect(labels.map(({ text }) => text)).toEqual(["cat 92 %"]);
  });
});
