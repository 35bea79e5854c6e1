/** What layers, classes, images and columns are called on the screen. */

import type { Item, QuestionRecord } from "../kernel/protocol";
import { isRight, labelOf } from "./filterSort";
import { lastSegment } from "./format";
import type { Store, Target } from "./store";

export const className = (store: Store, target: Target): string =>
  typeof target === "number" ? (store.constants.value?.class_names[target] ?? `class ${target}`) : target;

export const methodTitle = (store: Store, id: string): string =>
  store.constants.value?.catalogue.find((method) => method.id === id)?.title ?? id;

export const imageName = (store: Store, image: number): string =>
  lastSegment(store.traits._images.value[image]?.name ?? "") || `image ${image + 1}`;

/** What tells one column of a comparison from the next. */
export function comparedText(store: Store, value: Target): string {
  const { compare } = store.traits;
  if (compare.value === "methods") return methodTitle(store, String(value));
  return compare.value === "layers" ? store.layerName(String(value)) : className(store, value);
}

export function columnHeading(store: Store, index: number): string {
  const column = store.answer.value?.columns[index];
  if (!column) return "";
  if (store.traits.compare.value === "methods") return column.method_title;
  return comparedText(store, store.traits.compare.value === "layers" ? column.layer : column.target);
}

/** A question in words; what is compared is said by its columns. */
export function questionText(store: Store, question: QuestionRecord): string {
  const { layer, method, target, params, compare, compare_with } = question;
  const entry = store.constants.value?.catalogue.find(({ id }) => id === method);
  const settings = Object.entries(params).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  const columns = compare_with.length > 0 ? ` (${compare_with.join(", ")})` : "";
  return [
    compare !== "methods" && methodTitle(store, method),
    compare !== "layers" && (entry?.sees === "input" ? "the input" : store.layerName(layer)),
    compare !== "targets" && className(store, target),
    ...settings,
    compare !== "none" && `${compare === "targets" ? "classes" : compare} compared${columns}`,
  ]
    .filter(Boolean)
    .join(" · ");
}

/**
 * Whether the prediction is right, in words; empty where that is not known. It is named, unless it is the class that
 * is explained and named beside it.
 */
export function verdict(store: Store, image: number, explained?: number): string {
  const facts = store.facts.value;
  const right = isRight(facts, image);
  if (right === null) return "";
  const predicted = facts.predicted[image];
  const other = predicted === explained ? "" : className(store, predicted);
  if (right) return other ? `predicted ${other}, right` : "right";
  const outcome = other ? `predicted ${other}` : "wrong";
  return `${outcome}, true class ${className(store, labelOf(facts, image) ?? 0)}`;
}

/** How far a method's maps can be trusted on this model, "" where nothing is known against them. */
export function cautionOf(store: Store, method: string): string {
  const { catalogue = [], inspection } = store.constants.value ?? {};
  // Pages that an earlier version saved have none.
  const cautions = inspection?.cautions ?? {};
  const sees = catalogue.find(({ id }) => id === method)?.sees ?? "";
  return cautions[method] ?? cautions[sees] ?? "";
}

/** How far a map has come that is not finished, "" for one that is. */
export function partialText({ partial, done }: Item): string {
  if (!partial) return "";
  return `partial ${done > 0 && done < 0.01 ? "<1" : Math.floor(100 * done)} %`;
}

/** The notes on this map alone: a caution that holds for all of its method is shown once, beside the method. */
export const notesOf = (store: Store, item: Item) =>
  item.notes.filter((note) => note !== cautionOf(store, item.method));
