/** Which images are shown, and in which order: the page's own business, no question to the kernel. */

import type { Predictions } from "./store";

export const SORTS = ["given", "wrong", "unsure", "sure"] as const;
export type Sort = (typeof SORTS)[number];

/** The class of most score of each image, and its true class where that is known. */
export interface Known {
  images: number;
  labels: readonly (number | null)[];
  predictions: Predictions | null;
}

/** Null where the true class or the prediction is not known. */
export function isRight({ labels, predictions }: Known, image: number): boolean | null {
  const best = predictions?.best[image];
  const label = labels[image] ?? null;
  return best === undefined || label === null ? null : best === label;
}

/** The probability of the class of most score; NaN where the model gives none. */
export function sureness({ predictions }: Known, image: number): number {
  if (!predictions || image >= predictions.images) return Number.NaN;
  return predictions.values[image * predictions.classes + predictions.best[image]];
}

/** Under which filters an image is shown. */
export function filtersOf(known: Known, image: number): string[] {
  const best = known.predictions?.best[image];
  const label = known.labels[image] ?? null;
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
  const labelled = known.labels.length > 0;
  const sure = known.images > 0 && !Number.isNaN(sureness(known, 0));
  return SORTS.filter((sort) => sort === "given" || (sort === "wrong" ? labelled : sure));
}

/** Images in the order of their rows; equals stay as they were given. */
export function arrange(known: Known, filter: string, sort: Sort): number[] {
  const shown = Array.from({ length: known.images }, (_, image) => image).filter((image) =>
    filtersOf(known, image).includes(filter),
  );
  if (sort === "given") return shown;
  const wrongFirst = (image: number) => ({ false: 0, true: 1, null: 2 })[String(isRight(known, image))] ?? 2;
  const unsureFirst = (image: number) => sureness(known, image) || 0;
  const keys = { wrong: wrongFirst, unsure: unsureFirst, sure: (image: number) => -unsureFirst(image) };
  return shown.sort((a, b) => keys[sort](a) - keys[sort](b) || a - b);
}
