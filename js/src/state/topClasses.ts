/** The classes that a model finds most probable in an image. */

import { probabilitiesOf, type Store } from "./store";

export interface ClassShare {
  index: number;
  /** Null where the model gives none, or a store has not kept it. */
  probability: number | null;
}

/** The first of all classes by probability; the predicted one alone where no other probability is known. */
export function topClasses(store: Store, image: number, count: number): ClassShare[] {
  const probabilities = probabilitiesOf(store, image);
  if (probabilities) {
    const top: ClassShare[] = [];
    for (const [index, probability] of probabilities.entries()) {
      const place = top.findIndex((other) => probability > (other.probability ?? 0));
      if (place < 0 && top.length >= count) continue;
      top.splice(place < 0 ? top.length : place, 0, { index, probability });
      top.length = Math.min(top.length, count);
    }
    return top;
  }
  const facts = store.facts.value;
  const index = facts.predicted[image];
  if (index === undefined) return [];
  const confidence = facts.confidence(image);
  return [{ index, probability: Number.isNaN(confidence) ? null : confidence }];
}

/** The probability of one class of an image, null where it is not known. */
export function probabilityOf(store: Store, image: number, index: number): number | null {
  return probabilitiesOf(store, image)?.[index] ?? null;
}
