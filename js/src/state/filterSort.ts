/** Which images are shown, and in which order: the kernel is not asked. */

import type { PredictionTable, StoredFacts } from "../kernel/decode";

export const SORTS = ["given", "wrong", "unsure", "sure", "high", "low"] as const;
export type Sort = (typeof SORTS)[number];

/** What images are filtered and sorted by. */
export interface ImageFacts {
  images: number;
  /** The true classes; null or -1 where one is unknown, empty where all are. */
  labels: ArrayLike<number | null>;
  /** The class with the highest score of each image. */
  predicted: ArrayLike<number>;
  /** The probability of that class; NaN where the model gives none. */
  confidence(image: number): number;
  /** Scores of what was explained, where they are known of all images. */
  scores: Float32Array | null;
}

export function factsOf(
  images: number,
  labels: ArrayLike<number | null>,
  predictions: PredictionTable | null,
): ImageFacts {
  const predicted = predictions?.predicted ?? [];
  const confidence = (image: number) =>
    predictions && image < predictions.images
      ? predictions.values[image * predictions.classes + predicted[image]]
      : Number.NaN;
  return { images, labels, predicted, confidence, scores: null };
}

/** The same of a stored data set; labels passed to the widget take the place of stored ones. */
export function factsOfStored(stored: StoredFacts, labels: ArrayLike<number | null>): ImageFacts {
  const { confidence } = stored;
  return {
    ...stored,
    labels: labels.length > 0 ? labels : stored.labels,
    confidence: (image) => confidence[image],
  };
}

/** Null where the true class is not known. */
export function labelOf({ labels }: ImageFacts, image: number): number | null {
  const label = labels[image] ?? null;
  return label === null || label < 0 ? null : label;
}

/** Null where the true class or the prediction is not known. */
export function isRight(facts: ImageFacts, image: number): boolean | null {
  const predicted = facts.predicted[image];
  const label = labelOf(facts, image);
  return predicted === undefined || label === null ? null : predicted === label;
}

/** The filters under which an image is shown. */
export function filtersOf(facts: ImageFacts, image: number): string[] {
  const predicted = facts.predicted[image];
  const label = labelOf(facts, image);
  const right = isRight(facts, image);
  return [
    "all",
    ...(right === null ? [] : [right ? "right" : "wrong"]),
    ...(facts.labels.length > 0 && label === null ? ["unlabelled"] : []),
    ...(predicted === undefined ? [] : [`predicted ${predicted}`]),
    ...(label === null ? [] : [`true ${label}`]),
  ];
}

/** How many images each filter shows. */
export function countFilters(facts: ImageFacts): Map<string, number> {
  const counts = new Map([["all", 0]]);
  for (let image = 0; image < facts.images; image++) {
    for (const filter of filtersOf(facts, image)) counts.set(filter, (counts.get(filter) ?? 0) + 1);
  }
  return counts;
}

/** The sorts that tell these images apart. */
export function sortsOf(facts: ImageFacts): Sort[] {
  const sure = facts.images > 0 && !Number.isNaN(facts.confidence(0));
  const scored = facts.scores !== null;
  const possible = { given: true, wrong: facts.labels.length > 0, unsure: sure, sure, high: scored, low: scored };
  return SORTS.filter((sort) => possible[sort]);
}

/** Images in the order of their rows; equal ones stay in the order in which they were given. */
export function filterSort(facts: ImageFacts, filter: string, sort: Sort): number[] {
  const all = Array.from({ length: facts.images }, (_, image) => image);
  const shown = filter === "all" ? all : all.filter((image) => filtersOf(facts, image).includes(filter));
  if (sort === "given") return shown;
  const confidence = (image: number) => facts.confidence(image) || 0;
  const score = (image: number) => facts.scores?.[image] || 0;
  const keys = {
    wrong: (image: number) => ({ false: 0, true: 1, null: 2 })[String(isRight(facts, image))] ?? 2,
    unsure: confidence,
    sure: (image: number) => -confidence(image),
    high: (image: number) => -score(image),
    low: score,
  };
  const key = Float64Array.from(all, keys[sort]);
  return shown.sort((a, b) => key[a] - key[b] || a - b);
}
