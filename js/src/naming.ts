/** What layers, classes, images and columns are called on the screen. */

import { lastSegment } from "./format";
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
