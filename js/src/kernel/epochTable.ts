/** What was explained while a model was trained; `kx_widget/widget/epoch_history.py` packs it. */

import { type Answer, type Binary, copyPart, type PredictionTable, readMap, readTiles, toBytes } from "./decode";
import type { EpochRecord, Epochs } from "./protocol";

/** One moment of a training; `bytes` holds its maps, and none where they had to make room. */
export interface Moment {
  record: EpochRecord;
  bytes: Uint8Array<ArrayBuffer>;
}

export interface EpochTable {
  /** In their order. */
  moments: readonly Moment[];
  notes: readonly string[];
  /** Whether the training goes on. */
  training: boolean;
}

/** The moments of a message with those that were here before, of which some have lost their maps since. */
export function withEpochs(before: EpochTable | null, message: Epochs, buffers: readonly Binary[]): EpochTable {
  const { items, kept, notes, training } = message;
  const moments = new Map(before?.moments.map((moment) => [moment.record.number, moment]));
  items.forEach((record, i) => {
    const bytes = toBytes(buffers[i]);
    moments.set(record.number, { record, bytes: copyPart(bytes, 0, bytes.byteLength) });
  });
  for (const [number, { record }] of moments) {
    if (!kept.includes(number)) moments.set(number, { record, bytes: new Uint8Array() });
  }
  const inOrder = [...moments.values()].sort((a, b) => a.record.number - b.record.number);
  return { moments: inOrder, notes, training };
}

/** What a page has kept of a moment, and where its maps lie in the buffer of the page. */
export type SavedMoment = EpochRecord & { part: readonly [offset: number, length: number] };

export function readSavedEpochs(
  saved: readonly SavedMoment[],
  notes: readonly string[],
  buffer: Uint8Array<ArrayBuffer>,
): EpochTable | null {
  const moments = saved.map(({ part, ...record }) => ({ record, bytes: copyPart(buffer, ...part) }));
  return moments.length > 0 ? { moments, notes, training: false } : null;
}

/** The maps of a moment. */
export const answerOf = ({ record, bytes }: Moment): Answer => ({
  key: "",
  columns: record.columns,
  tiles: new Map(readTiles(record.items, [bytes])),
});

/** What the model predicted at a moment, null where that was not kept. */
export function predictionsAt({ record: { predictions }, bytes }: Moment): PredictionTable | null {
  if (!predictions || bytes.byteLength === 0) return null;
  const [images, classes] = predictions.shape;
  return { images, classes, predicted: predictions.best, values: readMap(predictions, bytes) };
}
