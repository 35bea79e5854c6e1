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

const column = (name: string, title: string, images: number, number: (image: number) => number): Numbers => ({
  name,
  title,
  values: Float32Array.from({ length: images }, (_, image) => number(image)),
});

/** How far the predictions of each image move, [] where those of one model are known at most. */
export const shiftColumns = (
  images: number,
  predictions: PredictionTable | null,
  others: readonly PredictionTable[],
): Numbers[] =>
  predictions && others.length > 0
    ? [column("shift", "change of prediction", images, (image) => shiftOf(predictions, others, image))]
    : [];

/** How far the maps of each image agree at least, [] where no models are compared. */
export const agreementColumns = (images: number, agreements: readonly AgreementRecord[]): Numbers[] =>
  agreements.length > 0
    ? [
        column("map_agreement", "agreement of maps", images, (image) =>
          Math.min(...agreements.map(({ correlations }) => correlations[image] ?? Number.NaN)),
        ),
      ]
    : [];
