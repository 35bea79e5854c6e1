/** What a model says of a class, or of a value, as people read it. */

import type { Constants } from "../kernel/archive";
import type { Item, PaintedImage } from "../kernel/protocol";
import { percent, quantity, value } from "./format";
import type { Store } from "./store";

/** What the numbers of predictions are; see `messages.Welcome`. */
export const predictedKind = (store: Store): Constants["predicts"] => store.constants.value?.predicts ?? "probability";

/** Whether the model tells values rather than classes. */
export const tellsValues = (store: Store): boolean => predictedKind(store) === "value";

/** Whether classes win at places of the picture; those of a detector win boxes. */
const winsPlaces = (store: Store) => predictedKind(store) === "share" && store.constants.value?.places.length === 2;

/** What heads the numbers of all classes. */
export function predictionsTitle(store: Store): string {
  if (winsPlaces(store)) return "What wins where";
  return tellsValues(store) ? "Values" : "Predictions";
}

/** What stands before the first class: it is predicted, or has the most of the places, or the highest score. */
export function predictedWord(store: Store): string {
  const kind = predictedKind(store);
  if (kind === "score") return store.constants.value?.class_names.length === 1 ? "score of" : "highest";
  return winsPlaces(store) ? "mostly" : "predicted";
}

/** What to do where nothing says what the scores are, "" where somebody has named them. */
export function scoreHint(store: Store): string {
  const [first] = store.constants.value?.class_names ?? [];
  if (predictedKind(store) !== "score" || first !== "class 0") return "";
  return (
    "Scores, for nothing says what they are: name classes with class_names=, or the values of a regression with " +
    "output_names=; embeddings are compared with kx.similar_to(…)."
  );
}

/** What a score belongs to: a class, or an output of a regression. */
export const noun = (store: Store): "class" | "output" => (tellsValues(store) ? "output" : "class");

const unitOf = (store: Store, index: number): string | undefined => store.constants.value?.units[index];

/** A number of the prediction table, of a class or an output. */
export function predictedFigure(store: Store, index: number, number: number): string {
  if (Number.isNaN(number)) return "";
  const kind = predictedKind(store);
  if (kind === "probability" || kind === "share") return percent(number);
  return kind === "value" ? quantity(number, unitOf(store, index)) : value(number);
}

/** A probability, score or value of a class or an output. */
export function figureOf(store: Store, index: number, number: number | null, isProbability: boolean): string {
  if (isProbability && number !== null) return percent(number);
  return tellsValues(store) ? quantity(number, unitOf(store, index)) : value(number);
}

type ExplainedNumber = Pick<Item, "score" | "probability" | "unit">;

/** What a map explains, as a number: a probability, a value with its unit, or a score. */
export function explainedFigure({ score, probability, unit }: ExplainedNumber): string {
  if (probability !== null) return percent(probability);
  return unit === null ? value(score) : quantity(score, unit);
}

/** What `explainedFigure` is, in words. */
export function explainedKind(store: Store, { probability, unit }: ExplainedNumber): string {
  if (probability !== null) {
    return predictedKind(store) === "share" ? "its mean probability where it counts" : "its probability";
  }
  return unit === null ? "the score before softmax or sigmoid" : "its value";
}

/** How what is explained goes as a part of the picture is covered. */
export function changeText(
  { before, after }: PaintedImage,
  kind: "probability" | "score",
  item?: ExplainedNumber,
): string {
  const figure = (number: number | null) =>
    explainedFigure({
      score: number,
      probability: kind === "probability" ? number : null,
      unit: item?.unit ?? null,
    });
  return `${figure(before)} → ${figure(after)}`;
}
