import { batch } from "@preact/signals";
import { type Binary, readFloats, readMap, toBytes } from "./codec";
import { type Down, parse, type Up, VERSION } from "./messages";
import { extent } from "./postprocess";
import { type Answer, focusedImage, type Store, type TileMap, type Traits, tileKey } from "./store";
import { chosenColumn, currentThumbnails, questionOf, type SmallMap } from "./thumbnails";

/** What a host of anywidget gives; only this file touches it. */
export interface Model {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  send(content: unknown): void;
  // biome-ignore lint/suspicious/noExplicitAny: hosts differ in what they pass to a callback.
  on(event: string, callback: (...args: any[]) => void): void;
  // biome-ignore lint/suspicious/noExplicitAny: see `on`.
  off(event: string, callback: (...args: any[]) => void): void;
}

export interface Session {
  set(values: Partial<Traits>): void;
  cancel(): void;
  /** Ask for thumbnails of an image for one of the answer's columns. */
  want(image: number, column: number): void;
  close(): void;
}

const QUESTION: readonly (keyof Traits)[] = [
  "layer",
  "method",
  "target",
  "params",
  "compare",
  "compare_with",
];
const HELLO_MS = 5000;
const QUEUED_MS = 400;

/** Ties one view's store to the host's model until it is closed. */
export function openSession(model: Model, store: Store): Session {
  const names = Object.keys(store.traits) as (keyof Traits)[];
  /** The newest question seen; frames of older ones are dropped. */
  let newest = 0;
  let columns: Answer["columns"] = [];
  let helloTimer: ReturnType<typeof setTimeout> | undefined;
  let queuedTimer: ReturnType<typeof setTimeout> | undefined;

  const send = (message: Up) => model.send(message);

  const pull = (name: keyof Traits) => {
    const value = model.get(name);
    if (value !== undefined) store.traits[name].value = value as never;
  };

  const fail = (message: string, hint = "", traceback = "") => {
    store.failure.value = { message, hint, traceback };
  };

  const taken = (gen: number) => {
    clearTimeout(queuedTimer);
    store.waiting.value = false;
    if (gen <= newest) return;
    newest = gen;
    columns = [];
    store.status.value = "running";
    store.stale.value = store.answer.value !== null;
    store.progress.value = null;
    store.seconds.value = null;
    store.failure.value = null;
  };

  const addMaps = (message: Extract<Down, { kind: "maps" }>, buffers: Binary[]) => {
    const bytes = toBytes(buffers[0]);
    const read = message.items.map((item): [string, TileMap] => {
      const values = readMap(item, bytes);
      return [tileKey(item.image, item.column), { item, values, extent: extent(values) }];
    });
    const shown = store.answer.value;
    const before = shown?.gen === message.gen ? shown.tiles : [];
    store.answer.value = { gen: message.gen, columns, tiles: new Map([...before, ...read]) };
    store.stale.value = false;
  };

  const addThumbnails = (message: Extract<Down, { kind: "thumbnails" }>, buffers: Binary[]) => {
    const bytes = toBytes(buffers[0]);
    const read = message.items.map((item): [string, SmallMap] => {
      const values = readMap(item, bytes);
      return [item.layer, { values, shape: item.shape, extent: extent(values) }];
    });
    const before = store.thumbnails.value?.key === message.key ? store.thumbnails.value.maps : [];
    store.thumbnails.value = {
      ...{ key: message.key, question: questionOf(store), image: focusedImage(store) },
      ...{ title: message.method_title, signed: message.signed, maps: new Map([...before, ...read]) },
    };
  };

  const receive = (message: Down, buffers: Binary[]) => {
    switch (message.kind) {
      case "welcome":
        clearTimeout(helloTimer);
        if (message.version !== VERSION) {
          fail(
            `The page speaks version ${VERSION} of the protocol, the kernel version ${message.version}.`,
            "Restart the kernel and reload the page.",
          );
        }
        store.welcome.value = message;
        if (store.status.value === "no-kernel") store.status.value = "idle";
        return;
      case "predictions": {
        const [images, classes] = message.shape;
        store.predictions.value = {
          images,
          classes,
          best: message.best,
          values: readFloats(toBytes(buffers[0]), images * classes),
        };
        return;
      }
      case "error":
        if (message.gen !== 0 && message.gen < newest) return;
        clearTimeout(queuedTimer);
        store.waiting.value = false;
        fail(message.message, message.hint, message.traceback);
        if (message.gen > 0) {
          newest = message.gen;
          store.status.value = "error";
          store.progress.value = null;
        }
        return;
    }
    if (message.kind === "maps") send({ kind: "ack", gen: message.gen, seq: message.seq });
    if (message.gen < newest) return;
    taken(message.gen);
    switch (message.kind) {
      case "running":
        columns = message.columns;
        store.status.value = "running";
        return;
      case "progress":
        store.progress.value = message;
        return;
      case "maps":
        addMaps(message, buffers);
        return;
      case "thumbnails":
        if (message.image === focusedImage(store) && message.column === chosenColumn(store)) {
          addThumbnails(message, buffers);
        }
        return;
      case "done":
        store.status.value = "done";
        store.seconds.value = message.seconds;
        store.progress.value = null;
        return;
      case "cancelled":
        store.status.value = "cancelled";
        store.progress.value = null;
    }
  };

  const onMessage = (content: unknown, buffers: Binary[] = []) => {
    try {
      const message = parse(content);
      if (message) batch(() => receive(message, buffers));
    } catch (error) {
      fail(
        `A message of the kernel cannot be read: ${error instanceof Error ? error.message : error}`,
        "",
        error instanceof Error ? (error.stack ?? "") : "",
      );
    }
  };

  const observers = names.map((name) => [`change:${name}`, () => pull(name)] as const);
  for (const [event, observer] of observers) model.on(event, observer);
  model.on("msg:custom", onMessage);
  for (const name of names) pull(name);
  send({ kind: "hello", version: VERSION, have: [] });
  helloTimer = setTimeout(() => {
    if (!store.welcome.value) store.status.value = "no-kernel";
  }, HELLO_MS);

  return {
    set(values) {
      batch(() => {
        for (const [name, value] of Object.entries(values)) {
          store.traits[name as keyof Traits].value = value as never;
          model.set(name, value);
        }
      });
      model.save_changes();
      if (!QUESTION.some((name) => name in values)) return;
      clearTimeout(queuedTimer);
      queuedTimer = setTimeout(() => {
        store.waiting.value = true;
      }, QUEUED_MS);
    },
    cancel: () => send({ kind: "cancel", gen: newest }),
    want(image, column) {
      const have = currentThumbnails(store)?.key ?? "";
      send({ kind: "want", gen: newest, image, column, have });
    },
    close() {
      clearTimeout(helloTimer);
      clearTimeout(queuedTimer);
      for (const [event, observer] of observers) model.off(event, observer);
      model.off("msg:custom", onMessage);
    },
  };
}
