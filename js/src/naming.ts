/** What layers, classes, images and columns are called on the screen. */

import { isRight, labelOf } from "./arrange";
import { lastSegment } from "./format";
import type { Item } from "./kernel/protocol";
import { layerName, type Store, type Target } from "./store";

export function targetText(target: Target, names: readonly string[]): string {
  return typeof target === "number" ? (names[target] ?? `class ${target}`) : target;
}

export function imageName(store: Store, image: number): string {
  return lastSegment(store.traits._images.value[image]?.name ?? "") || `image ${image + 1}`;
}

/** What tells one column from the next. */
export function columnHeading(store: Store, index: number): string {
  const column = store.answer.value?.columns[index];
  if (!column) return "";
  switch (store.traits.compare.value) {
    case "methods":
      return column.method_title;
    case "layers":
      return layerName(store, column.layer);
    default:
      return targetText(column.target, store.welcome.value?.class_names ?? []);
  }
}

export const className = (store: Store, index: number) =>
  targetText(index, store.welcome.value?.class_names ?? []);

/**
 * Whether the prediction is right, in words; empty where that is not known. It is named, unless it is the class that
 * is explained and named beside it.
 */
export function verdict(store: Store, image: number, explained?: number): string {
  const known = store.known.value;
  const right = isRight(known, image);
  if (right === null) return "";
  const best = known.best[image];
  const other = best === explained ? "" : className(store, best);
  if (right) return other ? `predicted ${other}, right` : "right";
  const what = other ? `predicted ${other}` : "wrong";
  return `${what}, true class ${className(store, labelOf(known, image) ?? 0)}`;
}

/** How far a method's maps can be trusted on this model, "" where nothing is known against them. */
export function cautionOf(store: Store, method: string): string {
  const { catalogue = [], inspection } = store.welcome.value ?? {};
  const cautions = inspection?.cautions ?? {};
  const sees = catalogue.find(({ id }) => id === method)?.sees ?? "";
  return cautions[method] ?? cautions[sees] ?? "";
}

/** What is to be said of this map alone: what holds for all of its method is said once. */
export const notesOf = (store: Store, item: Item) =>
  item.notes.filter((note) => note !== cautionOf(store, item.method));
