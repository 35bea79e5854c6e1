import { act } from "preact/test-utils";
import { beforeEach, describe, expect, it } from "vitest";
import fixture from "../../tests/fixtures/archive.json";
import { openArchive } from "../src/kernel/archive";
import { answerOf, predictionsAt, withEpochs } from "../src/kernel/epochTable";
import type { EpochFigure, EpochRecord, Epochs } from "../src/kernel/protocol";
import { Actions } from "../src/state/actions";
import { AnswerCache } from "../src/state/answerCache";
import { epochCurves, epochText, shownMoments } from "../src/state/epochs";
import { whyNotMeasured } from "../src/state/evidence";
import { Session } from "../src/state/session";
import { DEFAULTS, type Picture, Store } from "../src/state/store";
import { EpochStrip } from "../src/view/epochStrip";
import { Screen } from "./dom";
import { COLUMN, type FakeModel, fakeModel, item, running, welcome } from "./helpers";

const PICTURE: Picture = {
  ...{ name: "in/cat.png", width: 4, height: 2, box: [0, 0, 1, 1], mime: "", problem: "not here" },
  data: new Uint8Array(),
};
const figure = (name: string, value: number | null): EpochFigure => ({
  ...{ name, title: name.toUpperCase(), better: name === "probability" ? "" : "higher" },
  values: [[value]],
});
/** After so many epochs; its map has two cells of the number, its classes the chances of the epoch. */
const record = (number: number, figures: EpochFigure[], fields: Partial<EpochRecord> = {}): EpochRecord => ({
  ...{ number, epoch: number, words: number ? `Epoch ${number}` : "Before training" },
  asked: running(1).asked,
  columns: [{ ...COLUMN, target: "top" }],
  items: [item({ probability: number / 10 })],
  predictions: { ...item({ byte_offset: 8 }), best: [1] },
  figures,
  ...fields,
});
const buffer = (number: number) => Float32Array.of(number, number, 1 - number / 10, number / 10).buffer;
const message = (numbers: number[], kept = numbers, fields: Partial<Epochs> = {}): Epochs => ({
  kind: "epochs",
  items: numbers.map((n) => record(n, [figure("probability", n / 10), figure("srg", n % 2 ? n / 20 : null)])),
  kept,
  notes: [],
  training: true,
  ...fields,
});

describe("the moments of a training", () => {
  it("come one after the other, and are read when they are looked at", () => {
    const first = withEpochs(null, message([0, 1]), [buffer(0), buffer(1)]);
    const { moments } = withEpochs(first, message([2], [0, 1, 2]), [buffer(2)]);
    expect(moments.map((moment) => moment.record.words)).toEqual(["Before training", "Epoch 1", "Epoch 2"]);
    expect([...(answerOf(moments[2]).tiles.get("0/0")?.values ?? [])]).toEqual([2, 2]);
    expect([...(predictionsAt(moments[1])?.values ?? [])].map((each) => each.toFixed(1))).toEqual(["0.9", "0.1"]);
  });

  it("lose their maps and keep their numbers where the kernel has let go of them", () => {
    const first = withEpochs(null, message([0, 1]), [buffer(0), buffer(1)]);
    const { moments } = withEpochs(first, message([2], [0, 2]), [buffer(2)]);
    expect(moments.map(({ bytes }) => bytes.byteLength > 0)).toEqual([true, false, true]);
    expect(moments[1].record.figures[0].values).toEqual([[0.1]]);
    expect(predictionsAt(moments[1])).toBe(null);
  });

  it("are replaced by what is known of them later", () => {
    const first = withEpochs(null, message([1]), [buffer(1)]);
    const later = message([1], [1], { items: [record(1, [figure("srg", 0.75)])], training: false, notes: ["Slow."] });
    const table = withEpochs(first, later, [buffer(1)]);
    expect(table.moments).toHaveLength(1);
    expect(table.moments[0].record.figures[0].values).toEqual([[0.75]]);
    expect([table.training, table.notes]).toEqual([false, ["Slow."]]);
  });

  it("are read from a page that Python wrote", async () => {
    const archive = await openArchive(Uint8Array.from(atob(fixture.block), (c) => c.charCodeAt(0)));
    // As in `trained` of tests/fixtures/make.py.
    const moments = archive?.epochs?.moments ?? [];
    expect(moments.map((moment) => moment.record.words)).toEqual(["Before training", "Epoch 1"]);
    expect([...(answerOf(moments[1]).tiles.get("0/0")?.values ?? [])]).toEqual([1, 2, 3, 4, 5, 6]);
    expect([...(predictionsAt(moments[1])?.values ?? [])]).toEqual([0.25, 0.75]);
    expect(predictionsAt(moments[1])?.predicted).toEqual([1]);
    expect(archive?.epochs?.notes).toEqual(["Maps are made less often."]);
  });
});

describe("a view that follows a training", () => {
  let model: FakeModel;
  let store: Store;
  let actions: Actions;

  beforeEach(() => {
    model = fakeModel({ ...DEFAULTS, layer: "conv", method: "cam", _images: [PICTURE] });
    store = new Store();
    const session = new Session(model, store, new AnswerCache());
    actions = new Actions(store, session);
    store.constants.value = welcome({ class_names: ["dog", "cat"] });
  });
  /** The kernel answers with a map of this value, and predicts with this probability. */
  const answer = (gen: number, value: number) => {
    model.down({ ...running(gen), key: `${gen}` });
    model.down({ kind: "maps", gen, seq: gen, items: [item()] }, [Float32Array.of(value, value).buffer]);
    model.down({ kind: "done", gen, seconds: 1, maps: 1 });
    const chances = Float32Array.of(1 - value / 10, value / 10);
    model.down({ kind: "predictions", model: "", shape: [1, 2], first: 0, best: [1] }, [chances.buffer]);
  };
  const epoch = (number: number) => {
    answer(number + 1, number);
    model.down(message([number], [...Array(number + 1).keys()]), [buffer(number)]);
  };
  const shown = () => store.answer.value?.tiles.get("0/0")?.values[0];
  const chance = () => store.predictions.value?.values[1].toFixed(1);

  it("shows each epoch as it comes, and earlier ones when it is asked to", () => {
    for (const number of [0, 1, 2]) epoch(number);
    expect([shown(), chance(), epochText(store)]).toEqual([2, "0.2", ""]);
    actions.showMoment(1);
    expect([shown(), chance(), epochText(store)]).toEqual([1, "0.1", "Epoch 1"]);
    expect(whyNotMeasured(store)).toContain("gone");
    actions.showMoment(2);
    expect([shown(), chance(), epochText(store)]).toEqual([2, "0.2", ""]);
    expect(whyNotMeasured(store)).toBe("");
  });

  it("stays at an earlier epoch while the training goes on, and then follows it again", () => {
    for (const number of [0, 1]) epoch(number);
    actions.showMoment(0);
    epoch(2);
    expect([shown(), chance(), epochText(store)]).toEqual([0, "0.0", "Before training"]);
    expect(store.stale.value).toBe(false);
    actions.showMoment(2);
    expect([shown(), chance()]).toEqual([2, "0.2"]);
    epoch(3);
    expect([shown(), chance()]).toEqual([3, "0.3"]);
  });

  it("shows the latest where the epoch that is looked at had to make room", () => {
    for (const number of [0, 1, 2]) epoch(number);
    actions.showMoment(1);
    model.down(message([], [0, 2]));
    expect([shown(), epochText(store)]).toEqual([2, ""]);
    expect(shownMoments(store).map((moment) => moment.record.number)).toEqual([0, 2]);
  });

  it("does not tell how far the maps of the answer agree below those of an earlier epoch", () => {
    const columns = ["", "other"].map((name) => ({ ...COLUMN, target: "top", model: name }));
    const agreements = (gen: number, correlation: number) => {
      model.down({ ...running(gen), key: `${gen}`, columns });
      model.down({ kind: "maps", gen, seq: gen, items: [item()] }, [Float32Array.of(gen, gen).buffer]);
      model.down({ kind: "agreements", gen, items: [{ column: 1, correlations: [correlation], of_others: null }] });
    };
    const told = () => store.agreements.value.map(({ correlations }) => correlations[0]);
    agreements(1, 0.25);
    const items = [0, 1].map((number) => record(number, [], { columns }));
    model.down(message([0, 1], [0, 1], { items }), [buffer(0), buffer(1)]);
    actions.showMoment(0);
    expect(told()).toEqual([]);
    agreements(2, 0.5);
    expect(told()).toEqual([]);
    actions.showMoment(1);
    expect(told()).toEqual([0.5]);
  });

  it("leaves earlier epochs for another question", () => {
    for (const number of [0, 1, 2]) epoch(number);
    actions.showMoment(0);
    actions.chooseTarget("dog");
    expect(store.epochShown.value).toBe(null);
    expect(shown()).toBe(2);
  });

  it("tells the numbers of the tile in focus over time, without those that are not known", () => {
    for (const number of [0, 1, 2]) epoch(number);
    const [probability, srg] = epochCurves(store);
    expect([probability.epochs, probability.values, probability.now]).toEqual([[0, 1, 2], [0, 0.1, 0.2], 0.2]);
    expect([srg.epochs, srg.values, srg.now]).toEqual([[1], [0.05], null]);
  });

  describe("on the screen", () => {
    let screen: Screen;
    beforeEach(() => {
      screen = new Screen(() => <EpochStrip store={store} actions={actions} />);
    });
    const slider = () => screen.one("slider", "Epochs");

    it("has nothing without a training", () => {
      expect(screen.all("region", "Training")).toEqual([]);
    });

    it("has a slider that says which epoch it is at, and curves with their numbers", () => {
      act(() => [0, 1, 2].forEach(epoch));
      expect(slider().attribute("aria-valuetext")).toBe("Epoch 2, training");
      expect(slider().attribute("max")).toBe("2");
      slider().value = "1";
      slider().fire("input");
      expect(slider().attribute("aria-valuetext")).toBe("Epoch 1");
      expect(shown()).toBe(1);
      const items = screen.all("listitem").map((each) => each.textContent);
      expect(items).toEqual(["PROBABILITY 10.0 %", "SRG 0.05 · higher is better", "of cat.png, by epoch"]);
      screen.one("button", "Follow").fire("click");
      expect(shown()).toBe(2);
      expect(screen.all("listitem")[1].textContent).toContain("not known here");
    });

    it("says what is to be said, and that the training has ended", () => {
      act(() => {
        [0, 1].forEach(epoch);
        model.down(message([], [0, 1], { notes: ["Maps are made about every 3 epochs."], training: false }));
      });
      expect(screen.text).toContain("about every 3 epochs");
      expect(slider().attribute("aria-valuetext")).toBe("Epoch 1");
      expect(screen.one("button", "Latest").attribute("aria-disabled")).toBe("true");
    });
  });
});
