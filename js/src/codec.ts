/** Binary frames to numbers; the twin of `kx_widget/widget/codec.py`. */

import type { Item } from "./kernel/protocol";

/** Hosts hand a buffer over as DataView, Uint8Array or ArrayBuffer. */
export type Binary = ArrayBuffer | ArrayBufferView;

const MISSING = 65535;

export function toBytes(binary: Binary): Uint8Array<ArrayBuffer> {
  if (ArrayBuffer.isView(binary)) {
    return new Uint8Array(binary.buffer as ArrayBuffer, binary.byteOffset, binary.byteLength);
  }
  return new Uint8Array(binary);
}

function area([height, width]: readonly number[]): number {
  if (!(height > 0 && width > 0 && Number.isInteger(height) && Number.isInteger(width))) {
    throw new Error(`a map of ${height} × ${width} values`);
  }
  return height * width;
}

function slice(bytes: Uint8Array<ArrayBuffer>, offset: number, length: number, unit: number, count: number) {
  if (length !== unit * count) {
    throw new Error(`a map of ${count} values needs ${unit * count} bytes, its header says ${length}`);
  }
  if (!(offset >= 0 && offset + length <= bytes.byteLength)) {
    throw new Error(`a map ends at byte ${offset + length} of a buffer of ${bytes.byteLength} bytes`);
  }
  const start = bytes.byteOffset + offset;
  if (start % unit === 0) return { buffer: bytes.buffer, start };
  return { buffer: bytes.buffer.slice(start, start + length), start: 0 };
}

/** Row-major float32 values, copied where the offset is not a multiple of four. */
export function readFloats(bytes: Uint8Array<ArrayBuffer>, count: number, offset = 0): Float32Array {
  const { buffer, start } = slice(bytes, offset, count * 4, 4, count);
  return new Float32Array(buffer, start, count);
}

type Header = Pick<Item, "shape" | "dtype" | "scale" | "offset" | "byte_offset" | "byte_length">;

/** The raw map of one item, (h*w,), NaN where it has not been computed yet. */
export function readMap(item: Header, bytes: Uint8Array<ArrayBuffer>): Float32Array {
  const count = area(item.shape);
  if (item.dtype === "float32") {
    const { buffer, start } = slice(bytes, item.byte_offset, item.byte_length, 4, count);
    return new Float32Array(buffer, start, count);
  }
  if (item.dtype !== "uint16") throw new Error(`unknown number type "${item.dtype}" of a map`);
  const { buffer, start } = slice(bytes, item.byte_offset, item.byte_length, 2, count);
  const coded = new Uint16Array(buffer, start, count);
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    values[i] = coded[i] === MISSING ? Number.NaN : coded[i] * item.scale + item.offset;
  }
  return values;
}
