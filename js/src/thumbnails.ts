/** Small maps of the image in focus at every layer: what they belong to, and when to ask for them. */

import type { Extent } from "./postprocess";
import { focusedImage, type Store } from "./store";

export interface SmallMap {
  values: Float32Array;
  shape: number[];
  extent: Extent;
}

export interface Thumbnails {
  /** What the kernel knows them by. */
  key: string;
  /** What was asked when they came; see `questionOf`. */
  question: string;
  /** How they were made. */
  title: string;
  image: number;
  signed: boolean;
  /** By the layer's path. */
  maps: ReadonlyMap<string, SmallMap>;
}

/** The column of the tile chosen last, as far as there are so many. */
export const chosenColumn = (store: Store) =>
  Math.min(store.chosenColumn.value, Math.max(0, (store.answer.value?.columns.length ?? 1) - 1));

/** All that thumbnails depend on: everything but the layer. */
export function questionOf(store: Store): string {
  const column = store.answer.value?.columns[chosenColumn(store)];
  return JSON.stringify([focusedImage(store), column?.method, column?.target, store.traits.params.value]);
}

/** Those of the question whose answer is seen, or null. */
export function currentThumbnails(store: Store): Thumbnails | null {
  const found = store.thumbnails.value;
  return found?.question === questionOf(store) ? found : null;
}
