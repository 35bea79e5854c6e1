/** Which images are shown, and in which order: the kernel is not asked. */

import type { PredictionTable, StoredFacts } from "../kernel/decode";
import type { NumberColumn, Welcome } from "../kernel/protocol";

export const SORTS = ["given", "wrong", "unsure", "sure", "high", "low"] as const;
export type Sort = (typeof SORTS)[number];
/** In a filter by a column, of images that have no number. */
export const NOT_TOLD = "not told";
const SAMPLE = 5000;

/** A number of each image, NaN where it cannot be told. */
export interface Numbers {
  name: string;
  /** In words. */
  title: string;
  values: Float32Array;
}

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
  columns: readonly Numbers[];
  /** Of each suspicion, which images it is about. */
  suspects?: readonly Uint8Array[];
  /** The class with the highest score of each image, by each model that is compared with the first. */
  others?: readonly ArrayLike<number>[];
}

const SUSPICION = "suspicion";

/** The filter that shows the images of a suspicion, by its place. */
export const suspicionFilter = (place: number) => `${SUSPICION} ${place + 1}`;

export function factsOf(
  images: number,
  labels: ArrayLike<number | null>,
  predictions: PredictionTable | null,
  described: readonly NumberColumn[] = [],
  predicts: Welcome["predicts"] = "probability",
): ImageFacts {
  // No value is more predicted than another.
  const predicted = predicts === "value" ? [] : (predictions?.predicted ?? []);
  const confidence = (image: number) =>
    predictions && predicts === "probability" && image < predictions.images
      ? predictions.values[image * predictions.classes + predicted[image]]
      : Number.NaN;
  const columns = described
    .filter(({ values }) => values.length === images)
    .map(({ values, ...about }) => ({ ...about, values: Float32Array.from(values, (value) => value ?? Number.NaN) }));
  return { images, labels, predicted, confidence, scores: null, columns };
}

/** The same of a stored data set; labels passed to the widget take the place of stored ones. */
export function factsOfStored(
  stored: StoredFacts,
  labels: ArrayLike<number | null>,
  described: readonly NumberColumn[] = [],
): ImageFacts {
  const { confidence, numbers } = stored;
  return {
    ...stored,
    columns: numbers.map((values, index) => ({ ...described[index], values })),
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

/** What becomes of an image's prediction from model to model, as the filters that show it. */
function changeFilters(predicted: number, others: readonly number[], label: number | null): string[] {
  const filters = [others.some((other) => other !== predicted) ? "changed" : "same"];
  if (label === null) return filters;
  if (predicted === label && others.some((other) => other !== label)) filters.push("broken");
  if (predicted !== label && others.some((other) => other === label)) filters.push("mended");
  return filters;
}

/** The filters under which an image is shown. */
export function filtersOf(facts: ImageFacts, image: number): string[] {
  const predicted = facts.predicted[image];
  const label = labelOf(facts, image);
  const right = isRight(facts, image);
  const others = (facts.others ?? []).map((each) => each[image]);
  return [
    "all",
    ...(predicted === undefined || others.length === 0 ? [] : changeFilters(predicted, others, label)),
    ...(right === null ? [] : [right ? "right" : "wrong"]),
    ...(facts.labels.length > 0 && label === null ? ["unlabelled"] : []),
    ...(predicted === undefined ? [] : [`predicted ${predicted}`]),
    ...(label === null ? [] : [`true ${label}`]),
  ];
}

/** How many images each filter shows, those of columns being the lowest and the highest fifth or so. */
export function countFilters(facts: ImageFacts): Map<string, number> {
  const counts = new Map([["all", 0]]);
  for (let image = 0; image < facts.images; image++) {
    for (const filter of filtersOf(facts, image)) counts.set(filter, (counts.get(filter) ?? 0) + 1);
  }
  for (const filter of facts.columns.flatMap(filtersOfColumn)) {
    const count = countColumn(facts, filter);
    if (count > 0) counts.set(filter, count);
  }
  for (const [place, members] of (facts.suspects ?? []).entries()) {
    counts.set(
      suspicionFilter(place),
      members.reduce((sum, isMember) => sum + isMember, 0),
    );
  }
  return counts;
}

/** Which images a suspicion is about; null of any other filter. */
function suspectFilter({ suspects }: ImageFacts, filter: string): ((image: number) => boolean) | null {
  const members = suspects?.find((_, place) => suspicionFilter(place) === filter);
  return members ? (image) => members[image] === 1 : null;
}

function filtersOfColumn({ name, values }: Numbers): string[] {
  // Of many images some tell where the fifths begin.
  const step = Math.ceil(values.length / SAMPLE);
  const sample = Float32Array.from({ length: Math.floor(values.length / step) }, (_, place) => values[place * step])
    .filter((value) => !Number.isNaN(value))
    .sort();
  const fifth = Math.max(1, Math.floor(sample.length / 5));
  const [low, high] = [sample[fifth], sample[sample.length - 1 - fifth]].map((value) => Number(value?.toPrecision(3)));
  return [...(sample.length > 1 ? [`${name} < ${low}`, `${name} > ${high}`] : []), `${name} ${NOT_TOLD}`];
}

/** How many images a filter by a column shows. */
export function countColumn(facts: ImageFacts, filter: string): number {
  const isShown = columnFilter(facts, filter);
  let count = 0;
  for (let image = 0; image < facts.images; image++) count += isShown?.(image) ? 1 : 0;
  return count;
}

/** What `"<name> < 0.5"`, `"<name> > 0.5"` and `"<name> not told"` say of an image; null of any other filter. */
export function columnFilter({ columns }: ImageFacts, filter: string): ((image: number) => boolean) | null {
  const [, name, condition] = /^(\S+) (.*)$/.exec(filter) ?? [];
  const values = columns.find((one) => one.name === name)?.values;
  if (!values) return null;
  if (condition === NOT_TOLD) return (image) => Number.isNaN(values[image]);
  const bound = Number(condition.slice(2));
  if (!/^[<>] \S/.test(condition) || Number.isNaN(bound)) return null;
  return condition[0] === "<" ? (image) => values[image] < bound : (image) => values[image] > bound;
}

/** The sorts that tell these images apart. */
export function sortsOf(facts: ImageFacts): Sort[] {
  const sure = facts.images > 0 && !Number.isNaN(facts.confidence(0));
  const scored = facts.scores !== null;
  const possible = { given: true, wrong: facts.labels.length > 0, unsure: sure, sure, high: scored, low: scored };
  return SORTS.filter((sort) => possible[sort]);
}

/** Whether these images can be sorted so, by a column as well: `"<name> low"`, lowest first, or `"<name> high"`. */
export const isSort = (facts: ImageFacts, sort: string): boolean =>
  (sortsOf(facts) as string[]).includes(sort) || columnSort(facts, sort) !== null;

/** What images are sorted by where that is a column; null of any other sort. */
export function columnSort({ columns }: ImageFacts, sort: string): ((image: number) => number) | null {
  const [name, end] = sort.split(" ");
  const column = columns.find((one) => one.name === name);
  if (!column || (end !== "low" && end !== "high")) return null;
  const sign = end === "low" ? 1 : -1;
  // What cannot be told comes last either way.
  return (image) => (Number.isNaN(column.values[image]) ? Number.POSITIVE_INFINITY : sign * column.values[image]);
}

/** Images in the order of their rows; equal ones stay in the order in which they were given. */
export function filterSort(facts: ImageFacts, filter: string, sort: string): number[] {
  const all = Array.from({ length: facts.images }, (_, image) => image);
  const isShown =
    columnFilter(facts, filter) ??
    suspectFilter(facts, filter) ??
    ((image: number) => filtersOf(facts, image).includes(filter));
  const shown = filter === "all" ? all : all.filter(isShown);
  const confidence = (image: number) => facts.confidence(image) || 0;
  const score = (image: number) => facts.scores?.[image] || 0;
  const keys: Record<Sort, ((image: number) => number) | null> = {
    given: null,
    wrong: (image: number) => ({ false: 0, true: 1, null: 2 })[String(isRight(facts, image))] ?? 2,
    unsure: confidence,
    sure: (image: number) => -confidence(image),
    high: (image: number) => -score(image),
    low: score,
  };
  const keyOf = columnSort(facts, sort) ?? keys[sort as Sort];
  if (!keyOf) return shown;
  const key = Float64Array.from(all, keyOf);
  return shown.sort((a, b) => key[a] - key[b] || a - b);
}
