/** What layers, classes, images and columns are called on the screen. */

import type { Item, MethodRecord, QuestionRecord } from "../kernel/protocol";
import { isRight, labelOf } from "./filterSort";
import { lastSegment, roughly } from "./format";
import { factsAt, modelOf } from "./models";
import { regionsText } from "./regions";
import { type Compare, chosenMethod, comparedValues, type Store, type Target, type TilePlace } from "./store";
import { meanOf, splitTarget, spokenTarget } from "./target";

export const className = (store: Store, target: Target): string =>
  typeof target === "number" ? (store.constants.value?.class_names[target] ?? `class ${target}`) : target;

/** A class without the synonyms in its name. */
export function briefName(store: Store, target: Target): string {
  const index = typeof target === "number" ? target : (store.constants.value?.class_names.indexOf(target) ?? -1);
  return store.briefNames.value[index] ?? className(store, target);
}

/** A target in the words of the page: "predicted", "2nd", "true class", a class, or "A vs B". */
export function targetText(store: Store, target: Target, nameOf = className): string {
  const sides = splitTarget(target, store.constants.value?.class_names ?? []);
  return sides.flatMap((side) => (side === null ? [] : sideText(store, side, nameOf))).join(" vs ");
}

/** One side of a contrast in the same words: a class, or "0.6 × mean of B, C". */
export function sideText(store: Store, side: Target, nameOf = className): string {
  const mean = meanOf(side, store.constants.value?.class_names ?? []);
  const words = (one: Target) => spokenTarget(String(one)) ?? nameOf(store, one);
  if (!mean) return words(side);
  const factor = mean.weight === "1" ? "" : `${mean.weight} × `;
  return `${factor}mean of ${mean.classes.map(words).join(", ")}`;
}

/** The class that a map explains, or the two of a contrast. */
export const explainedText = (store: Store, { target, target_name }: Item): string =>
  target >= 0 ? target_name : targetText(store, target_name);

/** The same without the synonyms in the names of classes. */
export const briefExplainedText = (store: Store, { target, target_name }: Item): string =>
  target >= 0 ? briefName(store, target) : targetText(store, target_name, briefName);

export const methodTitle = (store: Store, id: string): string =>
  store.constants.value?.catalogue.find((method) => method.id === id)?.title ?? id;

export const imageName = (store: Store, image: number): string =>
  lastSegment(store.traits._images.value[image]?.name ?? "") || `image ${image + 1}`;

const BAND = " · band ";

/** What tells one column of a comparison from the next. */
export function comparedText(store: Store, value: Target, compare: Compare = store.traits.compare.value): string {
  if (compare === "methods") return methodTitle(store, String(value));
  if (compare === "models") return String(value);
  return compare === "layers" ? store.layerName(String(value)) : targetText(store, value);
}

/** The methods of the columns: those compared, else the chosen one. */
export function shownMethods(store: Store): MethodRecord[] {
  const chosen = chosenMethod(store);
  const compared = store.traits.compare.value === "methods" ? comparedValues(store) : [];
  const methods = store.constants.value?.catalogue.filter(({ id }) => compared.includes(id)) ?? [];
  return methods.length > 0 || !chosen ? methods : [chosen];
}

export function columnHeading(store: Store, index: number): string {
  const column = store.answer.value?.columns[index];
  if (!column) return "";
  // A column may show one band of the map.
  const [target = "", band] = column.target.split(BAND);
  const compare = store.traits.compare.value;
  if (compare === "models") return modelHeading(store, index);
  // What all columns have in common says nothing of one of them.
  if (band !== undefined && compare === "none") return `band ${band}`;
  const text =
    compare === "methods" ? column.method_title : comparedText(store, compare === "layers" ? column.layer : target);
  return [band === undefined ? text : `${text}${BAND}${band}`, column.input].filter(Boolean).join(" · ");
}

/** The name of a column's model, less that of the first where it shows how their maps differ. */
function modelHeading(store: Store, index: number): string {
  const model = modelOf(store, index);
  const first = modelOf(store, 0);
  return store.showsDifference.value && model !== first ? `${model} − ${first}` : model;
}

/** A question in words; what is compared is said by its columns. */
export function questionText(store: Store, question: QuestionRecord): string {
  const { layer, method, target, params, compare, compare_with, regions } = question;
  const entry = store.constants.value?.catalogue.find(({ id }) => id === method);
  const settings = Object.entries(params).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  const values = compare_with.map((value) => comparedText(store, value, compare));
  const columns = values.length > 0 ? ` (${values.join(", ")})` : "";
  return [
    compare !== "methods" && methodTitle(store, method),
    compare !== "layers" && (entry?.sees === "input" ? "the input" : store.layerName(layer)),
    compare !== "targets" && targetText(store, target),
    ...settings,
    regionsText(regions, (image) => imageName(store, image)),
    compare !== "none" && `${compare === "targets" ? "classes" : compare} compared${columns}`,
  ]
    .filter(Boolean)
    .join(" · ");
}

/**
 * Whether the prediction is right, in words; empty where that is not known. It is named, unless it is the class that
 * is explained and named beside it.
 */
export function verdict(store: Store, { image, column }: TilePlace, explained?: number): string {
  const facts = factsAt(store, column);
  const right = isRight(facts, image);
  if (right === null) return "";
  const predicted = facts.predicted[image];
  const other = predicted === explained ? "" : className(store, predicted);
  if (right) return other ? `predicted ${other}, right` : "right";
  const outcome = other ? `predicted ${other}` : "wrong";
  return `${outcome}, true class ${className(store, labelOf(facts, image) ?? 0)}`;
}

/** What a method costs: seconds for these images, where they are known, and nothing where its answer is kept. */
export function costText(store: Store, { id, cost }: MethodRecord): string {
  const seconds = store.available.value ? 0 : store.costs.value[id];
  return seconds === undefined ? cost : roughly(seconds);
}

/** The layer that a method takes by default, by what it sees; "" for the input. */
export function defaultLayer(store: Store, sees: MethodRecord["sees"]): string {
  const { recommended, attention_start } = store.constants.value?.inspection ?? {};
  return (sees === "input" ? "" : sees === "attention" ? attention_start : recommended) ?? "";
}

/** What the map of a method would be made of, in words; "" where the kernel has to tell. */
export function resolutionText(store: Store, { resolution, sees }: MethodRecord): string {
  if (resolution) return resolution;
  const { layers = [], input_shape } = store.constants.value?.inspection ?? {};
  if (sees !== "layer" && sees !== "attention")
    return input_shape ? `${input_shape.slice(0, 2).join(" × ")} pixels` : "";
  const layer = store.traits.layer.value;
  const chosen = chosenMethod(store);
  // As the kernel goes on with another method: its own default in place of that of the one before.
  const path = (layer === (chosen ? defaultLayer(store, chosen.sees) : "") && defaultLayer(store, sees)) || layer;
  const spatial = layers.find((each) => each.path === path)?.spatial ?? [];
  return Math.max(...spatial, 0) > 1 ? `${spatial.join(" × ")} cells` : "";
}

/** What the true class says of the prediction of a tile's model; empty where one of them is not known. */
export function truthText(store: Store, { image, column }: TilePlace): string {
  const facts = factsAt(store, column);
  const right = isRight(facts, image);
  if (right === null) return "";
  if (right) return "right";
  const label = labelOf(facts, image) ?? 0;
  return `true: ${briefName(store, label)}`;
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

/** Whether a map's notes say that its method is a control, which explains nothing. */
export const isControl = (item: Item): boolean => item.notes.some((note) => note.startsWith("Control: "));

/** The notes on this map alone: a caution that holds for all of its method is shown once, beside the method. */
export const notesOf = (store: Store, item: Item) =>
  item.notes.filter((note) => note !== cautionOf(store, item.method));
