import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { AnswerCache } from "../src/state/answerCache";
import { Session } from "../src/state/session";
import { DEFAULTS, Store } from "../src/state/store";
import { type FakeModel, fakeModel, item, running } from "./helpers";

const welcome = {
  kind: "welcome",
  version: 1,
  gen: 0,
  catalogue: [],
  wrappers: [],
  inspection: {
    layers: [],
    recommended: "conv",
    why: "",
    head: "softmax",
    classes: 2,
    input_shape: [8, 8, 3],
  },
  class_names: ["cat", "dog"],
  arguments: ["model", "images"],
  columns: [],
  predicts: "probability",
  units: [],
  places: [],
  regions: [],
  models: [],
};

let model: FakeModel;
let store: Store;
let session: Session;

/** An odd start, as some hosts deliver it. */
function frame(...values: number[]): DataView {
  const bytes = new Uint8Array(values.length * 4 + 1);
  bytes.set(new Uint8Array(Float32Array.from(values).buffer), 1);
  return new DataView(bytes.buffer, 1);
}

function maps(gen: number, seq: number, values: [number, number], fields = {}) {
  model.down({ kind: "maps", gen, seq, items: [item(fields)] }, [frame(...values)]);
}

const shown = () => [...(store.answer.value?.tiles ?? [])].map(([key, tile]) => [key, [...tile.values]]);

beforeEach(() => {
  vi.useFakeTimers();
  model = fakeModel({ ...DEFAULTS, layer: "conv", opacity: 0.25, _images: [{}] });
  store = new Store();
  session = new Session(model, store, new AnswerCache());
});

afterEach(() => {
  session.close();
  vi.useRealTimers();
});

describe("opening and closing", () => {
  it("takes over the traits and says hello", () => {
    expect(store.traits.layer.value).toBe("conv");
    expect(store.traits.opacity.value).toBe(0.25);
    expect(model.sent).toEqual([{ kind: "hello", version: 1, view: expect.any(String), have: [] }]);
  });

  it("has no kernel when nobody answers for five seconds, and has one again later", () => {
    vi.advanceTimersByTime(4999);
    expect(store.status.value).toBe("idle");
    vi.advanceTimersByTime(1);
    expect(store.status.value).toBe("no-kernel");
    model.down(welcome);
    expect(store.status.value).toBe("idle");
  });

  it("greets again a kernel that it had given up, and that speaks", () => {
    vi.advanceTimersByTime(5000);
    expect(model.sent).toHaveLength(2);
    model.down({ kind: "queued", gen: 1 });
    expect(new Set(model.sent.map(({ kind }) => kind))).toEqual(new Set(["hello"]));
    expect(model.sent).toHaveLength(3);
    vi.advanceTimersByTime(600_000);
    const count = model.sent.length;
    vi.advanceTimersByTime(600_000);
    expect(model.sent.length - count).toBeLessThan(8);
  });

  it("keeps its kernel when welcomed in time", () => {
    model.down(welcome);
    vi.advanceTimersByTime(60_000);
    expect(store.status.value).toBe("idle");
  });

  it("says so when its kernel is lost, keeps what it has and takes no new question", () => {
    model.down(welcome);
    model.down({ kind: "queued", gen: 1 });
    model.down(running(1));
    maps(1, 1, [1, 2]);
    model.lose();
    expect([store.status.value, shown()]).toEqual(["no-kernel", [["0/0", [1, 2]]]]);
    session.set({ layer: "other" });
    expect(store.failure.value?.message).toContain("needs the kernel");
    session.set({ opacity: 0.5 });
    expect([store.traits.layer.value, store.traits.opacity.value]).toEqual(["conv", 0.5]);
    vi.advanceTimersByTime(60_000);
    expect([store.status.value, store.waiting.value]).toEqual(["no-kernel", false]);
  });

  it("says so when the kernel speaks another version", () => {
    model.down({ ...welcome, version: 2 });
    expect(store.failure.value?.message).toContain("the kernel version 2");
  });

  it("leaves no listener and no timer behind", () => {
    session.set({ layer: "other" });
    session.close();
    expect(model.listeners()).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("an answer", () => {
  beforeEach(() => {
    model.down(welcome);
    model.down({ kind: "queued", gen: 1 });
    model.down(running(1));
  });

  it("is shown, acknowledged and finished", () => {
    expect(store.status.value).toBe("running");
    model.down({ kind: "progress", gen: 1, done: 1, total: 4, eta_s: 2 });
    expect(store.progress.value).toMatchObject({ done: 1, total: 4, eta_s: 2 });
    maps(1, 7, [1, -2]);
    expect(shown()).toEqual([["0/0", [1, -2]]]);
    expect(store.answer.value?.tiles.get("0/0")?.extent).toMatchObject({ lo: -2, hi: 1 });
    expect(model.sent.at(-1)).toEqual({ kind: "ack", seq: 7 });
    model.down({ kind: "done", gen: 1, seconds: 0.5, maps: 1 });
    expect([store.status.value, store.seconds.value, store.progress.value]).toEqual(["done", 0.5, null]);
  });

  it("grows by frames, and a later map replaces an earlier one", () => {
    model.down(running(1, "top", "top-2"));
    maps(1, 1, [1, Number.NaN], { partial: true });
    maps(1, 2, [5, 6], { column: 1 });
    maps(1, 3, [1, 2]);
    expect(shown()).toEqual([
      ["0/0", [1, 2]],
      ["0/1", [5, 6]],
    ]);
  });

  it("stays on screen, marked stale, until the next question's first maps", () => {
    maps(1, 1, [1, 2]);
    model.down({ kind: "done", gen: 1, seconds: 1, maps: 1 });
    model.down({ kind: "queued", gen: 2 });
    model.down(running(2, "dog"));
    expect([shown(), store.stale.value, store.status.value]).toEqual([[["0/0", [1, 2]]], true, "running"]);
    expect(store.answer.value?.columns[0].target).toBe("top");
    maps(2, 2, [3, 4]);
    expect([shown(), store.stale.value]).toEqual([[["0/0", [3, 4]]], false]);
    expect(store.answer.value?.columns[0].target).toBe("dog");
  });

  it("of an older question is dropped, but acknowledged", () => {
    model.down({ kind: "queued", gen: 2 });
    maps(1, 1, [1, 2]);
    model.down({ kind: "done", gen: 1, seconds: 1, maps: 1 });
    model.down({ kind: "error", gen: 1, message: "late", hint: "", traceback: "" });
    expect([shown(), store.status.value, store.failure.value]).toEqual([[], "running", null]);
    expect(model.sent.at(-1)).toEqual({ kind: "ack", seq: 1 });
  });

  it("told again to a second view does not disturb the first", () => {
    maps(1, 1, [1, 2]);
    model.down({ kind: "done", gen: 1, seconds: 1, maps: 1 });
    model.down(welcome);
    model.down({ kind: "queued", gen: 1 });
    expect([shown(), store.stale.value, store.status.value]).toEqual([[["0/0", [1, 2]]], false, "done"]);
  });

  it("can be cancelled by its number", () => {
    session.cancel();
    expect(model.sent.at(-1)).toEqual({ kind: "cancel", gen: 1 });
    model.down({ kind: "cancelled", gen: 1 });
    expect(store.status.value).toBe("cancelled");
  });

  it("that fails says why until the next question", () => {
    model.down({ kind: "error", gen: 1, message: "no", hint: "try", traceback: "T" });
    expect(store.status.value).toBe("error");
    expect(store.failure.value).toEqual({ message: "no", hint: "try", traceback: "T" });
    model.down({ kind: "queued", gen: 2 });
    expect(store.failure.value).toBeNull();
  });

  it("survives an error that belongs to no question", () => {
    maps(1, 1, [1, 2]);
    model.down({ kind: "done", gen: 1, seconds: 1, maps: 1 });
    model.down({ kind: "error", gen: 0, message: "unknown layer", hint: "", traceback: "" });
    expect([store.status.value, store.failure.value?.message]).toEqual(["done", "unknown layer"]);
  });

  it("that cannot be read is an error, not an exception", () => {
    model.down({ kind: "maps", gen: 1, seq: 1, items: [item()] }, [frame(1)]);
    expect(store.failure.value?.message).toContain("ends at byte 8 of a buffer of 4 bytes");
    maps(1, 2, [1, 2]);
    expect(shown()).toHaveLength(1);
  });
});

describe("predictions", () => {
  it("are rows of probabilities", () => {
    model.down({ kind: "predictions", model: "", shape: [1, 2], first: 0, best: [1] }, [frame(0.25, 0.75)]);
    expect(store.predictions.value).toMatchObject({ images: 1, classes: 2, predicted: [1] });
    expect([...(store.predictions.value?.values ?? [])]).toEqual([0.25, 0.75]);
  });

  it("of another model stand beside those of the first", () => {
    model.down({ kind: "predictions", model: "", shape: [1, 2], first: 0, best: [1] }, [frame(0.25, 0.75)]);
    model.down({ kind: "predictions", model: "after", shape: [1, 2], first: 0, best: [0] }, [frame(0.5, 0.25)]);
    expect(store.predictions.value?.predicted).toEqual([1]);
    expect([...(store.modelPredictions.value.get("after")?.values ?? [])]).toEqual([0.5, 0.25]);
  });
});

describe("the agreement of maps", () => {
  const items = [{ column: 1, correlations: [0.5], of_others: null }];
  const asked = (gen: number, ...models: string[]) => {
    const message = running(gen, "top");
    const columns = models.map((name) => ({ ...message.columns[0], model: name }));
    model.down({ ...message, key: models.join(), columns });
    maps(gen, gen, [1, 2]);
  };

  it("is that of the answer on the screen, and stays till that of the next one comes", () => {
    asked(1, "before", "after");
    model.down({ kind: "agreements", gen: 1, items });
    expect(store.agreements.value).toEqual(items);
    asked(2, "before", "after");
    model.down({ kind: "agreements", gen: 1, items: [] });
    expect(store.agreements.value).toEqual(items);
    model.down({ kind: "agreements", gen: 2, items: [] });
    expect(store.agreements.value).toEqual([]);
  });

  it("goes with the models", () => {
    asked(1, "before", "after");
    model.down({ kind: "agreements", gen: 1, items });
    asked(2, "before");
    expect(store.agreements.value).toEqual([]);
  });
});

describe("traits", () => {
  it("go up once for all that changed together", () => {
    session.set({ method: "cam", params: {} });
    expect([model.state.method, model.state.params, model.saved]).toEqual(["cam", {}, 1]);
    expect(store.traits.method.value).toBe("cam");
  });

  it("follow Python, also when it refuses", () => {
    session.set({ layer: "nonsense" });
    model.assign("layer", "conv");
    expect(store.traits.layer.value).toBe("conv");
  });

  it("say that the kernel is busy when a question is not taken within 400 ms", () => {
    session.set({ target: "dog" });
    vi.advanceTimersByTime(399);
    expect(store.waiting.value).toBe(false);
    vi.advanceTimersByTime(1);
    expect(store.waiting.value).toBe(true);
    model.down({ kind: "queued", gen: 1 });
    expect(store.waiting.value).toBe(false);
  });

  it("wait on while the answer to the question before comes in", () => {
    session.set({ method: "cam", target: "cat" });
    model.down(running(1, "cat"));
    maps(1, 1, [1, 2]);
    vi.advanceTimersByTime(400);
    expect(store.waiting.value).toBe(false);
    session.set({ target: "dog" });
    maps(1, 2, [1, 2]);
    vi.advanceTimersByTime(400);
    model.down({ kind: "done", gen: 1, seconds: 1, maps: 1 });
    expect(store.waiting.value).toBe(true);
    model.down(running(2, "dog"));
    expect(store.waiting.value).toBe(false);
  });

  it("that only redraw wait for nobody", () => {
    session.set({ opacity: 0.5 });
    vi.advanceTimersByTime(10_000);
    expect(store.waiting.value).toBe(false);
  });
});
