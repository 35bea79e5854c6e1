/** How far the maps on the screen can be believed, as far as it was measured. */

import { tileKey } from "../kernel/decode";
import type { EvidenceRecord } from "../kernel/protocol";
import { roughly } from "./format";
import { chosenTile, type Store, type TilePlace } from "./store";

export type EvidenceState = EvidenceRecord["state"];

/** What a mark means, for those who do not know its shape. */
export const STATES: Readonly<Record<EvidenceState, string>> = {
  holds: "holds",
  weak: "weak",
  unknown: "cannot be told",
  unmeasured: "not measured",
};

/** Each state has a shape of its own, 12 long, beside its colour. */
export const SHAPES: Readonly<Record<EvidenceState, string>> = {
  holds: "M6 .5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11Zm2.6 3.4L5.3 8.2 3.3 6.3",
  weak: "M6 .8 11.6 11H.4ZM6 4.4v3.2M6 8.9v.9",
  unknown: "M6 .4 11.6 6 6 11.6.4 6ZM4.5 5a1.5 1.5 0 1 1 2 1.4q-.5.2-.5.8M6 8.4v.8",
  unmeasured: "M6 1a5 5 0 1 0 0 10A5 5 0 0 0 6 1Z",
};

/** What is known of a map; undefined where nothing is. */
export const evidenceOf = (store: Store, { image, column }: TilePlace): EvidenceRecord | undefined =>
  store.evidence.value.get(tileKey(image, column));

/** Whether all that can be measured of an image is, with what covers now. */
function isMeasured(store: Store, image: number): boolean {
  const columns = store.answer.value?.columns ?? [];
  return columns.every((_, column) => {
    const record = evidenceOf(store, { image, column });
    return record?.cover === store.cover.value && record.metrics.length > 0 && record.curves !== null;
  });
}

/** Those of the images that are not measured yet. */
export const unmeasured = (store: Store, images: readonly number[]): number[] =>
  images.filter((image) => !isMeasured(store, image));

/** Why nothing can be measured, "" where it can. */
export function whyNotMeasured(store: Store): string {
  if (store.epochShown.value !== null) return "Not measured: the weights of this epoch are gone.";
  if (store.available.value?.fromStore) return "Not measured: that takes the model, which is not beside the store.";
  if (store.constants.value?.unmeasurable) return `Not measured. ${store.constants.value.unmeasurable}`;
  if (store.available.value?.offline) return "Not measured before this page was saved.";
  return store.status.value === "no-kernel" ? "Measuring takes the kernel, which does not answer." : "";
}

/** About how long it takes to measure so many images, "" while that is unknown. */
export function measuringText(store: Store, images: number): string {
  const seconds = store.secondsToMeasure.value;
  return seconds === null ? "" : ` · ${roughly(Math.max(0.5, seconds * images))}`;
}

/** What there is to be said of a map in few words. */
export function headlineOf(store: Store, place: TilePlace): string {
  const record = evidenceOf(store, place);
  if (record) return record.headline.replace(/\.$/, "");
  return store.answer.value && !whyNotMeasured(store) ? "" : "Not measured";
}

/** The evidence of the map of the chosen tile. */
export const chosenEvidence = (store: Store): EvidenceRecord | undefined => evidenceOf(store, chosenTile(store));
