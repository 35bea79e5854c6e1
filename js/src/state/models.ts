/** Several models side by side: which one a column is of, and where they disagree. */

import type { ImageFacts } from "./filterSort";
import { toHundredths } from "./format";
import type { Store } from "./store";

/** Whether there are several models, of which some may be side by side. */
export const hasModels = (store: Store): boolean => (store.constants.value?.models.length ?? 0) > 1;

/** Whether the columns are of several models. */
export const comparesModels = (store: Store): boolean =>
  new Set(store.answer.value?.columns.map(({ model }) => model)).size > 1;

/** The name of the model whose maps a column shows, "" where there is one. */
export const modelOf = (store: Store, column: number): string => store.answer.value?.columns[column]?.model ?? "";

/** The name of the model with which the others are compared. */
export const firstModel = (store: Store): string => store.constants.value?.models[0]?.name ?? "";

/** What images are filtered and sorted by, with the predictions of a column's model. */
export function factsAt(store: Store, column: number): ImageFacts {
  const facts = store.facts.value;
  const table = store.modelPredictions.value.get(modelOf(store, column));
  return table ? { ...facts, predicted: table.predicted } : facts;
}

/** Whether a model predicts another class than that of the first column; null where that is not known. */
export function isOtherClass(store: Store, image: number, column: number): boolean | null {
  const [first, other] = [0, column].map((each) => factsAt(store, each).predicted[image]);
  return first === undefined || other === undefined ? null : first !== other;
}

/**
 * How far the map of a column agrees with that of the first model, and what maps of different images have in common,
 * as a line of text; "" where it is not known.
 */
export function agreementLine(store: Store, image: number, column: number): string {
  const record = store.agreements.value.find((each) => each.column === column);
  const correlation = record?.correlations[image] ?? null;
  if (!record || correlation === null) return "";
  const rest = record.of_others === null ? "" : ` (different pictures: ${toHundredths(record.of_others)})`;
  return `maps agree ${toHundredths(correlation)}${rest}`;
}

export const AGREEMENT_TITLE =
  "Spearman's rank correlation of the map with that of the first model, from −1 to 1; in brackets that of maps of " +
  "different pictures, which any two models may share, for instance because both look at the middle";
