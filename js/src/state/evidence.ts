/** How far the maps on the screen can be believed, as far as it was measured. */

import { tileKey } from "../kernel/decode";
import type { EvidenceRecord } from "../kernel/protocol";
import { roughly } from "./format";
import { chosenTile, type Store, type TilePlace } from "./store";

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
  if (store.available.value?.fromStore) return "Not measured: that takes the model, which is not beside the store.";
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
