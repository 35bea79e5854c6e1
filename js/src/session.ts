import { batch } from "@preact/signals";
import type { Answers } from "./answers";
import { type Archive, type Archived, exact, nearest, openArchive } from "./archive";
import type { Binary } from "./codec";
import { createFiles } from "./files";
import { readPredictions, readThumbnails, readTiles } from "./frames";
import { parse } from "./kernel/parse";
import { type Down, VERSION } from "./kernel/protocol";
import { type Model, openLine } from "./line";
import { createBrowsing } from "./shelf";
import { createShowing } from "./showing";
import { askedOf, focusedImage, QUESTION, type Store, type Traits } from "./store";
import { chosenColumn, currentThumbnails, questionOf } from "./thumbnails";

export interface Session {
  set(values: Partial<Traits>): void;
  cancel(): void;
  /** Ask for thumbnails of an image for one of the answer's columns. */
  want(image: number, column: number): void;
  /** The images whose rows are near sight; only those of a store are fetched. */
  look(images: readonly number[]): void;
  /** Tells the kernel whether this view can be seen. */
  seen(visible: boolean): void;
  /** A file that the kernel makes of what it has; rejects with the reason where there is none. */
  fetchFile(format: string, column: number): Promise<Blob>;
  close(): void;
}

const QUEUED_MS = 400;

/** Ties one view's store to the host's model until it is closed; all views of a model share its answers. */
export function openSession(model: Model, store: Store, answers: Answers): Session {
  const view = Math.random().toString(36).slice(2);
  const names = Object.keys(store.traits) as (keyof Traits)[];
  const showing = createShowing(store, answers);
  /** What was kept, until the kernel answers. */
  let archive: Archive | null = null;
  let over = false;
  /** The question whose answer was last asked for a second time, because it came with gaps. */
  let missed = 0;
  let queuedTimer: ReturnType<typeof setTimeout> | undefined;

  const line = openLine(model, {
    hello: () => ({ kind: "hello", version: VERSION, view, have: answers.keys() }),
    reminder: () =>
      store.status.value === "running" || store.waiting.value ? { kind: "miss", gen: showing.newest } : null,
    lost() {
      clearTimeout(queuedTimer);
      store.status.value = "no-kernel";
      store.waiting.value = false;
      store.progress.value = null;
    },
  });
  const { send } = line;
  const files = createFiles(send);
  const browsing = createBrowsing(store, showing, send);

  const pull = (name: keyof Traits) => {
    const value = model.get(name);
    if (value !== undefined) store.traits[name].value = value as never;
  };

  const fail = (message: string, hint = "", traceback = "") => {
    store.failure.value = { message, hint, traceback };
  };

  const taken = (gen: number) => {
    // What still comes of the question before says nothing of the one that waits.
    if (gen <= showing.newest && showing.isPast()) return;
    clearTimeout(queuedTimer);
    store.waiting.value = false;
    if (gen <= showing.newest) return;
    showing.next(gen);
    store.status.value = "running";
    store.progress.value = null;
    store.seconds.value = null;
    store.failure.value = null;
  };

  const showArchived = (found: Archived) => {
    showing.show(found.asked, found.answer);
    store.seconds.value = found.seconds;
  };

  /** Until the kernel answers, what was kept is shown, and only that can be asked. */
  const useArchive = (opened: Archive) => {
    archive = opened;
    store.welcome.value = opened.welcome;
    store.predictions.value = opened.predictions;
    store.offer.value = opened.offer;
    if (opened.offer.alone) store.status.value = "no-kernel";
    const found = nearest(opened, askedOf(store), {});
    if (!found) return;
    for (const name of QUESTION) store.traits[name].value = found.asked[name] as never;
    showArchived(found);
  };

  const dropArchive = () => {
    over = true;
    if (!archive) return;
    archive = null;
    store.offer.value = null;
    for (const name of names) pull(name);
  };

  const follow = (name: keyof Traits) =>
    batch(() => {
      pull(name);
      const found = archive && exact(archive, askedOf(store));
      if (found) showArchived(found);
      else showing.catchUp();
    });

  const addThumbnails = (message: Extract<Down, { kind: "thumbnails" }>, buffers: Binary[]) => {
    const read = readThumbnails(message.items, buffers);
    const before = store.thumbnails.value?.key === message.key ? store.thumbnails.value.maps : [];
    store.thumbnails.value = {
      ...{ key: message.key, question: questionOf(store), image: focusedImage(store) },
      ...{ title: message.method_title, signed: message.signed, maps: new Map([...before, ...read]) },
    };
  };

  const receive = (message: Down, buffers: Binary[]) => {
    switch (message.kind) {
      case "welcome":
        line.answered();
        dropArchive();
        if (message.version !== VERSION) {
          fail(
            `The page speaks version ${VERSION} of the protocol, the kernel version ${message.version}.`,
            "Restart the kernel and reload the page.",
          );
        }
        store.welcome.value = message;
        if (message.offer) {
          store.offer.value = { asked: message.offer, alone: false, stored: true, leftOut: 0, side: null };
        }
        if (store.status.value === "no-kernel") store.status.value = "idle";
        return;
      case "predictions":
        store.predictions.value = readPredictions(message, buffers, store.predictions.peek());
        return;
      case "ahead":
        send({ kind: "ack", seq: message.seq });
        for (const { asked, key, columns, items } of message.answers) {
          showing.keep(asked, { key, columns, tiles: new Map(readTiles(items, buffers)) });
        }
        return;
      case "shelf":
        browsing.take(message, buffers);
        return;
      case "pictures":
        send({ kind: "ack", seq: message.seq });
        browsing.hang(message, buffers);
        return;
      case "file":
        files.take(message, buffers);
        return;
      case "error":
        if (message.gen !== 0 && message.gen < showing.newest) return;
        clearTimeout(queuedTimer);
        store.waiting.value = false;
        fail(message.message, message.hint, message.traceback);
        if (message.gen > 0) {
          if (message.gen > showing.newest) showing.next(message.gen);
          store.status.value = "error";
          store.progress.value = null;
        }
        return;
    }
    if (message.kind === "maps") send({ kind: "ack", seq: message.seq });
    if (message.gen < showing.newest) return;
    if (message.kind === "thumbnails") {
      const isHere = message.image === focusedImage(store) && message.column === chosenColumn(store);
      if (isHere) addThumbnails(message, buffers);
      return;
    }
    taken(message.gen);
    switch (message.kind) {
      case "running":
        store.status.value = "running";
        if (!showing.begin(message)) send({ kind: "miss", gen: message.gen });
        browsing.again();
        return;
      case "progress":
        if (store.status.value === "running") store.progress.value = message;
        return;
      case "maps":
        showing.add(message, buffers, browsing.trim);
        return;
      case "done":
        store.status.value = "done";
        store.seconds.value = message.seconds;
        store.progress.value = null;
        if (showing.end(message.maps)) return;
        if (missed === message.gen) fail("Some maps of the answer did not arrive.", "Ask it again.");
        else send({ kind: "miss", gen: message.gen });
        missed = message.gen;
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
    line.heard();
  };

  const observers = names.map((name) => [`change:${name}`, () => follow(name)] as const);
  for (const [event, observer] of observers) model.on(event, observer);
  model.on("msg:custom", onMessage);
  for (const name of names) pull(name);
  line.greet();
  openArchive(model.get("_snapshot") as Binary | undefined)
    .then((opened) => opened && !over && batch(() => useArchive(opened)))
    .catch((error) => fail(`What was kept of this view cannot be read: ${error}`));

  return {
    set(wanted) {
      const isQuestion = QUESTION.some((name) => name in wanted);
      const archived = isQuestion && archive ? nearest(archive, askedOf(store), wanted) : undefined;
      const found = isQuestion ? answers.find({ ...askedOf(store), ...wanted }) : undefined;
      const hasKernel = store.status.value !== "no-kernel";
      if (isQuestion && !hasKernel) {
        if (!archived && !found) {
          fail("This needs the kernel, which no longer answers.", "Run the cell again.");
          return;
        }
        store.failure.value = null;
      }
      const values = archived ? { ...wanted, ...archived.asked } : wanted;
      batch(() => {
        if (archived) showArchived(archived);
        for (const [name, value] of Object.entries(values)) {
          store.traits[name as keyof Traits].value = value as never;
          model.set(name, value);
        }
      });
      model.save_changes();
      if (archived || !isQuestion) return;
      if (found) showing.show(askedOf(store), found);
      else showing.catchUp();
      if (!hasKernel) return;
      clearTimeout(queuedTimer);
      queuedTimer = setTimeout(() => {
        store.waiting.value = true;
        line.asked();
      }, QUEUED_MS);
    },
    cancel: () => send({ kind: "cancel", gen: showing.newest }),
    want(image, column) {
      const have = currentThumbnails(store)?.key ?? "";
      send({ kind: "want", gen: showing.newest, image, column, have });
    },
    look: browsing.look,
    fetchFile: files.fetch,
    seen: (visible) => send({ kind: "seen", view, visible }),
    close() {
      over = true;
      files.close();
      browsing.close();
      send({ kind: "seen", view, visible: false });
      line.close();
      clearTimeout(queuedTimer);
      for (const [event, observer] of observers) model.off(event, observer);
      model.off("msg:custom", onMessage);
    },
  };
}
