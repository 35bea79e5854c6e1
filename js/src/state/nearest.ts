/** Images that are like the one in focus. */

import type { NearestRecord } from "../kernel/protocol";
import { isRight } from "./filterSort";
import { briefName, imageName } from "./labels";
import { focusedImage, type Store } from "./store";

/** What is known of the image in focus; undefined where that is nothing yet. */
export const chosenNearest = (store: Store): NearestRecord | undefined =>
  store.nearest.value?.records.get(focusedImage(store));

/** The images whose pictures are shown as neighbours of the one in focus. */
export const neighboursInFocus = (store: Store): number[] => {
  const { nearest = [], right = [] } = chosenNearest(store) ?? {};
  return [...nearest, ...right].map(({ image }) => image);
};

/** Whether a neighbour is predicted as the image in focus is; null where nothing is predicted. */
export function isSameClass(store: Store, image: number): boolean | null {
  const { predicted } = store.facts.value;
  const [neighbourClass, focusedClass] = [predicted[image], predicted[focusedImage(store)]];
  return neighbourClass === undefined || focusedClass === undefined ? null : neighbourClass === focusedClass;
}

/** What a neighbour is called, how similar it is, and what it is predicted to be, in words. */
export function neighbourText(store: Store, image: number, similarity: number): string {
  const facts = store.facts.value;
  const [same, right] = [isSameClass(store, image), isRight(facts, image)];
  return [
    imageName(store, image),
    `similarity ${similarity.toFixed(2)}`,
    same !== null && `predicted ${briefName(store, facts.predicted[image])}, ${same ? "the same" : "another"} class`,
    right !== null && (right ? "right" : "wrong"),
  ]
    .filter(Boolean)
    .join(", ");
}
