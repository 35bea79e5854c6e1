/** Messages with a buffer -> what the store holds. */

import { type Binary, readFloats, readMap, toBytes } from "./codec";
import type { Down, Item, Thumbnail } from "./kernel/protocol";
import { extent } from "./postprocess";
import { type Predictions, type TileMap, tileKey } from "./store";
import type { SmallMap } from "./thumbnails";

export function readTiles(items: Item[], buffers: Binary[]): [string, TileMap][] {
  const bytes = toBytes(buffers[0]);
  return items.map((item) => {
    const values = readMap(item, bytes);
    // Answers of earlier versions have no notes.
    const whole = { ...item, notes: item.notes ?? [], evidence: item.evidence ?? "some" };
    return [tileKey(item.image, item.column), { item: whole, values, extent: extent(values) }];
  });
}

export function readThumbnails(items: Thumbnail[], buffers: Binary[]): [string, SmallMap][] {
  const bytes = toBytes(buffers[0]);
  return items.map((item) => {
    const values = readMap(item, bytes);
    return [item.layer, { values, shape: item.shape, extent: extent(values) }];
  });
}

/** All that is known of the predictions, with one more part of them. */
export function readPredictions(
  { shape: [images, classes], first, best }: Extract<Down, { kind: "predictions" }>,
  buffers: Binary[],
  before: Predictions | null,
): Predictions {
  const bytes = toBytes(buffers[0]);
  const part = readFloats(bytes, Math.floor(bytes.byteLength / 4));
  const whole = part.length === images * classes;
  const same = before?.images === images && before.classes === classes;
  const values = whole ? part : new Float32Array(images * classes).fill(Number.NaN);
  if (!whole) {
    if (same) values.set(before.values);
    values.set(part, first * classes);
  }
  return { images, classes, best, values };
}
