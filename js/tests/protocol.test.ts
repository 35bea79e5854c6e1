import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import fixture from "../../tests/fixtures/messages.json";
import { parse } from "../src/kernel/parse";
import { AnswerCache } from "../src/state/answerCache";
import { Session } from "../src/state/session";
import { DEFAULTS, Store } from "../src/state/store";
import { type FakeModel, fakeModel, item, running, welcome } from "./helpers";

const WRONG = [undefined, null, true, -1, 1e9, Number.NaN, "y", [], [null], {}, { 0: 1 }];

let model: FakeModel;
let store: Store;
let session: Session;

beforeEach(() => {
  vi.useFakeTimers();
  model = fakeModel({ ...DEFAULTS, layer: "conv", method: "cam", _images: [{}] });
  store = new Store();
  session = new Session(model, store, new AnswerCache());
});
afterEach(() => {
  session.close();
  vi.useRealTimers();
});

describe("the messages as Python's types have them", () => {
  it.each(fixture.down.map((message) => [message.kind, message] as const))("%s is read", (_, message) => {
    expect(parse(message)).toBe(message);
  });

  it("are what the page sends", () => {
    model.down(running(3));
    model.down({ ...running(4), held: true });
    model.down({ kind: "maps", gen: 4, seq: 1, items: [] });
    session.cancel();
    session.refresh();
    session.fetchThumbnails(0, 0);
    session.measure([0], "blur");
    session.cover({ image: 0, column: 0, curve: "deletion", step: 1, cover: "blur" });
    store.constants.value = welcome({ places: [1, 1], inspection: { recommended: "conv" } as never });
    store.traits.overlay.value = "both";
    store.status.value = "done";
    store.traits.overlay.value = "concepts";
    store.painting.open(0, 1, 1);
    store.painting.replace({ width: 1, height: 1, pixels: Uint8Array.of(1) });
    session.strokes.score({ image: 0, column: 0 }, false);
    session.rank({ column: 0, images: [0], methods: ["cam"], cover: "blur" });
    session.setVisible(false);
    void session.downloads.fetch("html", 0).catch(() => {});
    model.down({ kind: "shelf", images: 1, first: 0, count: 1 }, [new ArrayBuffer(16)]);
    session.images.fetchVisible([0]);
    session.crops.fetchAtRest(0, 0, () => ({ box: [0, 0, 9, 9], longest: 9 }));
    vi.advanceTimersByTime(1000);
    const shape = (message: object) =>
      Object.entries(message).map(([name, value]) => [name, Array.isArray(value) ? "list" : typeof value]);
    const sent = new Map(model.sent.map((message) => [message.kind, message]));
    expect([...sent.keys()].sort()).toEqual(fixture.up.map(({ kind }) => kind).sort());
    for (const message of fixture.up) {
      expect(shape(sent.get(message.kind) ?? {}).sort()).toEqual(shape(message).sort());
    }
  });
});

describe("a message with one wrong field", () => {
  it.each(fixture.down.map((message) => [message.kind, message] as const))(
    "%s leaves the picture as it was, or right",
    (_, message) => {
      model.down(running(1));
      const bytes = [Float32Array.of(1, 2).buffer];
      model.down({ kind: "maps", gen: 1, seq: 1, items: [item()] }, bytes);
      model.down({ kind: "done", gen: 1, seconds: 1, maps: 1 });
      for (const name of Object.keys(message)) {
        for (const value of WRONG) model.down({ ...message, gen: 1, [name]: value }, bytes);
      }
      const shown = [...(store.answer.value?.tiles.values() ?? [])].map(({ values }) => [...values]);
      expect(shown).toEqual([[1, 2]]);
    },
  );
});
