/** Which images are shown, and in which order: the page's own business, no question to the kernel. */

import type { Shelf } from "./shelf";
import type { Predictions } from "./store";

export const SORTS = ["given", "wrong", "unsure", "sure", "high", "low"] as const;
export type Sort = (typeof SORTS)[number];

/** What images are filtered and sorted by. */
export interface Known {
  images: number;
  /** The true classes; null or -1 where one is unknown, empty where all are. */
  labels: ArrayLike<number | null>;
  /** The class of most score of each image. */
  best: ArrayLike<number>;
  /** The probability of that class; NaN where the model gives none. */
  sure(image: number): number;
  /** Scores of what was explained, where they are known of all images. */
  scores: Float32Array | null;
}

export function knownOf(
  images: number,
  labels: ArrayLike<number | null>,
  predictions: Predictions | null,
): Known {
  const best = predictions?.best ?? [];
  const sure = (image: number) =>
    predictions && image < predictions.images
      ? predictions.values[image * predictions.classes + best[image]]
      : Number.NaN;
  return { images, labels, best, sure, scores: null };
}

/** The same of a store; labels given beside it win over those within. */
export function knownOfShelf(shelf: Shelf, labels: ArrayLike<number | null>): Known {
  const { images, best, sure, scores } = shelf;
  const own = labels.length > 0 ? labels : shelf.labels;
  return { images, labels: own, best, sure: (image) => sure[image], scores };
}

/** Null where the true class is not known. */
export function labelOf({ labels }: Known, image: number): number | null {
  const label = labels[image] ?? null;
  return label === null || label < 0 ? null : label;
}

/** Null where the true class or the prediction is not known. */
export function isRight(known: Known, image: number): boolean | null {
  const best = known.best[image];
  const label = labelOf(known, image);
  return best === undefined || label === null ? null : best === label;
}

/** Under which filters an image is shown. */
export function filtersOf(known: Known, image: number): string[] {
  const best = known.best[image];
  const label = labelOf(known, image);
  const right = isRight(known, image);
  return [
    "all",
    ...(right === null ? [] : [right ? "right" : "wrong"]),
    ...(known.labels.length > 0 && label === null ? ["unlabelled"] : []),
    ...(best === undefined ? [] : [`predicted ${best}`]),
    ...(label === null ? [] : [`true ${label}`]),
  ];
}

/** How many images each filter shows. */
export function countFilters(known: Known): Map<string, number> {
  const counts = new Map([["all", 0]]);
  for (let image = 0; image < known.images; image++) {
    for (const filter of filtersOf(known, image)) counts.set(filter, (counts.get(filter) ?? 0) + 1);
  }
  return counts;
}

/** The sorts that tell these images apart. */
export function sortsOf(known: Known): Sort[] {
  const sure = known.images > 0 && !Number.isNaN(known.sure(0));
  const can = { given: true, wrong: known.labels.length > 0, unsure: sure, sure };
  return SORTS.filter((sort) => ({ ...can, high: known.scores !== null, low: known.scores !== null })[sort]);
}

/** Images in the order of their rows; equals stay as they were given. */
export function arrange(known: Known, filter: string, sort: Sort): number[] {
  const all = Array.from({ length: known.images }, (_, image) => image);
  const shown = filter === "all" ? all : all.filter((image) => filtersOf(known, image).includes(filter));
  if (sort === "given") return shown;
  const wrongFirst = (image: number) => ({ false: 0, true: 1, null: 2 })[String(isRight(known, image))] ?? 2;
  const unsureFirst = (image: number) => known.sure(image) || 0;
  const lowFirst = (image: number) => known.scores?.[image] || 0;
  const keys = {
    wrong: wrongFirst,
    unsure: unsureFirst,
    sure: (image: number) => -unsureFirst(image),
    high: (image: number) => -lowFirst(image),
    low: lowFirst,
  };
  const key = Float64Array.from(all, keys[sort]);
  return shown.sort((a, b) => key[a] - key[b] || a - b);
}
