import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Actions } from "../src/state/actions";
import { AnswerCache } from "../src/state/answerCache";
import { explainedIndex, shownDetections } from "../src/state/detections";
import { Session } from "../src/state/session";
import { currentQuestion, DEFAULTS, Store } from "../src/state/store";
import { DetectedBoxes } from "../src/view/detectedBoxes";
import { Screen } from "./dom";
import { type FakeModel, fakeModel, welcome } from "./helpers";

const PICTURE = { name: "a.jpg", width: 40, height: 20, box: [0, 0, 1, 1], mime: "" };
const CAT = { box: [4, 5, 24, 15], target: 0, score: 0.92 };
const DOG = { box: [30, -5, 50, 10], target: 1, score: 0.4 };
const OWL = { box: [0, 0, 10, 10], target: 2, score: 0.2 };
const region = ({ box, target }: typeof CAT) => ({ kind: "box", at: box, winner: target });

let model: FakeModel;
let store: Store;
let session: Session;
let screen: Screen;

beforeEach(() => {
  const pictures = [PICTURE, PICTURE].map((picture) => ({ ...picture, data: new Uint8Array() }));
  model = fakeModel({ ...DEFAULTS, layer: "conv", method: "cam", _images: pictures, _detections: [[CAT, DOG], [OWL]] });
  store = new Store();
  session = new Session(model, store, new AnswerCache());
  const about = welcome({ class_names: ["cat", "dog", "owl"] });
  model.down({ kind: "welcome", version: 1, gen: 0, ...about, offer: null });
  const actions = new Actions(store, session);
  const picture = store.traits._images.value[0];
  screen = new Screen(() => <DetectedBoxes store={store} actions={actions} image={0} picture={picture} />);
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
  const [cat, dog] = screen
    .all("button")
    .map(({ style, styles }): Record<string, unknown> => ({ ...style, ...Object.fromEntries(styles) }));
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
