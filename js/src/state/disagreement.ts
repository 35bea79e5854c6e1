/** How far models disagree about images, in numbers by which these are filtered and sorted. */

import type { PredictionTable } from "../kernel/decode";
import type { AgreementRecord } from "../kernel/protocol";
import type { Numbers } from "./filterSort";

/** The most that predictions of an image move from the first model to another one: ½ Σ |p − p′|. */
function shiftOf(first: PredictionTable, others: readonly PredictionTable[], image: number): number {
  const at = image * first.classes;
  const shifts = others.map(({ values }) => {
    let sum = 0;
    for (let i = at; i < at + first.classes; i++) sum += Math.abs(values[i] - first.values[i]);
    return sum / 2;
  });
  return Math.max(...shifts);
}

/** What tells images apart about which models disagree: numbers by which they are filtered and sorted. */
export function disagreement(
  images: number,
  predictions: PredictionTable | null,
  others: readonly PredictionTable[],
  agreements: readonly AgreementRecord[],
): Numbers[] {
  const numbersOf = (number: (image: number) => number) => Float32Array.from({ length: images }, (_, i) => number(i));
  const columns: Numbers[] = [];
  if (predictions && others.length > 0) {
    const values = numbersOf((image) => shiftOf(predictions, others, image));
    columns.push({ name: "shift", title: "change of prediction", values });
  }
  if (agreements.length > 0) {
    const values = numbersOf((image) =>
      Math.min(...agreements.map(({ correlations }) => correlations[image] ?? Number.NaN)),
    );
    columns.push({ name: "map_agreement", title: "agreement of maps", values });
  }
  return columns;
}
