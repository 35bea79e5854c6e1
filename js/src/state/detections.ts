/** What a detector detects in each image: which boxes are drawn, and which of them is explained. */

import type { RegionRecord } from "../kernel/protocol";
import { isEqual } from "../kernel/question";
import { percent } from "./format";
import type { Detection, Store } from "./store";

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
  return from === null ? [] : all.filter(({ score }, i) => i === 0 || score >= from);
}

export const detectionRegion = ({ box, target }: Detection): RegionRecord => ({
  kind: "box",
  at: [...box],
  winner: target,
});

/** Whether it is what an image's map is asked about. */
export function isExplained(store: Store, image: number, detection: Detection): boolean {
  const region = store.traits.regions.value[String(image)];
  return region !== undefined && isEqual(region, detectionRegion(detection));
}

export const detectionText = (store: Store, { target, score }: Detection) =>
  `${store.constants.value?.class_names[target] ?? `class ${target}`} ${percent(score)}`;
