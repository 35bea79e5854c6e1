import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Binary } from "../src/kernel/decode";
import { AnswerCache } from "../src/state/answerCache";
import { Session } from "../src/state/session";
import { DEFAULTS, Store } from "../src/state/store";
import { type FakeModel, fakeModel } from "./helpers";
import { dice, FakeKernel, HOSTS, IMAGES, truth } from "./kernel";

const TARGETS = ["cat", "dog", "cup", "sky"];

interface Widget {
  model: FakeModel;
  kernel: FakeKernel;
  store: Store;
  session: Session;
}
type Line = (model: FakeModel, content: unknown, buffers: Uint8Array<ArrayBuffer>[]) => void;
let opened: Session[];

function open(line: Line): Widget {
  const state = { ...DEFAULTS, layer: "conv", method: "cam", target: "cat", _images: Array(IMAGES).fill({}) };
  const model = fakeModel(state);
  const kernel = new FakeKernel(model, (content, buffers) => line(model, content, buffers));
  model.save_changes = () => kernel.ask();
  kernel.ask();
  const store = new Store();
  const session = new Session(model, store, new AnswerCache());
  opened.push(session);
  return { model, kernel, store, session };
}

/** A map on the screen that is said to be whole is that of the class in its column's title, of some weights. */
function expectNothingWrong({ store, kernel }: Widget) {
  for (const { item, values } of store.answer.value?.tiles.values() ?? []) {
    if (item.partial) continue;
    const { target } = store.answer.value?.columns[item.column] ?? {};
    const all = Array.from({ length: kernel.trainings + 1 }, (_, n) => truth(String(target), item.image, n));
    const known = all.some((one) => one.length === values.length && one.every((v, i) => v === values[i]));
    if (!known) expect(all).toContainEqual(values);
  }
}

function expectAnswered({ store, kernel }: Widget) {
  const found = [...(store.answer.value?.tiles.values() ?? [])].map(({ values }) => values);
  expect([store.status.value, store.stale.value, store.waiting.value]).toEqual(["done", false, false]);
  expect(store.traits.target.value).toBe(kernel.target);
  expect(new Set(found)).toEqual(
    new Set(Array.from({ length: IMAGES }, (_, image) => truth(kernel.target, image, kernel.trainings))),
  );
}

beforeEach(() => {
  vi.useFakeTimers();
  opened = [];
});
afterEach(() => {
  for (const session of opened) session.close();
  vi.useRealTimers();
});

/** Clicks, assignments in Python, training; then what the page shows once all is quiet. */
function storm(widget: Widget, roll: () => number) {
  for (let act = 0; act < 200; act++) {
    const target = TARGETS[Math.floor(roll() * TARGETS.length)];
    const kind = roll();
    if (kind < 0.6) widget.session.set({ target });
    else if (kind < 0.8) {
      widget.model.assign("target", target);
      widget.kernel.ask();
    } else if (kind < 0.9) {
      widget.kernel.trainings += 1;
      widget.kernel.ask();
    } else widget.session.cancel();
    vi.advanceTimersByTime(roll() < 0.3 ? 600 * roll() : 0);
    expectNothingWrong(widget);
  }
  vi.advanceTimersByTime(600_000);
  expectNothingWrong(widget);
}

describe.each(HOSTS)("with %s", (_, hand) => {
  const clean: Line = (model, content, buffers) => model.down(content, buffers.map(hand));

  it("a storm of questions ends with the last one's answer, and no complaint", () => {
    const widget = open(clean);
    storm(widget, dice(1));
    expectAnswered(widget);
    expect(widget.store.failure.value).toBeNull();
  });

  it("what was lost comes when it is asked for", () => {
    for (const lost of ["welcome", "queued", "running", "progress", "maps", "done"]) {
      let dropped = 0;
      const widget = open((model, content, buffers) => {
        if ((content as { kind: string }).kind === lost && dropped++ === 0) return;
        clean(model, content, buffers);
      });
      vi.advanceTimersByTime(60_000);
      expectAnswered(widget);
      expect([lost, dropped > 0, widget.store.failure.value]).toEqual([lost, true, null]);
    }
  });

  it("two widgets of one page know nothing of one another", () => {
    const [one, two] = [open(clean), open(clean)];
    one.session.set({ target: "dog" });
    two.session.set({ target: "sky" });
    vi.advanceTimersByTime(10_000);
    expectAnswered(one);
    expectAnswered(two);
    one.session.set({ target: "sky" });
    expect(one.store.answer.value?.columns[0].target).toBe("dog");
  });
});

describe("a bad line", () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])(
    "messages lost, doubled, late, cut or too long (%i) show nothing wrong, and end in an answer or an error",
    (seed) => {
      const roll = dice(seed);
      const [, hand] = HOSTS[seed % HOSTS.length];
      const spoilt = (bytes: Uint8Array<ArrayBuffer>): Binary => {
        const luck = roll();
        if (luck < 0.05) return hand(bytes.slice(0, Math.floor(roll() * bytes.length)));
        if (luck < 0.1) return hand(Uint8Array.from([...bytes, ...Array(40).fill(7)]));
        return hand(bytes);
      };
      const widget = open((model, content, buffers) => {
        const deliver = (ms: number) =>
          setTimeout(() => {
            model.down(structuredClone(content), buffers.map(spoilt));
            expectNothingWrong(widget);
          }, ms);
        const luck = roll();
        if (luck < 0.08) return;
        deliver(luck < 0.3 ? roll() * 400 : 0);
        if (luck > 0.92) deliver(roll() * 400);
      });
      storm(widget, roll);
      expect(widget.store.status.value).toBe("done");
      if (!widget.store.failure.value) expectAnswered(widget);
    },
  );
});

describe("a frame that says what cannot be", () => {
  const spoil = (fields: object): Line => {
    return (model, content, buffers) => {
      const message = structuredClone(content) as { kind: string; items: object[] };
      if (message.kind === "maps") Object.assign(message.items[0], fields);
      model.down(message, buffers);
    };
  };

  it.each([
    { shape: [1e9, 1e9] },
    { shape: [-1, -2] },
    { shape: [0, 2] },
    { shape: [0.5, 4] },
    { shape: null },
    { byte_offset: -8 },
    { byte_offset: Number.NaN },
    { byte_offset: 1e15 },
    { byte_length: 1e15 },
    { dtype: "float64" },
    { image: 1e9 },
    { image: -1 },
    { column: 7 },
  ])("is an error: %o", (fields) => {
    const widget = open(spoil(fields));
    vi.advanceTimersByTime(60_000);
    expectNothingWrong(widget);
    expect(widget.store.answer.value?.tiles.size ?? 0).toBe(0);
    expect([widget.store.status.value, widget.store.failure.value?.message]).toEqual([
      "done",
      expect.stringMatching(/did not arrive|cannot be read/),
    ]);
  });
});

describe("a page on which nobody listens", () => {
  it("says so, draws, and takes no question", () => {
    const model = { ...fakeModel({ ...DEFAULTS, layer: "conv" }), send() {}, on() {}, off() {} };
    const store = new Store();
    const session = new Session(model, store, new AnswerCache());
    opened.push(session);
    vi.advanceTimersByTime(5000);
    expect(store.status.value).toBe("no-kernel");
    session.set({ opacity: 0.25 });
    session.set({ layer: "other" });
    expect([store.traits.opacity.value, store.traits.layer.value]).toEqual([0.25, "conv"]);
    expect(store.failure.value?.message).toContain("needs the kernel");
    vi.advanceTimersByTime(600_000);
    expect([store.status.value, vi.getTimerCount()]).toEqual(["no-kernel", 0]);
  });
});

describe("a kernel that is busy", () => {
  it("is reminded of what it owes, ever less often, until it answers", () => {
    const model = fakeModel({ ...DEFAULTS, layer: "conv", _images: [{}] });
    const session = new Session(model, new Store(), new AnswerCache());
    opened.push(session);
    model.down({
      kind: "welcome",
      version: 1,
      gen: 0,
      catalogue: [],
      wrappers: [],
      inspection: {},
      ...LISTS,
    });
    session.set({ target: "dog" });
    const reminders = () => model.sent.filter(({ kind }) => kind === "miss").length;
    vi.advanceTimersByTime(3_600_000);
    expect(reminders()).toBe(8);
    model.down({ kind: "queued", gen: 1 });
    model.down({ kind: "cancelled", gen: 1 });
    vi.advanceTimersByTime(3_600_000);
    expect(reminders()).toBe(8);
  });
});

const LISTS = {
  class_names: [],
  arguments: [],
  columns: [],
  predicts: "score",
  units: [],
  places: [],
  regions: [],
  ...{ unmeasurable: null, models: [] },
};
