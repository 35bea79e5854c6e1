/** The very pictures that were scored along a curve. */

import { type Binary, tileKey, toBytes } from "../kernel/decode";
import type { Covered, CurveStep } from "../kernel/protocol";
import type { CoveredPicture, Store } from "./store";

/** Which picture is meant: a step of a curve of one map, and what covers. */
export type CoverPlace = Omit<CurveStep, "gen">;

/** So many pictures are kept. */
const MOST = 66;

/** What a picture of the answer on the screen is kept under. */
export const coveredKey = (store: Store, { image, column, curve, step, cover }: CoverPlace): string =>
  [store.answer.value?.gen, image, column, curve, step, cover].join("/");

/** Keeps a picture, and drops the oldest ones. */
export function addCovered(store: Store, message: Covered, buffers: Binary[]): void {
  const { image, column, curve, step, cover, classes, problem } = message;
  // A host may reuse the buffer for its next message.
  const data = toBytes(buffers[0]).slice();
  const picture: CoveredPicture = { classes, mime: "image/png", data, problem };
  const key = coveredKey(store, { image, column, curve, step, cover });
  store.covered.value = new Map([...[...store.covered.value].slice(1 - MOST), [key, picture]]);
}

/** A picture of the answer on the screen that was fetched, or saved. */
export function coveredAt(store: Store, place: CoverPlace): CoveredPicture | undefined {
  const fetched = store.covered.value.get(coveredKey(store, place));
  const { image, column, curve, step, cover } = place;
  const saved = store.curves.value.get(tileKey(image, column));
  if (fetched || saved?.cover !== cover) return fetched;
  const isOther = (level: number) => (curve === "deletion" ? level < step : level >= step);
  return {
    ...{ mime: "image/png", problem: "" },
    classes: saved.classes[curve][step],
    data: saved.picture,
    other: { data: saved.covering, levels: saved.levels, isOther },
  };
}
