/** Small maps of the image in focus at every layer: which question they belong to. */

import { type Binary, readThumbnails } from "../kernel/decode";
import type { Thumbnails } from "../kernel/protocol";
import { labelOf } from "./filterSort";
import { chosenTile, type Store, type ThumbnailSet } from "./store";

/** Everything that thumbnails depend on, as text: all of the question but the layer. */
export function thumbnailKey(store: Store): string {
  const { image, column } = chosenTile(store);
  const { method, target, model } = store.answer.value?.columns[column] ?? {};
  // What the true class of an image is may change.
  return JSON.stringify([image, model, method, target, store.traits.params.value, labelOf(store.facts.value, image)]);
}

/** Those of the question whose answer is on the screen, or null. */
export function currentThumbnails(store: Store): ThumbnailSet | null {
  const thumbnails = store.thumbnails.value;
  return thumbnails?.question === thumbnailKey(store) ? thumbnails : null;
}

/** Adds the thumbnails of one message to those of the same key. */
export function addThumbnails(store: Store, message: Thumbnails, buffers: Binary[]): void {
  const { image, column } = chosenTile(store);
  if (message.image !== image || message.column !== column) return;
  const { key, method_title: title, signed, items } = message;
  const before = store.thumbnails.value?.key === key ? store.thumbnails.value.maps : [];
  const maps = new Map([...before, ...readThumbnails(items, buffers)]);
  store.thumbnails.value = { key, question: thumbnailKey(store), title, image, signed, maps };
}
