/** The conversation about what is painted: the latest wins, and drawing never waits for it. */

import { type Binary, toBytes } from "../kernel/decode";
import type { Painted, Up } from "../kernel/protocol";
import { base64, pack } from "../math/mask";
import type { PaintQuestion } from "./painting";
import type { Store, TilePlace } from "./store";

/** Milliseconds between questions while a step goes on, and how many times as long as an answer took. */
const MOVING_MS = 100;
const MOVING_TIMES = 3;
/** Milliseconds until an answer that has not come is asked for once more: a host may have lost it. */
const LOST_MS = 10_000;

/** Why nothing can be scored, "" where it can. */
export function whyNotScored(store: Store): string {
  const { available, status, constants } = store;
  if (available.value?.fromStore)
    return "Scoring takes the model, which is not beside the store: KxWidget.from_store(path, model).";
  if (constants.value?.unmeasurable) return constants.value.unmeasurable;
  if (available.value?.offline) return "This page was saved: scoring what you paint takes Python, which is not here.";
  if (status.value === "no-kernel") return "Scoring takes the kernel, which does not answer. Run the cell again.";
  return constants.value ? "" : "Not ready yet.";
}

export class Strokes {
  private serial = 0;
  /** Serial numbers of what was asked last, and answered, about one image. */
  private latestSerial = 0;
  private answeredSerial = 0;
  private askedAt = Number.NEGATIVE_INFINITY;
  /** Milliseconds that the last answer took. */
  private answerMs = 0;
  /** By serial number, without those older than the last answer about as many images. */
  private readonly questions = new Map<number, PaintQuestion>();
  private retry: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly store: Store,
    private readonly send: (message: Up) => void,
    private readonly view: string,
    private readonly gen: () => number,
  ) {}

  score({ image, column }: TilePlace, isMoving: boolean): void {
    const { painting } = this.store;
    // The end of a step would have to wait for what is asked just before.
    const pause = Math.max(MOVING_MS, MOVING_TIMES * this.answerMs);
    if (isMoving && (this.latestSerial > this.answeredSerial || performance.now() - this.askedAt < pause)) return;
    if (painting.isEmpty.peek() || whyNotScored(this.store)) {
      // What is on its way is about something else.
      this.answeredSerial = this.latestSerial;
      painting.answer.value = null;
      return;
    }
    this.latestSerial = this.ask([image], column);
    this.askedAt = performance.now();
    clearTimeout(this.retry);
    this.retry = setTimeout(() => {
      if (this.latestSerial > this.answeredSerial) this.score({ image, column }, false);
    }, LOST_MS);
  }

  scoreAll(images: readonly number[], column: number): void {
    const { painting } = this.store;
    if (images.length < 2 || painting.isEmpty.peek() || whyNotScored(this.store)) return;
    painting.answerForAll.value = null;
    this.ask(images, column);
  }

  receive(message: Painted, buffers: Binary[]): void {
    const question = this.questions.get(message.serial);
    if (message.view !== this.view || !question) return;
    const { painting } = this.store;
    const isForAll = question.images.length > 1;
    for (const [serial, { images }] of this.questions) {
      if (images.length > 1 === isForAll && serial < message.serial) this.questions.delete(serial);
    }
    if (isForAll) {
      painting.answerForAll.value = { question, message, picture: null };
      return;
    }
    // One that has been replaced since is no news.
    if (message.serial <= this.answeredSerial) return;
    this.answeredSerial = message.serial;
    if (message.serial === this.latestSerial) this.answerMs = performance.now() - this.askedAt;
    // A host may reuse the buffer for its next message.
    const picture = message.problem ? null : { mime: "image/png", data: toBytes(buffers[0]).slice() };
    painting.answer.value = { question, message, picture };
  }

  close(): void {
    clearTimeout(this.retry);
  }

  private ask(images: readonly number[], column: number): number {
    const { painting, cover } = this.store;
    const mask = painting.mask.peek();
    const about = { gen: this.gen(), column, cover: cover.peek(), keep: painting.keep.peek(), images: [...images] };
    this.serial += 1;
    this.questions.set(this.serial, { ...about, mask });
    const bits = base64(pack(mask.pixels));
    const size = [mask.height, mask.width];
    this.send({ kind: "paint", view: this.view, serial: this.serial, ...about, size, mask: bits });
    return this.serial;
  }
}
