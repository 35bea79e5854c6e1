/** The classes that a model finds most probable in an image. */

import { predictedFigure, predictedKind, tellsValues } from "./figures";
import { predictionsOf, type Store } from "./store";

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
  const facts = store.facts.value;
  const index = facts.predicted[image];
  if (index === undefined) return [];
  const confidence = facts.confidence(image);
  return [{ index, number: Number.isNaN(confidence) ? null : confidence }];
}

/** The probability of one class of an image, or what else is predicted of it, null where that is not known. */
export function predictionOf(store: Store, image: number, index: number): number | null {
  return predictionsOf(store, image)?.[index] ?? null;
}

/** What is predicted of an image's first class, as people read it; "" where that is not known. */
export function bestFigure(store: Store, image: number): string {
  const { predicted, confidence } = store.facts.value;
  const best = predicted[image];
  return best === undefined ? "" : predictedFigure(store, best, predictionOf(store, image, best) ?? confidence(image));
}
