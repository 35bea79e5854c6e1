/** The images of a stored data set: facts about all of them, pictures and maps of those near sight. */

import { effect } from "@preact/signals";
import { type Binary, copyPart, readStoredFacts, type StoredFacts, type TileMaps, toBytes } from "../kernel/decode";
import type { DetectedImage, Pictures, Shelf, Up } from "../kernel/protocol";
import type { CurrentAnswer } from "./currentAnswer";
import { neighboursInFocus } from "./nearest";
import { focusedImage, type Picture, type Store } from "./store";

/** Milliseconds without scrolling until what is near sight is asked for. */
const REST_MS = 60;
/** Milliseconds until what has not come is asked for once more: a host may have lost it. */
const LOST_MS = 15_000;
const LIMIT_PICTURES = 400;
const LIMIT_BYTES = 64e6;

export class StoreImages {
  /** Facts that come in parts, until all are there. */
  private incoming: StoredFacts | null = null;
  private readonly pictures = new Map<number, Picture>();
  private visible: ReadonlySet<number> = new Set();
  /** The question whose maps were asked for last. */
  private askedGen = 0;
  private restTimer: ReturnType<typeof setTimeout> | undefined;
  private lostTimer: ReturnType<typeof setTimeout> | undefined;
  private readonly stopFollowing: () => void;

  constructor(
    private readonly store: Store,
    private readonly current: CurrentAnswer,
    private readonly send: (message: Up) => void,
  ) {
    // The image in focus is shown large, and others beside it, wherever their rows are.
    this.stopFollowing = effect(() => {
      focusedImage(store);
      neighboursInFocus(store);
      this.fetchMissing();
    });
  }

  /** Adds the facts about some images. */
  addFacts(message: Shelf, buffers: Binary[]): void {
    const { images, first, count } = message;
    const part = readStoredFacts(message, buffers);
    if (this.incoming?.images !== images) {
      this.incoming = readStoredFacts({ count: images }, [new ArrayBuffer(4 * (4 + part.numbers.length) * images)]);
    }
    const facts = this.incoming;
    for (const name of ["predicted", "labels", "confidence", "scores"] as const) facts[name].set(part[name], first);
    for (const [index, values] of part.numbers.entries()) facts.numbers[index].set(values, first);
    if (first + count < images) return;
    const isLabelled = facts.labels.some((label) => label >= 0);
    this.store.stored.value = isLabelled ? facts : { ...facts, labels: new Int32Array(0) };
    this.incoming = null;
    this.showPictures();
    this.fetchMissing();
  }

  addPictures({ items }: Pictures, buffers: Binary[]): void {
    const bytes = toBytes(buffers[0]);
    for (const { image, byte_offset, byte_length, ...picture } of items) {
      this.pictures.set(image, { ...picture, data: copyPart(bytes, byte_offset, byte_length) });
    }
    for (const image of this.pictures.keys()) {
      if (this.pictures.size <= LIMIT_PICTURES) break;
      if (!this.isSeen(image)) this.pictures.delete(image);
    }
    this.showPictures();
  }

  /** Adds what is detected in some images. */
  addDetections(items: readonly DetectedImage[]): void {
    const { _detections } = this.store.traits;
    const detections = _detections.peek().slice();
    for (const { image, boxes } of items) detections[image] = boxes;
    _detections.value = detections;
  }

  /** Asks for what the images whose rows are near sight lack, once scrolling rests. */
  fetchVisible(images: readonly number[]): void {
    this.visible = new Set(images);
    this.fetchMissing();
  }

  /** Another question is answered, whose maps this view has not asked for. */
  follow(gen: number): void {
    if (gen !== this.askedGen) this.fetchMissing();
  }

  private fetchMissing(): void {
    if (this.store.stored.peek()) this.restTimer ??= setTimeout(() => this.ask(), REST_MS);
  }

  /** The maps of an answer that there is room for: those near sight stay. */
  trim = (tiles: TileMaps): TileMaps => {
    if (!this.store.stored.peek()) return tiles;
    let bytes = [...tiles.values()].reduce((sum, { values }) => sum + values.byteLength, 0);
    const trimmed = new Map(tiles);
    for (const [key, { item, values }] of tiles) {
      if (bytes <= LIMIT_BYTES) break;
      if (this.isSeen(item.image)) continue;
      trimmed.delete(key);
      bytes -= values.byteLength;
    }
    return trimmed;
  };

  close(): void {
    this.stopFollowing();
    clearTimeout(this.restTimer);
    clearTimeout(this.lostTimer);
  }

  private isSeen = (image: number) =>
    this.visible.has(image) || image === focusedImage(this.store) || neighboursInFocus(this.store).includes(image);

  private showPictures(): void {
    const pictures = new Array<Picture>(this.store.stored.peek()?.images ?? 0);
    for (const [image, picture] of this.pictures) pictures[image] = picture;
    this.store.traits._images.value = pictures;
  }

  private ask(before = ""): void {
    this.restTimer = undefined;
    clearTimeout(this.lostTimer);
    const images = [...new Set([...this.visible, focusedImage(this.store)])];
    const pictures = [...new Set([...images, ...neighboursInFocus(this.store)])].filter(
      (image) => !this.pictures.has(image),
    );
    const maps = images.filter((image) => !this.current.has(image));
    if (pictures.length + maps.length === 0) return;
    const message = { kind: "look", gen: this.current.gen, pictures, maps } as const;
    this.send({ ...message });
    this.askedGen = message.gen;
    const text = JSON.stringify(message);
    if (text !== before) this.lostTimer = setTimeout(() => this.ask(text), LOST_MS);
  }
}
