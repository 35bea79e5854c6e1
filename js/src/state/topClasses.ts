/** The classes that a model finds most probable in an image. */

import { predictedFigure, predictedKind, tellsValues } from "./figures";
import { factsAt } from "./models";
import { chosenTile, predictionsOf, type Store } from "./store";

export interface PredictedClass {
  index: number;
  /** Its probability, or what else the model predicts by; null where that is not known. */
  number: number | null;
}

/** The first of all classes; the predicted one alone where no other is known. Values come in their own order. */
export function topClasses(store: Store, image: number, count: number): PredictedClass[] {
  const numbers = predictionsOf(store, image);
  if (numbers && tellsValues(store)) return [...numbers].slice(0, count).map((number, index) => ({ index, number }));
  if (numbers) {
    const top: PredictedClass[] = [];
    for (const [index, number] of numbers.entries()) {
      if (number === 0 && predictedKind(store) === "share") continue;
      const place = top.findIndex((other) => number > (other.number ?? 0));
      if (place < 0 && top.length >= count) continue;
      top.splice(place < 0 ? top.length : place, 0, { index, number });
      top.length = Math.min(top.length, count);
    }
    return top;
  }
  const facts = factsAt(store, chosenTile(store).column);
  const index = facts.predicted[image];
  if (index === undefined) return [];
  const confidence = facts.confidence(image);
  return [{ index, number: Number.isNaN(confidence) ? null : confidence }];
}

/** The probability of one class of an image by a column's model, or what else is predicted; null where not known. */
export function predictionOf(store: Store, image: number, index: number, column?: number): number | null {
  return predictionsOf(store, image, column)?.[index] ?? null;
}

/** What a column's model predicts of an image's first class, as people read it; "" where that is not known. */
export function bestFigure(store: Store, image: number, column = 0): string {
  const { predicted, confidence } = factsAt(store, column);
  const best = predicted[image];
  if (best === undefined) return "";
  return predictedFigure(store, best, predictionOf(store, image, best, column) ?? confidence(image));
}
