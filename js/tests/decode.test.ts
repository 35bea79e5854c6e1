import { describe, expect, it } from "vitest";
import fixture from "../../tests/fixtures/codec.json";
import { readFloats, readMap, toBytes } from "../src/kernel/decode";
import type { Item } from "../src/kernel/protocol";
import { item } from "./helpers";

const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
const coded = (...values: number[]) => new Uint8Array(Uint16Array.from(values).buffer);

/** The same bytes, beginning at an odd address. */
function shifted(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const room = new Uint8Array(bytes.length + 5);
  room.set(bytes, 3);
  return room.subarray(3, 3 + bytes.length);
}

describe("toBytes", () => {
  const bytes = shifted(Uint8Array.of(1, 2, 3));

  it("reads a DataView and a Uint8Array where they begin, and an ArrayBuffer whole", () => {
    expect([...toBytes(bytes)]).toEqual([1, 2, 3]);
    expect([...toBytes(new DataView(bytes.buffer, bytes.byteOffset, 2))]).toEqual([1, 2]);
    expect([...toBytes(Uint8Array.of(7, 8).buffer)]).toEqual([7, 8]);
  });
});

describe("readMap", () => {
  it("reads float32 and keeps NaN", () => {
    const map = readMap(item({ shape: [2, 2], byte_length: 16 }), floats(1.5, -2, Number.NaN, 0));
    expect([...map]).toEqual([1.5, -2, Number.NaN, 0]);
  });

  it("reads uint16 by scale and offset, 65535 as NaN", () => {
    const header = item({ shape: [1, 4], dtype: "uint16", scale: 0.5, offset: -1, byte_length: 8 });
    expect([...readMap(header, coded(0, 2, 65534, 65535))]).toEqual([-1, 0, 32766, Number.NaN]);
  });

  it("reads unaligned bytes", () => {
    expect([...readMap(item(), shifted(floats(3, 4)))]).toEqual([3, 4]);
    const half = item({ dtype: "uint16", scale: 1, offset: 0, byte_length: 4 });
    expect([...readMap(half, shifted(coded(3, 4)))]).toEqual([3, 4]);
  });

  it("copies its values: a host may reuse the buffer, and a frame is not kept for one of its maps", () => {
    const frame = floats(9, 1, 2, 9);
    const map = readMap(item({ byte_offset: 4 }), frame);
    frame.fill(0);
    expect([...map]).toEqual([1, 2]);
    expect(map.buffer.byteLength).toBe(8);
  });

  it("reads a map in the middle of a frame", () => {
    expect([...readMap(item({ byte_offset: 4 }), floats(9, 1, 2, 9))]).toEqual([1, 2]);
  });

  it("refuses a truncated buffer, a wrong length and an unknown type", () => {
    expect(() => readMap(item(), floats(3))).toThrow("ends at byte 8 of a buffer of 4 bytes");
    expect(() => readMap(item({ byte_length: 4 }), floats(3, 4))).toThrow("needs 8 bytes, its header says 4");
    expect(() => readMap(item({ dtype: "int8" as "uint16" }), floats(3, 4))).toThrow('"int8"');
  });
});

describe("the fixture shared with kx_widget/widget/codec.py", () => {
  const pairs = fixture.buffer.match(/../g) ?? [];
  const bytes = Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16));

  it("has maps of both number types", () => {
    expect(new Set(fixture.headers.map(({ dtype }) => dtype))).toEqual(new Set(["float32", "uint16"]));
  });

  it.each(fixture.headers.map((header, i) => [header as Pick<Item, keyof typeof header>, i] as const))(
    "is read as it was written: %o",
    (header, i) => {
      const wanted = fixture.maps[i].flat() as (number | null)[];
      const values = readMap(header, shifted(bytes));
      expect(values).toHaveLength(wanted.length);
      const wrong = wanted.filter((value, at) => {
        if (value === null) return !Number.isNaN(values[at]);
        if (header.dtype === "float32") return !Object.is(values[at], value);
        // Rounded to one of 65535 steps, then to float32.
        const off = header.scale / 2 + Math.abs(value) * 2 ** -23;
        return !(Math.abs(values[at] - value) <= off);
      });
      expect(wrong).toEqual([]);
    },
  );
});

describe("readFloats", () => {
  it("reads rows of probabilities", () => {
    expect([...readFloats(shifted(floats(0.25, 0.75)), 2)]).toEqual([0.25, 0.75]);
    expect(() => readFloats(floats(0.25), 2)).toThrow("ends at byte 8");
  });
});
