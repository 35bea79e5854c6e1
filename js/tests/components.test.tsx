import { type ReadonlySignal, signal } from "@preact/signals";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { classColour } from "../src/canvas/classColours";
import type { Stage } from "../src/canvas/stage";
import { tileKey } from "../src/kernel/decode";
import type { ClassRecord, MethodRecord, QuestionRecord } from "../src/kernel/protocol";
import type { Transform } from "../src/math/transform";
import type { Actions } from "../src/state/actions";
import { shownDetections } from "../src/state/detections";
import { currentQuestion, Store, type Traits } from "../src/state/store";
import { ClassPicker } from "../src/view/classPicker";
import { Colorbar } from "../src/view/colorbar";
import { ColumnChips, CompareField } from "../src/view/compare";
import { CoveredClasses } from "../src/view/coveredView";
import { DisplayControls } from "../src/view/displayControls";
import { HelpButton, Prompts } from "../src/view/help";
import { LimitHandle } from "../src/view/limitHandle";
import { MapNotes } from "../src/view/mapNotes";
import { MethodForm } from "../src/view/methodForm";
import { PanelButton, PanelSlot, usePanel } from "../src/view/panelSlot";
import { PopupButton } from "../src/view/popupButton";
import { PredictionBars, TruthLine, WhyNot } from "../src/view/predictionBars";
import { Slider } from "../src/view/slider";
import { Screen } from "./dom";
import { COLUMN, item, predictions, silentActions, welcome } from "./helpers";

const NAMES = ["cat, tabby", "dog", "cup", "sky", "sky", "owl", "car"];
const PICTURE = { name: "photos/a.png", width: 100, height: 100, box: [0, 0, 1, 1], mime: "", data: new Uint8Array() };

let store: Store;
let requests: Partial<Traits>[];
let actions: Actions;
let screen: Screen;

function begin(traits: Partial<Traits> = {}): void {
  store = new Store({ layer: "conv", method: "cam", _images: [PICTURE, { ...PICTURE, name: "b.png" }], ...traits });
  store.constants.value = welcome({ class_names: NAMES });
  store.predictions.value = predictions([0.5, 0.1, 0.08, 0.07, 0.06, 0.05, 0.14], [0, 1, 0, 0, 0, 0, 0]);
  ({ actions, requests } = silentActions(store));
}

/** A page without Python, with the answers to these questions alone. */
function goOffline(...questions: Partial<QuestionRecord>[]): void {
  const all = questions.map((question) => ({ ...currentQuestion(store), ...question }));
  store.available.value = { questions: all, offline: true, fromStore: false, leftOut: 0, side: null };
}

function showMap(fields = {}): void {
  const map = { item: item(fields), values: Float32Array.of(1, 2), extent: { lo: 1, hi: 2, loAt: 0, hiAt: 1 } };
  const columns = [{ ...COLUMN, target: "top" }];
  store.answer.value = { gen: 1, key: "", columns, tiles: new Map([[tileKey(map.item.image, 0), map]]) };
}

const show = (component: ConstructorParameters<typeof Screen>[0]) => {
  screen = new Screen(component);
};

beforeEach(() => begin());
afterEach(() => screen.close());

describe("the most probable classes", () => {
  const bars = (explained: number) => show(() => <PredictionBars {...{ store, actions, explained }} image={0} />);
  const texts = () => screen.all("button").map((button) => button.textContent);

  it("are five, and the explained one if it is none of them", () => {
    bars(5);
    expect(texts()).toEqual(["cat50.0 %", "car14.0 %", "dog10.0 %", "cup8.0 %", "sky7.0 %", "owl5.0 %"]);
    expect(screen.one("button", /^owl/).attribute("aria-pressed")).toBe("true");
  });

  it("are asked for by a click, by index where a name is not clear, and not twice", () => {
    bars(1);
    for (const name of [/^cat/, /^sky/, /^dog/]) screen.one("button", name).fire("click");
    expect(requests).toEqual([{ target: "cat, tabby" }, { target: 3 }]);
  });

  it("tell which is the true one", () => {
    begin({ labels: [6, 1] });
    bars(0);
    expect(texts()[1]).toBe("cartrue14.0 %");
  });

  it("can be asked for without Python as far as they were before, by name or by rank", () => {
    goOffline({ target: "top-2" }, { target: "dog" });
    bars(-1);
    for (const button of screen.all("button")) button.fire("click");
    expect(requests.map(({ target }) => target)).toEqual(["top-2", "dog"]);
    expect(screen.one("button", /^cup/).attribute("aria-disabled")).toBe("true");
    expect(screen.one("button", /^cup/).attribute("title")).toContain("needs the kernel");
  });

  it("are none where nothing is known", () => {
    store.predictions.value = null;
    bars(0);
    expect(screen.text).toBe("");
  });
});

describe("what a model predicts that is no probability", () => {
  const about = (fields: Parameters<typeof welcome>[0]) => {
    store.constants.value = welcome({ class_names: ["age", "height"], ...fields });
  };
  const bars = (explained: number) => show(() => <PredictionBars {...{ store, actions, explained }} image={0} />);
  const texts = () => screen.all("button").map((button) => button.textContent);
  const shares = () =>
    screen.all("listitem").flatMap((row) => row.querySelectorAll("span").filter((each) => each.styles.has("--share")));

  it("are values in the model's order, with their units and without bars, and asked for by name", () => {
    about({ predicts: "value", units: ["years", "cm"] });
    store.predictions.value = predictions([41.2, 170]);
    bars(1);
    expect(texts()).toEqual(["age41.2\u00a0years", "height170\u00a0cm"]);
    expect(shares()).toEqual([]);
    screen.one("list", "Values");
    screen.one("button", /^age/).fire("click");
    expect(requests).toEqual([{ target: "age" }]);
  });

  it("cannot be asked for by a rank, which values do not have", () => {
    about({ predicts: "value", units: ["years", "cm"] });
    store.predictions.value = predictions([41.2, 170]);
    goOffline({ target: "top" });
    bars(1);
    expect(screen.all("button").map((button) => button.attribute("aria-disabled"))).toEqual(["true", "true"]);
  });

  it("are parts of the picture, in the colours of the classes where these are shown", () => {
    about({ predicts: "share", places: [2, 2] });
    store.predictions.value = predictions([0.25, 0.75]);
    const swatches = () => screen.all("button").map((button) => button.querySelector("span").styles.get("--colour"));
    bars(0);
    expect([texts(), shares().length]).toEqual([["height75.0 %", "age25.0 %"], 2]);
    expect(swatches()).toEqual([undefined, undefined]);
    act(() => {
      store.traits.overlay.value = "both";
    });
    expect(swatches()).toEqual([classColour(1), classColour(0)]);
  });

  it("are no reason to ask why not the second value", () => {
    about({ predicts: "value", units: ["years", "cm"] });
    store.predictions.value = predictions([41.2, 170]);
    show(() => <WhyNot {...{ store, actions }} image={0} />);
    expect(screen.text).toBe("");
  });

  it("are told of a covered picture in the same way", () => {
    about({ predicts: "value", units: ["years", "cm"] });
    const classes = [
      { index: 0, score: 40, probability: null },
      { index: 1, score: 165.5, probability: null },
      { index: -1, score: 0.5, probability: null },
    ];
    showMap({ target: -1, target_name: "entropy", unit: "nats", probability: null });
    show(() => <CoveredClasses store={store} classes={classes as ClassRecord[]} />);
    const list = screen.one("list", "Values of the covered picture");
    const rows = ["age40\u00a0years", "height165.5\u00a0cm", "entropy0.5\u00a0nats"];
    expect(list.childNodes.map(({ textContent }) => textContent)).toEqual(rows);
  });
});

describe("the truth about a prediction", () => {
  const truth = (image: number) => show(() => <TruthLine store={store} image={image} />);

  it.each([
    [[6, 1], 0, "✗ wrong: the true class is car"],
    [[6, 1], 1, "✓ right: dog is the true class"],
    [[6, null], 1, ""],
  ] as const)("of labels %j for image %i is said in words", (labels, image, text) => {
    begin({ labels: [...labels] });
    truth(image);
    expect(screen.text).toBe(text);
  });
});

describe("the question why not another class", () => {
  const whyNot = () => show(() => <WhyNot {...{ store, actions }} image={0} />);

  it("is about the second class, and taken back by another click", () => {
    whyNot();
    screen.one("button", "Why not car?").fire("click");
    expect(screen.one("button").attribute("aria-pressed")).toBe("true");
    screen.one("button").fire("click");
    expect(requests).toEqual([{ target: "top − top-2" }, { target: "top" }]);
  });

  it("is about the true class where the prediction is wrong", () => {
    begin({ labels: [5, 1] });
    whyNot();
    screen.one("button", "Why not owl?").fire("click");
    expect(requests).toEqual([{ target: "top − true" }]);
  });

  it("is not there where it cannot be asked", () => {
    goOffline({ target: "top" });
    whyNot();
    expect(screen.text).toBe("");
  });
});

describe("the panel", () => {
  let views: ReadonlySignal<Transform>[];
  let bare: ReadonlySignal<boolean>[];
  const stage = {
    attach({ ownView, isBare }: { ownView: ReadonlySignal<Transform>; isBare: ReadonlySignal<boolean> }) {
      views.push(ownView);
      bare.push(isBare);
      return () => {};
    },
  } as unknown as Stage;
  const closed = vi.fn();
  const zoom = () => Math.round(10 * (views.at(-1)?.value.k ?? 0)) / 10;

  function panel(): void {
    [views, bare] = [[], []];
    closed.mockClear();
    showMap({ image: 0, target: 1, target_name: "dog", notes: ["Flat."] });
    show(() => <PanelSlot {...{ store, actions, stage }} isDrawer={true} close={closed} />);
  }

  it("is about the image in focus, in words", () => {
    panel();
    expect(screen.one("heading", "a.png")).toBeDefined();
    expect(screen.one("img").attribute("aria-label")).toBe("a.png, large, with the map of cam for dog");
    expect(screen.all("listitem").at(-1)?.textContent).toBe("Flat.");
    expect(screen.text).toContain("1 of 2");
    expect(screen.text).toContain("Bright: speaks for dog.");
  });

  it("goes to the next image and back by its buttons and by keys, and no further", () => {
    panel();
    const slot = screen.one("region", "Image in focus");
    screen.one("button", "Previous image").fire("click");
    expect(requests).toEqual([]);
    screen.one("button", "Next image").fire("click");
    expect(screen.text).toContain("b.png");
    expect(screen.text).toContain("There is no map of this image yet.");
    expect(screen.one("button", "Next image").attribute("aria-disabled")).toBe("true");
    expect(slot.fire("keydown", { key: "p" })).toBe(false);
    expect(slot.fire("keydown", { key: "p", ctrlKey: true })).toBe(true);
    expect(slot.fire("keydown", { key: "x" })).toBe(true);
    expect(requests).toEqual([{ selected: [1] }, { selected: [0] }]);
  });

  it("says where an image that the filter hides is", () => {
    begin({ show: "predicted 1", selected: [0] });
    panel();
    expect(screen.text).toContain("image 1");
    screen.one("button", "Next image").fire("click");
    expect(requests).toEqual([{ selected: [1] }]);
  });

  it("is closed by Escape and by its button", () => {
    panel();
    screen.one("region", "Image in focus").fire("keydown", { key: "Escape" });
    screen.one("button", "Close the panel").fire("click");
    expect(closed).toHaveBeenCalledTimes(2);
  });

  it("zooms as far as its buttons say", () => {
    panel();
    const press = (name: string) => screen.one("button", name).fire("click");
    expect(screen.one("button", "Zoom out").attribute("aria-disabled")).toBe("true");
    press("Zoom in");
    press("Zoom in");
    expect(zoom()).toBe(2.3);
    expect(screen.one("button", "Zoom out").attribute("aria-disabled")).toBe("false");
    press("Zoom out");
    expect(zoom()).toBe(1.5);
    press("Fit the whole image");
    expect(zoom()).toBe(1);
    expect(screen.text).toContain("200 % · 100 × 100");
    for (let i = 0; i < 20; i++) press("Zoom in");
    expect(screen.one("button", "Zoom in").attribute("aria-disabled")).toBe("true");
  });

  it("shows the picture alone, and says why there is none", () => {
    panel();
    screen.one("button", "Map").fire("click");
    expect(bare.at(-1)?.value).toBe(true);
    expect(screen.one("button", "Map").attribute("aria-pressed")).toBe("false");
    screen.close();
    begin({ _images: [{ ...PICTURE, problem: "there is no such file" }] });
    panel();
    expect(screen.text).toContain("No picture: there is no such file");
    expect(screen.all("button", "Zoom in")).toEqual([]);
    expect(screen.all("button", "Next image")).toEqual([]);
  });

  describe("takes from the keyboard and the pointer", () => {
    const key = (name: string, fields = {}) => screen.one("img").fire("keydown", { key: name, ...fields });
    const pointer = (type: string, x: number, y: number, pointerId = 1) =>
      screen.one("img").fire(type, { clientX: x, clientY: y, pointerId, button: 0, pointerType: "mouse" });

    it("the crosshair, and zooms about it", () => {
      panel();
      key("ArrowRight");
      key("ArrowDown", { shiftKey: true });
      expect(store.crosshair.value).toEqual({ x: 0.51, y: 0.6 });
      key("+");
      expect(zoom()).toBe(1.5);
      key("0");
      expect([zoom(), store.view.value.k]).toEqual([1, 1]);
      key("Escape");
      expect(store.crosshair.value).toBeNull();
    });

    it("what lies under the pointer, until it leaves", () => {
      panel();
      pointer("pointermove", 50, 150);
      expect(store.crosshair.value).toEqual({ x: 0.25, y: 0.75 });
      // A browser may tell of a way out that was none.
      pointer("pointerleave", 50, 150);
      expect(store.crosshair.value).toEqual({ x: 0.25, y: 0.75 });
      pointer("pointerleave", -1, 150);
      expect(store.crosshair.value).toBeNull();
    });

    it("zooms by double clicks and by the wheel after a click alone", () => {
      panel();
      screen.one("img").fire("wheel", { deltaY: -100, deltaMode: 0, clientX: 100, clientY: 100 });
      expect(zoom()).toBe(1);
      pointer("pointerdown", 100, 100);
      pointer("pointerup", 100, 100);
      screen.one("img").fire("wheel", { deltaY: -100, deltaMode: 0, clientX: 100, clientY: 100 });
      expect(zoom()).toBeGreaterThan(1);
      const before = zoom();
      pointer("dblclick", 100, 100);
      expect(zoom()).toBeGreaterThan(before);
    });

    it("pans by a drag, and pinches with two fingers", () => {
      panel();
      pointer("dblclick", 100, 100);
      pointer("pointerdown", 100, 100);
      pointer("pointermove", 120, 90);
      expect(views.at(-1)?.value).toMatchObject({ k: 2, x: -0.4, y: -0.55 });
      pointer("pointerdown", 80, 90, 2);
      pointer("pointermove", 40, 90, 2);
      pointer("pointerup", 40, 90, 2);
      pointer("pointercancel", 120, 90);
      expect(views.at(-1)?.value.k).toBeCloseTo(4);
    });

    it("no zoom for the tiles of the grid", () => {
      panel();
      for (const name of ["+", "+", "ArrowLeft", "-"]) key(name);
      pointer("dblclick", 10, 10);
      expect(store.view.value.isIdentity).toBe(true);
    });
  });
});

describe("the panel's button", () => {
  function Frame({ hasColumn }: { hasColumn: boolean }) {
    const panel = usePanel(hasColumn);
    return <PanelButton {...panel} />;
  }
  it.each([true, false])("opens and closes it; it begins open where there is a column: %s", (hasColumn) => {
    show(() => <Frame hasColumn={hasColumn} />);
    const isOpen = () => screen.one("button", "Panel").attribute("aria-expanded");
    expect(isOpen()).toBe(String(hasColumn));
    screen.one("button", "Panel").fire("click");
    expect(isOpen()).toBe(String(!hasColumn));
  });
});

describe("a slider", () => {
  it("shows at once what it is moved to, and hands it on when it is released", () => {
    const value = signal(0.25);
    const released = vi.fn();
    show(() => <Slider id="kx-x" label="X" title="" value={value} onRelease={released} />);
    const slider = screen.one("slider", "X");
    expect(slider.attribute("aria-valuetext")).toBe("25 %");
    slider.value = "0.5";
    slider.fire("input");
    expect([value.value, slider.attribute("aria-valuetext"), released.mock.calls]).toEqual([0.5, "50 %", []]);
    slider.fire("change");
    expect(released.mock.calls).toEqual([[0.5]]);
  });
});

describe("a popup", () => {
  const popup = () =>
    show(() => (
      <PopupButton label="More" title="">
        <button type="button">inside</button>
      </PopupButton>
    ));
  const inside = () => screen.all("button", "inside").length;

  it("is opened and closed by its button", () => {
    popup();
    expect(inside()).toBe(0);
    screen.one("button", "More").fire("click");
    expect([inside(), screen.one("group", "More").attribute("data-shown")]).toEqual([1, ""]);
    screen.one("button", "More").fire("click");
    expect([inside(), screen.one("group", "More").attribute("data-shown")]).toEqual([0, undefined]);
  });

  it("is closed by Escape, which gives the focus back, by a press beside it, and by the focus that leaves", () => {
    popup();
    const button = screen.one("button", "More");
    button.fire("click");
    screen.one("button", "inside").focus();
    screen.one("button", "inside").fire("keydown", { key: "a" });
    screen.one("button", "inside").fire("pointerdown");
    expect(inside()).toBe(1);
    screen.one("button", "inside").fire("keydown", { key: "Escape" });
    expect([inside(), button.matches(":focus")]).toEqual([0, true]);
    button.fire("click");
    screen.body.fire("pointerdown");
    expect(inside()).toBe(0);
    button.fire("click");
    screen.one("button", "inside").focus();
    screen.body.focus();
    expect(inside()).toBe(0);
  });
});

describe("the help", () => {
  it("tells keys and gestures by where they are, and has the focus of the keyboard", () => {
    show(() => <HelpButton />);
    expect(screen.all("term")).toEqual([]);
    screen.one("button", "Help").fire("click");
    expect(screen.all("heading").map(({ textContent }) => textContent)).toEqual(
      expect.arrayContaining(["Pictures", "Layers", "Classes"]),
    );
    expect(screen.all("term").length).toBe(screen.all("definition").length);
    expect(screen.one("region", "Keys and gestures").attribute("tabIndex")).toBe("0");
  });
});

describe("the first steps", () => {
  const entries = new Map<string, string>();
  const storage = {
    getItem: (key: string) => entries.get(key) ?? null,
    setItem: (key: string, v: string) => entries.set(key, v),
  };
  const prompts = () => show(() => <Prompts store={store} />);
  const dismiss = () => screen.one("button", "Dismiss the first steps").fire("click");
  afterEach(() => entries.clear());

  it("are shown before the first maps, which they do not move, until they are dismissed, in other views too", () => {
    const { constants } = store;
    const welcomed = constants.value;
    constants.value = null;
    vi.stubGlobal("sessionStorage", storage);
    prompts();
    expect(screen.text).toBe("");
    constants.value = welcomed;
    screen.close();
    vi.stubGlobal("sessionStorage", storage);
    prompts();
    expect(screen.all("listitem").length).toBe(3);
    dismiss();
    expect(screen.text).toBe("");
    screen.close();
    vi.stubGlobal("sessionStorage", storage);
    prompts();
    expect(screen.text).toBe("");
  });

  it("are dismissed where a host has no storage, and not shown to readers of a page", () => {
    showMap();
    prompts();
    dismiss();
    expect(screen.text).toBe("");
    screen.close();
    goOffline({});
    prompts();
    expect(screen.text).toBe("");
  });
});

describe("without a pointer on a tile", () => {
  const extent = { lo: 0, hi: 9, loAt: 0, hiAt: 1 };
  const tileOf = (column: number, target_name: string) => {
    const about = item({ image: 0, column, target_name, notes: [`A note on ${target_name}.`] });
    return [tileKey(0, column), { item: about, values: Float32Array.of(0, 9), extent }] as const;
  };
  const answer = (...names: string[]) => {
    const columns = names.map((target) => ({ ...COLUMN, target }));
    const tiles = new Map(names.map((name, column) => tileOf(column, name)));
    store.answer.value = { gen: 1, key: "", columns, tiles };
  };

  it("the colour bar is about the tile that was chosen last, as the panel is", () => {
    answer("cup", "dog");
    actions.selectTile({ image: 0, column: 1 });
    show(() => <Colorbar {...{ store, actions }} />);
    expect(screen.one("img").attribute("aria-label")).toBe("Colours from 0 to 9, a.png, dog");
    screen.close();
    actions.focusTile({ image: 0, column: 0 });
    show(() => <Colorbar {...{ store, actions }} />);
    expect(screen.one("img").attribute("aria-label")).toBe("Colours from 0 to 9, a.png, cup");
  });

  it("the notes are about a tile that there is, though fewer columns are left", () => {
    answer("cup", "dog");
    actions.selectTile({ image: 0, column: 1 });
    show(() => <MapNotes store={store} />);
    expect(screen.text).toBe("a.png, dog: A note on dog.");
    screen.close();
    answer("cup");
    show(() => <MapNotes store={store} />);
    expect(screen.text).toBe("a.png, cup: A note on cup.");
  });
});

describe("the controls of display", () => {
  const controls = () => show(() => <DisplayControls {...{ store, actions }} />);
  const choose = (label: string, value: string) => {
    const select = screen.one("combobox", label);
    select.value = value;
    select.fire("change");
  };

  it("choose which detected boxes are drawn, where a model detects any", () => {
    controls();
    expect(screen.all("combobox", "Boxes")).toEqual([]);
    act(() => {
      store.traits._detections.value = [[], [{ box: [0, 0, 9, 9], target: 0, score: 0.7 }]];
    });
    const shown = () => shownDetections(store, 1).length;
    expect([screen.one("combobox", "Boxes").value, shown()]).toEqual(["0.5", 1]);
    choose("Boxes", "null");
    expect([store.boxesFrom.value, shown()]).toEqual([null, 0]);
    choose("Boxes", "0");
    expect([store.boxesFrom.value, shown()]).toEqual([0, 1]);
    expect(requests).toEqual([]);
  });

  it("hide borders, where maps have them", () => {
    controls();
    expect(screen.all("combobox", "Borders")).toEqual([]);
    act(() => {
      const columns = [{ ...COLUMN, target: "cup", display: { ...COLUMN.display, borders: true } }];
      store.answer.value = { gen: 1, key: "", columns, tiles: new Map() };
    });
    const isDrawn = () => store.displayOf({ item: { signed: true, column: 0 } }).borders;
    expect([screen.one("combobox", "Borders").value, isDrawn()]).toEqual(["shown", true]);
    choose("Borders", "hidden");
    expect(isDrawn()).toBe(false);
    expect(requests).toEqual([]);
  });

  it.each([
    ["Sign", "signed", { sign: "signed" }],
    ["Scale", "all", { scale: "all" }],
    ["Clip", "95", { clip: 95 }],
    ["Clip", "", { clip: null }],
    ["Style", "contours", { map_style: "contours" }],
    ["Photo", "colour", { photo: "colour" }],
    ["Map", "cells", { cells: true }],
    ["Map", "smooth", { cells: false }],
    ["Picture", "pixels", { pixelated: true }],
    ["Colormap", "magma", { colormap: "magma" }],
  ])("tell Python: %s %s", (label, value, traits) => {
    controls();
    choose(label, value);
    expect(requests).toEqual([traits]);
  });

  it("link the images on this page alone", () => {
    controls();
    choose("Crosshair and zoom", "all images");
    expect([store.linked.value, requests]).toEqual([true, []]);
  });

  it("list the percentile that Python has named", () => {
    begin({ clip: 97.5 });
    controls();
    expect(screen.one("option", "97.5 %").value).toBe("97.5");
  });

  const tables = () =>
    screen
      .one("combobox", "Colormap")
      .querySelectorAll("option")
      .map((each) => each.textContent);

  it("offer the tables of signed maps where all are drawn signed, and name theirs where some are", () => {
    begin({ sign: "signed" });
    showMap();
    controls();
    expect(tables()).toEqual(["coldhot (signed)", "rdbu (signed)"]);
    screen.close();
    store.answer.value = {
      ...{ gen: 1, key: "", tiles: new Map() },
      columns: [true, false].map((signed) => ({ ...COLUMN, signed, target: "top" })),
    };
    controls();
    expect(tables().slice(0, 2)).toEqual(["inferno, signed coldhot", "viridis, signed coldhot"]);
    expect(tables().slice(-2)).toEqual(["coldhot", "rdbu"]);
  });
});

describe("a limit of the colours", () => {
  const handlers = { onMove: vi.fn(), onRelease: vi.fn(), onReset: vi.fn() };
  const handle = () => {
    for (const each of Object.values(handlers)) each.mockClear();
    show(() => <LimitHandle label="Upper limit" at={0.5} least={0.2} most={0.9} text="7" {...handlers} />);
    return screen.one("slider", "Upper limit");
  };

  it("is moved by keys as far as it may go, and handed on", () => {
    const limit = handle();
    for (const key of ["ArrowLeft", "PageUp", "Home", "End"]) expect(limit.fire("keydown", { key })).toBe(false);
    limit.fire("keydown", { key: "ArrowRight", shiftKey: true });
    expect(handlers.onMove.mock.calls).toEqual([[0.49], [0.6], [0.2], [0.9], [0.6]]);
    expect(handlers.onRelease).toHaveBeenCalledTimes(5);
    expect(limit.fire("keydown", { key: "Home", ctrlKey: true })).toBe(true);
    expect(limit.fire("keydown", { key: "x" })).toBe(true);
    expect(handlers.onMove).toHaveBeenCalledTimes(5);
  });

  it("is taken back by Delete and by a double click", () => {
    const limit = handle();
    limit.fire("keydown", { key: "Delete" });
    limit.fire("dblclick");
    expect(handlers.onReset).toHaveBeenCalledTimes(2);
  });
});

describe("the picker of classes", () => {
  const picker = () => show(() => <ClassPicker {...{ store, actions }} />);
  const field = (label = "Class") => screen.one("combobox", label);
  const type = (text: string, label = "Class") => {
    field(label).value = text;
    field(label).fire("input");
  };
  const key = (name: string) => field().fire("keydown", { key: name });
  const shown = () => screen.all("option").map((option) => option.textContent);
  const active = () => screen.all("option").find((option) => option.attribute("data-active"))?.textContent;

  it("lists all classes by probability once it is clicked, and none before", () => {
    picker();
    expect(shown()).toEqual([]);
    field().fire("click");
    expect(shown().slice(0, 5)).toEqual([
      ...["predictedcat, tabby50.0 %", "2ndcar14.0 %", "3rddog10.0 %", "cat, tabby50.0 %", "car14.0 %"],
    ]);
    expect(field().attribute("aria-expanded")).toBe("true");
  });

  it("is searched in, moved in by keys, and asks on Enter", () => {
    picker();
    type("s");
    expect(shown()).toEqual(["sky7.0 %", "sky6.0 %"]);
    key("ArrowDown");
    expect(active()).toBe("sky6.0 %");
    key("PageUp");
    expect(active()).toBe("sky7.0 %");
    expect(key("Enter")).toBe(false);
    expect(requests).toEqual([{ target: 3 }]);
    expect(shown()).toEqual([]);
    expect(key("Enter")).toBe(true);
  });

  it("takes the index of a class first, and a click", () => {
    picker();
    type("5");
    expect(shown()[0]).toBe("owl5.0 %");
    screen.all("option")[0].fire("click");
    expect(requests).toEqual([{ target: "owl" }]);
  });

  it("opens by an arrow on what is chosen; closes by Escape, without asking, and when it is left", () => {
    begin({ target: "dog" });
    picker();
    expect(key("Escape")).toBe(true);
    key("ArrowDown");
    expect(active()).toBe("dog10.0 %");
    expect(key("Escape")).toBe(false);
    expect(shown()).toEqual([]);
    type("zebra");
    expect(screen.text).toContain("Nothing matches “zebra”.");
    key("ArrowDown");
    key("Enter");
    field().fire("blur");
    expect([field().value, requests]).toEqual(["dog", []]);
  });

  it("begins a contrast with the second class, or the truth, and ends it", () => {
    picker();
    screen.one("button", "vs another class").fire("click");
    expect(screen.all("button", "vs another class")).toEqual([]);
    expect(field("vs").value).toBe("2nd");
    type("owl", "vs");
    screen.one("option", /^owl/).fire("click");
    screen.one("button", "vs no other class").fire("click");
    screen.close();
    begin({ labels: [5, 1] });
    picker();
    screen.one("button", "vs another class").fire("click");
    expect(requests).toEqual([{ target: "top − true" }]);
  });

  it("contrasts a class with the mean of those with the highest scores", () => {
    picker();
    screen.one("button", "vs another class").fire("click");
    type("mean", "vs");
    screen.one("option", /^0\.6 × mean of 2nd, 3rd/).fire("click");
    expect(requests.at(-1)).toEqual({ target: "top − 0.6 mean(top-2; top-3; top-4)" });
    expect(field("vs").value).toBe("0.6 × mean of 2nd, 3rd, 4th");
  });

  it("contrasts another class than the predicted one with that, if its name is clear", () => {
    begin({ target: "dog" });
    picker();
    screen.one("button", "vs another class").fire("click");
    expect(requests).toEqual([{ target: "dog − top" }]);
    screen.close();
    begin({ target: 3 });
    picker();
    expect(screen.one("button", "vs another class").attribute("disabled")).toBeDefined();
  });

  it("has only the kept answers without Python", () => {
    goOffline({ target: "dog" }, { target: "cup − dog" });
    picker();
    field().fire("click");
    expect(shown()).toEqual(["dog10.0 %", "cup vs dog"]);
    type("owl");
    expect(screen.text).toContain("Nothing matches “owl” among the kept answers.");
    type("cup");
    key("Enter");
    expect(requests).toEqual([{ target: "cup − dog" }]);
  });
});

describe("a comparison", () => {
  const chips = () => show(() => <ColumnChips {...{ store, actions }} />);
  it("is chosen by what is compared; layers are none of a method that sees the input", () => {
    show(() => <CompareField {...{ store, actions }} />);
    screen.one("combobox", "Compare").value = "methods";
    screen.one("combobox", "Compare").fire("change");
    expect(requests).toMatchObject([{ compare: "methods" }]);
  });

  it("has a chip a column, which takes it away", () => {
    begin({ compare: "targets", compare_with: ["top", "dog"], target: "dog" });
    chips();
    expect(screen.text).toContain("choose a class to add a column");
    screen.one("button", "Remove column dog").fire("click");
    expect(requests).toEqual([{ target: "top", compare_with: ["top"] }]);
  });

  it("is as it was kept without Python, and none where nothing is compared", () => {
    begin({ compare: "layers", compare_with: ["a/conv", "b/conv"] });
    goOffline({});
    chips();
    expect([screen.text, screen.all("button")]).toEqual(["Columnsconvconv", []]);
    screen.close();
    begin();
    chips();
    expect(screen.text).toBe("");
  });
});

describe("the parameters of a method", () => {
  const parameter = (fields: object) => ({
    ...{ help: "Help.", choices: [], minimum: null, maximum: null, step: null },
    ...fields,
  });
  const params = [
    parameter({ name: "steps", title: "Steps", kind: "int", default: 20, minimum: 1, maximum: 99 }),
    parameter({ name: "noise", title: "Noise", kind: "float", default: 0.5, minimum: 0 }),
    parameter({ name: "least", title: "Least", kind: "float", default: 0.5, maximum: 1 }),
    parameter({ name: "flip", title: "Flip", kind: "bool", default: false }),
    parameter({ name: "mode", title: "Mode", kind: "choice", default: null, choices: [null, "mean"] }),
    parameter({ name: "scales", title: "Scales", kind: "numbers", default: [1, 2] }),
  ];
  const method = { id: "cam", title: "CAM", sees: "layer", params } as unknown as MethodRecord;

  function form(): void {
    store.constants.value = welcome({ catalogue: [method] });
    show(() => <MethodForm {...{ store, actions }} />);
  }
  const edit = (role: string, label: string, value: string, ...events: string[]) => {
    const field = screen.one(role, label);
    for (const event of events) {
      field.value = value;
      field.fire(event, { key: "Enter" });
    }
    return field;
  };

  it("are told where they are images, which a browser has none of", () => {
    store.traits.params.value = { background: "3 images 0123" };
    const images = parameter({ name: "background", title: "Background", kind: "images", default: null });
    store.constants.value = welcome({ catalogue: [{ ...method, params: [images] } as unknown as MethodRecord] });
    show(() => <MethodForm {...{ store, actions }} />);
    expect(screen.one("textbox", "Background").value).toBe("3 images 0123");
    store.traits.params.value = {};
    show(() => <MethodForm {...{ store, actions }} />);
    expect(screen.one("textbox", "Background").value).toBe("none; set in Python");
  });

  it("are not there while concepts are shown, which have none of them", () => {
    form();
    expect(screen.text).toContain("Steps");
    act(() => {
      store.constants.value = welcome({
        catalogue: [method],
        inspection: { recommended: "conv", layers: [] } as never,
      });
      store.traits.overlay.value = "concepts";
    });
    expect(screen.text).toBe("");
    act(() => {
      store.traits.overlay.value = "map";
    });
    expect(screen.text).toContain("Steps");
  });

  it("are set as numbers, lists, switches and choices, and hold to their ranges", () => {
    form();
    edit("textbox", "Steps", "120.4", "change");
    edit("textbox", "Noise", "none", "change");
    edit("textbox", "Scales", "0.5; 3", "input", "keydown");
    edit("combobox", "Mode", "1", "change");
    screen.one("checkbox", "Flip").checked = true;
    screen.one("checkbox", "Flip").fire("change");
    expect(requests.map(({ params }) => params)).toEqual([
      { steps: 99 },
      { steps: 99, scales: [0.5, 3] },
      { steps: 99, scales: [0.5, 3], mode: "mean" },
      { steps: 99, scales: [0.5, 3], mode: "mean", flip: true },
    ]);
  });

  it("keep what is being typed until Escape takes it back", () => {
    form();
    const field = edit("textbox", "Steps", "7", "input");
    store.traits.params.value = { noise: 1 };
    expect(field.value).toBe("7");
    field.fire("keydown", { key: "Escape" });
    expect([field.value, requests]).toEqual(["20", []]);
  });

  it("tell their ranges", () => {
    form();
    const titleOf = (name: string) =>
      (screen.one("textbox", name).parentNode as ReturnType<typeof screen.one>).attribute("title");
    expect(["Steps", "Noise", "Least", "Scales"].map(titleOf)).toEqual([
      ...["Help. From 1 to 99.", "Help. At least 0.", "Help. At most 1.", "Help."],
    ]);
  });

  it("have those of what the method is wrapped in while that is on", () => {
    form();
    const toggle = (isOn: boolean) => {
      screen.one("switch", "Smooth").checked = isOn;
      screen.one("switch", "Smooth").fire("change");
    };
    toggle(true);
    edit("textbox", "Repetitions", "5", "change");
    toggle(false);
    expect(requests.map(({ params }) => params)).toEqual([
      { smooth: { repetitions: 20, noise: 0.15 } },
      { smooth: { repetitions: 5, noise: 0.15 } },
      {},
    ]);
  });
});
