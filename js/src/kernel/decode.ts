/** Buffers of the kernel's messages -> numbers; `kx_widget/widget/codec.py` writes the maps. */

import { type Extent, extent } from "../math/postprocess";
import type {
  AgreementRecord,
  ClassRecord,
  Column,
  Encoded,
  EvidenceRecord,
  Item,
  Predictions,
  Shelf,
  Thumbnail,
} from "./protocol";

/** Hosts hand a buffer over as DataView, Uint8Array or ArrayBuffer. */
export type Binary = ArrayBuffer | ArrayBufferView;
type Bytes = Uint8Array<ArrayBuffer>;

/** A map and its header. */
export interface TileMap {
  item: Item;
  values: Float32Array;
  extent: Extent;
  /** Whether it shows how one model's map differs from another's. */
  isDifference?: true;
}

/** By `tileKey`. */
export type TileMaps = ReadonlyMap<string, TileMap>;

/** What is known of how far maps can be believed, by `tileKey`. */
export type EvidenceRecords = ReadonlyMap<string, EvidenceRecord>;

/** What was scored at every step of both curves of a map: each pixel is the picture's or the cover's. */
export interface ScoredCurves {
  cover: string;
  /** PNG: the image, all of it covered, and the last step at which a pixel is not covered, or not shown. */
  picture: Bytes;
  covering: Bytes;
  levels: Bytes;
  /** By curve the most probable classes at each step. */
  classes: Readonly<Record<string, ClassRecord[][]>>;
}

/** The maps that answer a question. */
export interface Answer {
  /** The kernel's name of this answer; it differs once the weights have changed. */
  key: string;
  columns: Column[];
  tiles: TileMaps;
  /** Where any was measured. */
  evidence?: EvidenceRecords;
  /** How far the maps of several models agree. */
  agreements?: readonly AgreementRecord[];
  /** What was scored for some maps, by `tileKey`, in a page that was saved. */
  curves?: ReadonlyMap<string, ScoredCurves>;
}

export const tileKey = (image: number, column: number) => `${image}/${column}`;

/** A part of a map that is too large to be sent whole; `box` is where it lies, in fractions of the map. */
export interface MapDetail {
  gen: number;
  column: number;
  box: readonly number[];
  shape: readonly number[];
  values: Float32Array;
}

export function readMapPart(part: Encoded & Omit<MapDetail, "values">, bytes: Bytes): MapDetail {
  const { gen, column, box, shape } = part;
  return { gen, column, box, shape, values: readMap(part, bytes) };
}

export interface ThumbnailMap {
  values: Float32Array;
  shape: number[];
  extent: Extent;
}

export interface PredictionTable {
  images: number;
  classes: number;
  /** The class with the highest score of every image. */
  predicted: readonly number[];
  /** Probabilities, image by image. */
  values: Float32Array;
}

/** Facts about some images of a stored data set. */
export interface StoredFacts {
  images: number;
  /** The most probable class of every image. */
  predicted: Int32Array;
  /** The true class of every image, -1 where it is unknown; empty where none is known. */
  labels: Int32Array;
  /** The probability of the most probable class, NaN where it was not stored. */
  confidence: Float32Array;
  /** The score of the first target. */
  scores: Float32Array;
  /** What else is stored of every image, in the order of the welcome's columns; NaN where it cannot be told. */
  numbers: Float32Array[];
}

const UNIT = { float32: 4, uint16: 2 };
const MISSING = 65535;
/** Arrays that are stored of every image in any case. */
const STORED = 4;

export function toBytes(binary: Binary): Bytes {
  if (!ArrayBuffer.isView(binary)) return new Uint8Array(binary);
  return new Uint8Array(binary.buffer as ArrayBuffer, binary.byteOffset, binary.byteLength);
}

/** A part of a buffer, copied: a host may reuse the buffer, and a view of it would keep all of it in memory. */
export function copyPart(bytes: Bytes, offset: number, length: number): Bytes {
  if (!(offset >= 0 && offset + length <= bytes.byteLength)) {
    throw new Error(`a part ends at byte ${offset + length} of a buffer of ${bytes.byteLength} bytes`);
  }
  return bytes.slice(offset, offset + length);
}

/** What was packed as gzip. */
export async function unzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

export const readFloats = (bytes: Bytes, count: number, offset = 0) =>
  new Float32Array(copyPart(bytes, offset, 4 * count).buffer);

function area([height, width]: readonly number[]): number {
  if (!(height > 0 && width > 0 && Number.isInteger(height) && Number.isInteger(width))) {
    throw new Error(`a map of ${height} × ${width} values`);
  }
  return height * width;
}

/** The raw map that a header describes, (h*w,), NaN where it has not been computed yet. */
export function readMap(header: Encoded, bytes: Bytes): Float32Array {
  const { dtype, scale, offset, byte_offset, byte_length } = header;
  const count = area(header.shape);
  if (!(dtype in UNIT)) throw new Error(`unknown number type "${dtype}" of a map`);
  if (byte_length !== UNIT[dtype] * count) {
    throw new Error(`a map of ${count} values needs ${UNIT[dtype] * count} bytes, its header says ${byte_length}`);
  }
  if (dtype === "float32") return readFloats(bytes, count, byte_offset);
  const steps = new Uint16Array(copyPart(bytes, byte_offset, byte_length).buffer);
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) values[i] = steps[i] === MISSING ? Number.NaN : steps[i] * scale + offset;
  return values;
}

export function readTiles(items: readonly Item[], buffers: Binary[]): [string, TileMap][] {
  const bytes = toBytes(buffers[0]);
  return items.map((item) => {
    const values = readMap(item, bytes);
    // Answers of earlier versions have neither notes nor checks, and are whole.
    const { notes = [], evidence = "some", checks = {}, done = 1, unit = null, whole_shape = item.shape } = item;
    const complete = { ...item, notes, evidence, checks, done, unit, whole_shape };
    return [tileKey(item.image, item.column), { item: complete, values, extent: extent(values) }];
  });
}

export const readEvidence = (items: readonly EvidenceRecord[]): [string, EvidenceRecord][] =>
  items.map((record) => [tileKey(record.image, record.column), record]);

/** Thumbnails by their layer's path. */
export function readThumbnails(items: readonly Thumbnail[], buffers: Binary[]): [string, ThumbnailMap][] {
  const bytes = toBytes(buffers[0]);
  return items.map((item) => {
    const values = readMap(item, bytes);
    return [item.layer, { values, shape: item.shape, extent: extent(values) }];
  });
}

/** The predictions with those of one more message; `before` are those of the messages before it. */
export function readPredictions(
  { shape: [images, classes], first, best }: Predictions,
  buffers: Binary[],
  before: PredictionTable | null,
): PredictionTable {
  const bytes = toBytes(buffers[0]);
  const part = readFloats(bytes, Math.floor(bytes.byteLength / 4));
  if (part.length === images * classes) return { images, classes, predicted: best, values: part };
  const values = new Float32Array(images * classes).fill(Number.NaN);
  if (before?.images === images && before.classes === classes) values.set(before.values);
  values.set(part, first * classes);
  return { images, classes, predicted: best, values };
}

/** The facts about the `count` images of one message. */
export function readStoredFacts({ count }: Pick<Shelf, "count">, buffers: Binary[]): StoredFacts {
  const bytes = toBytes(buffers[0]);
  const part = (index: number) => copyPart(bytes, 4 * index * count, 4 * count).buffer;
  const others = count > 0 ? bytes.byteLength / (4 * count) - STORED : 0;
  return {
    images: count,
    predicted: new Int32Array(part(0)),
    labels: new Int32Array(part(1)),
    confidence: new Float32Array(part(2)),
    scores: new Float32Array(part(3)),
    numbers: Array.from({ length: others }, (_, index) => new Float32Array(part(STORED + index))),
  };
}
