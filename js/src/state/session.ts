/** Ties one view's store to its widget in Python. */

import { batch } from "@preact/signals";
import { type Archive, type ArchivedAnswer, openArchive } from "../kernel/archive";
import { Connection, type Listener, type Model } from "../kernel/connection";
import { type Binary, readPredictions, readTiles } from "../kernel/decode";
import { Downloads } from "../kernel/downloads";
import { withNearest } from "../kernel/nearestTable";
import { type Down, type Message, type Up, VERSION } from "../kernel/protocol";
import { QUESTION } from "../kernel/question";
import type { AnswerCache } from "./answerCache";
import { exact, nearest } from "./availableQuestions";
import { ConceptRequests } from "./concepts";
import { addCovered, type CoverPlace } from "./covered";
import { Crops } from "./crops";
import { CurrentAnswer } from "./currentAnswer";
import { EpochViewer } from "./epochs";
import { rankingOf } from "./ranking";
import { Segmentations } from "./segmentations";
import { currentQuestion, type Status, type Store, type Traits } from "./store";
import { StoreImages } from "./storeImages";
import { Strokes } from "./strokes";
import { addThumbnails, currentThumbnails } from "./thumbnails";

/** Milliseconds until a view says that it waits for the kernel. */
const QUEUED_MS = 400;

type Handlers = { [Kind in Down["kind"]]: (message: Message<Kind>, buffers: Binary[]) => void };

/** Messages on how the kernel gets on with a question; those of an older question are dropped. */
const ON_ANSWER: readonly Down["kind"][] = [
  ...(["queued", "running", "progress", "maps", "evidence", "covered", "painted", "rankings"] as const),
  ...(["agreements", "done", "cancelled"] as const),
];

/** One view's conversation with the kernel; all views of a model share its answers. */
export class Session implements Listener {
  private readonly id = Math.random().toString(36).slice(2);
  private readonly connection: Connection;
  private readonly current: CurrentAnswer;
  readonly images: StoreImages;
  readonly downloads: Downloads;
  readonly crops: Crops;
  readonly strokes: Strokes;
  readonly segmentations: Segmentations;
  readonly epochs: EpochViewer;
  private readonly concepts: ConceptRequests;
  private readonly observers: (readonly [event: string, observer: () => void])[];
  /** What was saved, until the kernel answers. */
  private archive: Archive | null = null;
  private needsArchive = true;
  /** What was set before the archive was there. */
  private early: Partial<Traits> = {};
  /** The question whose answer was asked for a second time, because it came with gaps. */
  private resentGen = 0;
  private queuedTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly model: Model,
    private readonly store: Store,
    private readonly cache: AnswerCache,
  ) {
    const send = (message: Up) => this.connection.send(message);
    this.current = new CurrentAnswer(store, cache);
    this.epochs = new EpochViewer(store, this.current);
    this.images = new StoreImages(store, this.current, send);
    this.downloads = new Downloads(send);
    this.crops = new Crops(store, send, this.id, () => this.current.gen);
    this.strokes = new Strokes(store, send, this.id, () => this.current.gen);
    this.segmentations = new Segmentations(store, send, (error) => this.fail(error));
    this.concepts = new ConceptRequests(store, send);
    const names = Object.keys(store.traits) as (keyof Traits)[];
    this.observers = names.map((name) => [`change:${name}`, () => this.follow(name)]);
    for (const [event, observer] of this.observers) model.on(event, observer);
    for (const name of names) this.pull(name);
    this.connection = new Connection(model, this);
    this.connection.greet();
    // A kernel that is too busy to greet may still have answered since.
    model.on("change:_snapshot", this.readSnapshot);
    this.readSnapshot();
  }

  private readonly readSnapshot = () => {
    if (!this.needsArchive) return;
    openArchive(this.model.get("_snapshot") as Binary | undefined)
      .then((archive) => archive && this.needsArchive && batch(() => this.useArchive(archive)))
      .catch((error) => this.report(`What was kept of this view cannot be read: ${error}`));
  };

  /** Sets traits here and in Python; a question that cannot be answered is refused with a failure. */
  set(values: Partial<Traits>): void {
    if (QUESTION.some((name) => name in values)) this.ask(values);
    else this.assign(values);
  }

  cancel(): void {
    this.connection.send({ kind: "cancel", gen: this.current.gen });
  }

  /** Asks the question again: the weights have changed. */
  refresh(): void {
    this.connection.send({ kind: "refresh", gen: this.current.gen });
  }

  /** Asks for thumbnails of an image for one of the answer's columns. */
  fetchThumbnails(image: number, column: number): void {
    const have = currentThumbnails(this.store)?.key ?? "";
    this.connection.send({ kind: "want", gen: this.current.gen, image, column, have });
  }

  /** Asks for the evidence of these images' maps, with what covers; of none to stop. */
  measure(images: readonly number[], cover: string): void {
    this.store.measuring.value = images;
    this.connection.send({ kind: "measure", gen: this.current.gen, images: [...images], cover });
  }

  /** Asks how these methods compare for a column's target; with none of them to stop. */
  rank(request: Omit<Message<"rank">, "kind" | "gen">): void {
    const { target = null } = this.store.answer.peek()?.columns[request.column] ?? {};
    this.store.rankingTarget.value = request.methods.length > 0 ? target : null;
    this.connection.send({ kind: "rank", gen: this.current.gen, ...request });
  }

  /** Asks for the picture that was scored at a step of a curve. */
  cover(place: CoverPlace): void {
    if (this.store.answer.peek()?.gen !== this.current.gen) return;
    this.connection.send({ kind: "cover", gen: this.current.gen, ...place });
  }

  /** Tells the kernel whether this view can be seen. */
  setVisible(visible: boolean): void {
    this.connection.send({ kind: "seen", view: this.id, visible });
  }

  close(): void {
    this.needsArchive = false;
    this.downloads.close();
    this.images.close();
    this.crops.close();
    this.strokes.close();
    this.segmentations.close();
    this.concepts.close();
    this.setVisible(false);
    this.connection.close();
    clearTimeout(this.queuedTimer);
    for (const [event, observer] of this.observers) this.model.off(event, observer);
    this.model.off("change:_snapshot", this.readSnapshot);
  }

  // What the connection calls.

  hello(): Up {
    return { kind: "hello", version: VERSION, view: this.id, have: this.cache.keys() };
  }

  reminder(): Up | null {
    const { status, waiting } = this.store;
    return status.value === "running" || waiting.value ? { kind: "miss", gen: this.current.gen } : null;
  }

  receive(message: Down, buffers: Binary[]): void {
    batch(() => {
      if (ON_ANSWER.includes(message.kind)) {
        const { gen } = message as Extract<Down, { gen: number }>;
        if (gen < this.current.gen) return;
        this.take(gen);
      }
      this.handlers[message.kind](message as never, buffers);
    });
  }

  fail(error: unknown): void {
    const [text, trace] = error instanceof Error ? [error.message, error.stack ?? ""] : [String(error), ""];
    this.report(`A message of the kernel cannot be read: ${text}`, "", trace);
  }

  lost(): void {
    this.stopWaiting();
    this.end("no-kernel");
  }

  private readonly handlers: Handlers = {
    welcome: (message) => {
      this.connection.welcomed();
      this.dropArchive();
      const { version, offer } = message;
      if (version !== VERSION) {
        const text = `The page speaks version ${VERSION} of the protocol, the kernel version ${version}.`;
        return this.report(text, "Restart the kernel and reload the page.");
      }
      const { available, constants, status } = this.store;
      constants.value = message;
      if (offer) available.value = { questions: offer, offline: false, fromStore: true, leftOut: 0, side: null };
      if (status.value === "no-kernel") status.value = "idle";
    },
    concepts: (message, buffers) => this.concepts.receive(message, buffers),
    segmentation: (message, buffers) => this.segmentations.receive(message, buffers),
    predictions: (message, buffers) => {
      this.segmentations.forget();
      const { modelPredictions } = this.store;
      const { model } = message;
      if (!model) this.epochs.predict((before) => readPredictions(message, buffers, before));
      else {
        const table = readPredictions(message, buffers, modelPredictions.peek().get(model) ?? null);
        modelPredictions.value = new Map(modelPredictions.peek()).set(model, table);
      }
    },
    shelf: (message, buffers) => this.images.addFacts(message, buffers),
    pictures: (message, buffers) => this.images.addPictures(message, buffers),
    detected: ({ items }) => this.images.addDetections(items),
    queued: () => {},
    running: (message) => {
      this.store.status.value = "running";
      if (!this.current.begin(message)) this.resend(message.gen);
      this.images.follow(message.gen);
    },
    progress: (message) => {
      if (this.store.status.value === "running") this.store.progress.value = message;
    },
    costs: ({ seconds, refused, measuring }) => {
      this.store.costs.value = seconds;
      this.store.refused.value = refused;
      this.store.secondsToMeasure.value = measuring;
    },
    evidence: ({ items }) => this.current.addEvidence(items),
    agreements: ({ items }) => this.current.addAgreements(items),
    rankings: ({ kind: _, gen: __, ...tables }) => {
      this.store.rankings.value = tables;
      // A comparison for another target may have been stopped before its end.
      const ranking = rankingOf(this.store, this.store.rankingTarget.value);
      if (ranking && ranking.done === ranking.total) this.store.rankingTarget.value = null;
    },
    epochs: (message, buffers) => this.epochs.receive(message, buffers),
    nearest: (message) => {
      this.store.nearest.value = withNearest(this.store.nearest.peek(), message);
    },
    covered: (message, buffers) => addCovered(this.store, message, buffers),
    painted: (message, buffers) => this.strokes.receive(message, buffers),
    maps: (message, buffers) => this.current.add(message, buffers, this.images.trim),
    ahead: ({ answers }, buffers) => {
      for (const { asked, key, columns, items } of answers) {
        this.current.remember(asked, { key, columns, tiles: new Map(readTiles(items, buffers)) });
      }
    },
    thumbnails: (message, buffers) => {
      if (message.gen >= this.current.gen) addThumbnails(this.store, message, buffers);
    },
    done: ({ gen, seconds, maps }) => {
      this.end("done");
      this.store.seconds.value = seconds;
      if (this.current.end(maps)) return;
      if (this.resentGen === gen) this.report("Some maps of the answer did not arrive.", "Ask it again.");
      else this.resend(gen);
      this.resentGen = gen;
    },
    cancelled: () => {
      this.store.agreements.value = [];
      this.end("cancelled");
    },
    error: ({ gen, message, hint, traceback }) => {
      if (gen !== 0 && gen < this.current.gen) return;
      this.stopWaiting();
      this.report(message, hint, traceback);
      this.store.measuring.value = [];
      this.store.rankingTarget.value = null;
      if (gen === 0) return;
      if (gen > this.current.gen) this.current.next(gen);
      this.end("error");
    },
    file: (message, buffers) => this.downloads.receive(message, buffers),
    crop: (message, buffers) => this.crops.receive(message, buffers),
  };

  /** The kernel has taken a question. */
  private take(gen: number): void {
    const isNew = gen > this.current.gen;
    // The question that the page waits for is a later one.
    if (!isNew && this.current.isSuperseded()) return;
    this.stopWaiting();
    if (!isNew) return;
    this.current.next(gen);
    this.store.status.value = "running";
    this.store.progress.value = null;
    this.store.seconds.value = null;
    this.store.failure.value = null;
    this.store.measuring.value = [];
    this.store.rankingTarget.value = null;
  }

  private end(status: Status): void {
    this.store.status.value = status;
    this.store.progress.value = null;
  }

  private resend(gen: number): void {
    this.connection.send({ kind: "miss", gen });
  }

  private report(message: string, hint = "", traceback = ""): void {
    this.store.failure.value = { message, hint, traceback };
  }

  private stopWaiting(): void {
    clearTimeout(this.queuedTimer);
    this.store.waiting.value = false;
  }

  private pull(name: keyof Traits): void {
    const value = this.model.get(name);
    if (value !== undefined) this.store.traits[name].value = value as never;
  }

  /** Python, another view, or the address of a saved page has set a trait. */
  private follow(name: keyof Traits): void {
    if (QUESTION.some((part) => part === name)) {
      const change = { [name]: this.model.get(name) };
      if (this.archive?.available.offline) {
        this.ask(change);
        return;
      }
      if (!this.archive) Object.assign(this.early, change);
    }
    batch(() => {
      this.pull(name);
      const archived = this.archive && exact(this.archive, currentQuestion(this.store));
      if (archived) this.showArchived(archived);
      else this.current.catchUp();
    });
  }

  private assign(values: Partial<Traits>): void {
    batch(() => {
      for (const [name, value] of Object.entries(values)) {
        this.store.traits[name as keyof Traits].value = value as never;
        this.model.set(name, value);
      }
    });
    this.model.save_changes();
  }

  private ask(values: Partial<Traits>) {
    const { store } = this;
    batch(() => this.epochs.leave());
    const question = currentQuestion(store);
    const archived = this.archive && nearest(this.archive, question, values);
    const cached = this.cache.find({ ...question, ...values });
    const hasKernel = store.status.value !== "no-kernel";
    if (!hasKernel && !archived && !cached) {
      return this.report("This needs the kernel, which no longer answers.", "Run the cell again.");
    }
    if (!hasKernel) store.failure.value = null;
    if (archived) {
      return batch(() => {
        this.showArchived(archived);
        this.assign({ ...values, ...archived.question });
      });
    }
    this.assign(values);
    if (cached) this.current.show(currentQuestion(store), cached);
    else this.current.catchUp();
    if (!hasKernel) return;
    clearTimeout(this.queuedTimer);
    this.queuedTimer = setTimeout(() => {
      store.waiting.value = true;
      this.connection.expectAnswer();
    }, QUEUED_MS);
  }

  private showArchived({ question, answer, seconds, rankings: items }: ArchivedAnswer): void {
    this.store.rankings.value = { rankable: [], image_seconds: null, size_seconds: null, items };
    this.current.show(question, answer);
    this.store.seconds.value = seconds;
  }

  /** Until the kernel answers, the archive is shown, and only its questions can be asked. */
  private useArchive(archive: Archive): void {
    const { store } = this;
    this.archive = archive;
    store.constants.value = archive.constants;
    store.modelPredictions.value = archive.modelPredictions;
    store.epochs.value = archive.epochs;
    this.epochs.predict(() => archive.predictions);
    store.segmentations.value = archive.segmentations;
    store.concepts.value = archive.concepts;
    store.nearest.value = archive.nearest;
    store.available.value = archive.available;
    if (archive.available.offline) store.status.value = "no-kernel";
    const question = currentQuestion(store);
    const archived = nearest(archive, question, this.early) ?? nearest(archive, question, {});
    if (!archived) return;
    for (const name of QUESTION) store.traits[name].value = archived.question[name] as never;
    this.showArchived(archived);
  }

  private dropArchive(): void {
    this.needsArchive = false;
    if (!this.archive) return;
    this.archive = null;
    this.store.available.value = null;
    for (const name of Object.keys(this.store.traits)) this.pull(name as keyof Traits);
  }
}
