/** The images of a store of explanations: what is known of all, and what was fetched of those near sight. */

import { type Binary, readFloats, toBytes } from "./codec";
import type { Down, Up } from "./kernel/protocol";
import type { Showing } from "./showing";
import type { Picture, Store, TileMap } from "./store";

export interface Shelf {
  images: number;
  /** The most probable class of every image. */
  best: Int32Array;
  /** The true class of every image, -1 where it is unknown; empty where none is known. */
  labels: Int32Array;
  /** The probability of the most probable class, NaN where it was not asked for. */
  sure: Float32Array;
  /** Of the first target. */
  scores: Float32Array;
}

export interface Browsing {
  /** What is known of all images, in parts. */
  take(message: Extract<Down, { kind: "shelf" }>, buffers: Binary[]): void;
  hang(message: Extract<Down, { kind: "pictures" }>, buffers: Binary[]): void;
  /** The images whose rows are near sight. */
  look(images: readonly number[]): void;
  /** Asks for what these images lack now. */
  again(): void;
  /** Those maps that there is room for. */
  trim(tiles: ReadonlyMap<string, TileMap>): ReadonlyMap<string, TileMap>;
  close(): void;
}

const REST_MS = 60;
/** What has not come by then is asked for once more: a host may have lost it. */
const LOST_MS = 15_000;
const MOST_PICTURES = 400;
const MOST_BYTES = 64e6;

export function createBrowsing(store: Store, showing: Showing, send: (message: Up) => void): Browsing {
  let coming: Shelf | null = null;
  const photos = new Map<number, Picture>();
  let inSight: ReadonlySet<number> = new Set();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let lost: ReturnType<typeof setTimeout> | undefined;

  const show = () => {
    const pictures = new Array<Picture>(store.shelf.peek()?.images ?? 0);
    for (const [image, picture] of photos) pictures[image] = picture;
    store.traits._images.value = pictures;
  };

  const ask = (before = "") => {
    timer = undefined;
    clearTimeout(lost);
    const pictures = [...inSight].filter((image) => !photos.has(image));
    const maps = [...inSight].filter((image) => !showing.has(image));
    if (pictures.length + maps.length === 0) return;
    const look = { kind: "look", gen: showing.newest, pictures, maps } as const;
    send(look);
    const text = JSON.stringify(look);
    if (text !== before) lost = setTimeout(ask, LOST_MS, text);
  };
  const again = () => {
    if (store.shelf.peek()) timer ??= setTimeout(ask, REST_MS);
  };

  return {
    take({ images, first, count }, buffers) {
      const bytes = toBytes(buffers[0]);
      if (coming?.images !== images) coming = empty(images);
      const part = (at: number) => readFloats(bytes, count, 4 * at * count);
      const integers = (at: number) => new Int32Array(part(at).slice().buffer);
      coming.best.set(integers(0), first);
      coming.labels.set(integers(1), first);
      coming.sure.set(part(2), first);
      coming.scores.set(part(3), first);
      if (first + count < images) return;
      const known = coming.labels.some((label) => label >= 0);
      store.shelf.value = known ? coming : { ...coming, labels: new Int32Array(0) };
      coming = null;
      show();
      again();
    },
    hang({ items }, buffers) {
      const bytes = toBytes(buffers[0]);
      for (const { image, byte_offset, byte_length, ...about } of items) {
        photos.set(image, { ...about, data: bytes.slice(byte_offset, byte_offset + byte_length) });
      }
      for (const image of photos.keys()) {
        if (photos.size <= MOST_PICTURES) break;
        if (!inSight.has(image)) photos.delete(image);
      }
      show();
    },
    look(images) {
      inSight = new Set(images);
      again();
    },
    again,
    trim(tiles) {
      if (!store.shelf.peek()) return tiles;
      let bytes = 0;
      for (const { values } of tiles.values()) bytes += values.byteLength;
      if (bytes <= MOST_BYTES) return tiles;
      const kept = new Map(tiles);
      for (const [key, { item, values }] of tiles) {
        if (bytes <= MOST_BYTES) break;
        if (inSight.has(item.image)) continue;
        kept.delete(key);
        bytes -= values.byteLength;
      }
      return kept;
    },
    close() {
      clearTimeout(timer);
      clearTimeout(lost);
    },
  };
}

const empty = (images: number): Shelf => ({
  images,
  best: new Int32Array(images),
  labels: new Int32Array(images),
  sure: new Float32Array(images),
  scores: new Float32Array(images),
});
