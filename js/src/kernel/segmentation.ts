/** Which class wins at each place of an image; `kx_widget/widget/segmentations.py` packs it. */

import { copyPart, toBytes, unzip } from "./decode";
import type { SegmentedImage } from "./protocol";

/** What a segmenter sees in an image. */
export interface LabelMap {
  height: number;
  width: number;
  /** The number of a class at each place, row by row. */
  labels: Uint8Array | Uint16Array;
  /** Which part of the places each class wins, the largest first. */
  shares: readonly (readonly [index: number, share: number])[];
  /** Why there is none. */
  problem: string;
}

const NONE = { height: 0, width: 0, labels: new Uint8Array(0), shares: [] };

function sharesOf(labels: LabelMap["labels"]): LabelMap["shares"] {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts]
    .map(([index, count]) => [index, count / labels.length] as const)
    .sort(([a, ofA], [b, ofB]) => ofB - ofA || a - b);
}

async function readSegmentation(item: SegmentedImage, buffer: Uint8Array<ArrayBuffer>): Promise<LabelMap> {
  const { shape, dtype, byte_offset, byte_length, problem } = item;
  if (problem) return { ...NONE, problem };
  const bytes = await unzip(copyPart(buffer, byte_offset, byte_length));
  const [height, width] = shape;
  const labels = dtype === "uint8" ? bytes : new Uint16Array(bytes.buffer);
  if (labels.length !== height * width) {
    throw new Error(`a segmentation of ${height} × ${width} places has ${labels.length} classes`);
  }
  return { height, width, labels, shares: sharesOf(labels), problem };
}

/** What there is of some images, by image. */
export async function readSegmentations(
  items: readonly SegmentedImage[],
  buffer: ArrayBuffer | ArrayBufferView,
): Promise<[number, LabelMap][]> {
  const bytes = toBytes(buffer);
  return Promise.all(items.map(async (item) => [item.image, await readSegmentation(item, bytes)]));
}

/** The class at a point of what the model sees, in fractions; null outside of it. */
export function labelAt({ height, width, labels }: LabelMap, x: number, y: number): number | null {
  const [column, row] = [Math.floor(x * width), Math.floor(y * height)];
  return column >= 0 && column < width && row >= 0 && row < height ? labels[row * width + column] : null;
}
