/** What a detector detects in each image: which boxes are drawn, and which of them is explained. */

import type { QuestionRecord, RegionRecord } from "../kernel/protocol";
import { isEqual } from "../kernel/question";
import type { Transform } from "../math/transform";
import { regionOf, withRegion } from "./regions";
import { currentQuestion, type Detection, originalSize, type Picture, type Store } from "./store";
import { TOPS } from "./target";

/** The least probability of boxes that are drawn, and the choice in words; null draws none. */
export const SHOWN: readonly (readonly [number | null, string])[] = [
  [null, "hidden"],
  [0.9, "from 90 %"],
  [0.5, "from 50 %"],
  [0.3, "from 30 %"],
  [0.1, "from 10 %"],
  [0, "all"],
];

/** Those that are drawn over an image, the most probable first: at least that one, unless all are hidden. */
export function shownDetections(store: Store, image: number): readonly Detection[] {
  const [from, all] = [store.boxesFrom.value, store.traits._detections.value[image] ?? []];
  return from === null || store.epochShown.value !== null ? [] : all.filter(({ score }, i) => i === 0 || score >= from);
}

/** Where one lies in the frame of its picture, as zoomed as that is: left, top, right, bottom in parts of the frame. */
export function placeOf(picture: Picture, { k, x, y }: Transform, { box }: Detection): readonly number[] {
  const { width, height } = originalSize(picture);
  return box.map((at, i) => (i % 2 ? y + (k * at) / height : x + (k * at) / width));
}

/** One that begins so far to the right has its label at its right end. */
export const isLabelledRight = (picture: Picture, { box }: Detection) => box[0] > 0.7 * originalSize(picture).width;

/** What its label says: the class, and how probable it is. */
export const labelOf = (store: Store, { target, score }: Detection): readonly [name: string, probability: string] => [
  store.constants.value?.class_names[target] ?? "",
  `${Math.round(100 * score)} %`,
];

export const detectionRegion = ({ box, target }: Detection): RegionRecord => ({
  kind: "box",
  at: [...box],
  winner: target,
});

/** Which of those that are drawn is what an image's map is asked about, −1 if none is. */
export function explainedIndex(store: Store, image: number): number {
  const region = regionOf(store.traits.regions.value, image);
  return shownDetections(store, image).findIndex((detection) => isEqual(region, detectionRegion(detection)));
}

/** What asks about it: where no kernel answers, a question that was answered, or null if there is none. */
export function detectionQuestion(store: Store, image: number, detection: Detection): Partial<QuestionRecord> | null {
  const [region, available] = [detectionRegion(detection), store.available.value];
  if (!available) {
    return { target: TOPS[0], regions: withRegion(currentQuestion(store).regions, image, region) };
  }
  return available.questions.findLast(({ regions }) => isEqual(regionOf(regions, image), region)) ?? null;
}
