import { describe, expect, it } from "vitest";
import { COLORMAPS, lookupTable, overlayTable } from "../src/canvas/colormap";
import { paint, type Style, trace } from "../src/canvas/paint";

const STYLE: Style = { table: lookupTable("gray"), low: 0, high: 1, base: 0, scale: 1, threshold: 0 };

/** One character a pixel: '0' is the table's first colour, '9' its last, '#' a dark edge, '.' is transparent. */
function charactersOf(out: Uint32Array, width: number): string[] {
  const bytes = new Uint8Array(out.buffer);
  const text = Array.from(out, (_, i) => {
    const [shade, , , alpha] = bytes.subarray(i * 4);
    return alpha === 0 ? "." : alpha === 255 ? Math.floor(shade / 25.6) : "#";
  });
  return Array.from({ length: out.length / width }, (_, row) => text.slice(row * width, (row + 1) * width).join(""));
}

function shades(map: Float32Array, style: Partial<Style>, width = 8): string[] {
  const out = new Uint32Array(map.length);
  paint(map, { ...STYLE, ...style }, out);
  return charactersOf(out, width);
}

/** The lines of a map of one row. */
function lines(values: number[], style: Partial<Style> = {}): string {
  const out = new Uint32Array(values.length);
  trace(Float32Array.from(values), values.length, { ...STYLE, ...style }, out);
  return charactersOf(out, values.length).join();
}

/** A cone with its tip, 1, in the upper left and -1 in the lower right corner. */
const slope = Float32Array.from({ length: 64 }, (_, i) => 1 - ((i % 8) + Math.floor(i / 8)) / 7);

describe("paint", () => {
  it("draws [0, 1] over the table and what is below 0 as its first colour", () => {
    expect(shades(slope, {})).toEqual([
      "98754210",
      "87542100",
      "75421000",
      "54210000",
      "42100000",
      "21000000",
      "10000000",
      "00000000",
    ]);
  });

  it("draws [-1, 1] over a diverging table, 0 in its middle", () => {
    expect(shades(slope, { low: -1 })).toEqual([
      "99877655",
      "98776554",
      "87765543",
      "77655432",
      "76554322",
      "65543221",
      "55432210",
      "54322100",
    ]);
  });

  it("leaves out what is below the threshold, by magnitude", () => {
    expect(shades(slope, { low: -1, threshold: 0.5 })).toEqual([
      "9987....",
      "987.....",
      "87......",
      "7.......",
      ".......2",
      "......21",
      ".....210",
      "....2100",
    ]);
  });

  it("leaves out NaN, also at threshold 0", () => {
    const holes = slope.map((value, i) => (((i % 8) + Math.floor(i / 8)) % 2 ? Number.NaN : value));
    expect(shades(holes, {}).slice(0, 3)).toEqual(["9.7.4.1.", ".7.4.1.0", "7.4.1.0."]);
  });

  it("divides by the scale; scale 0 draws zeros", () => {
    expect(shades(Float32Array.of(0, 1, 2, 4), { scale: 4 }, 4)).toEqual(["0259"]);
    expect(shades(Float32Array.of(0, 1), { scale: 0 }, 2)).toEqual(["00"]);
  });

  it("counts from another value than zero, the threshold too", () => {
    const values = Float32Array.of(10, 10.5, 11, 12);
    expect(shades(values, { base: 10, scale: 2 }, 4)).toEqual(["0259"]);
    expect(shades(values, { base: 10, scale: 2, threshold: 0.5 }, 4)).toEqual(["..59"]);
  });

  it("stretches the table between the limits", () => {
    const ramp = Float32Array.of(0, 0.25, 0.5, 0.75, 1);
    expect(shades(ramp, { low: 0.25, high: 0.75 }, 5)).toEqual(["00599"]);
    expect(
      shades(
        ramp.map((v) => 2 * v - 1),
        { low: -0.5, high: 0.5 },
        5,
      ),
    ).toEqual(["00599"]);
  });
});

describe("trace", () => {
  it("draws a line with dark edges where a quarter, half and three quarters are reached", () => {
    expect(lines([0, 0, 0, 0.25, 0.25, 0.25])).toBe(".#55#.");
    expect(lines([0.4, 0.4, 0.4, 0.5, 0.5, 0.5])).toBe(".#77#.");
    expect(lines([0, 0, 0, 1, 1, 1])).toBe(".#99#.");
    expect(lines([0, 0, 0, -0.25, -0.25, -0.25], { low: -1 })).toBe(".#22#.");
  });

  it("divides what lies between the limits, from the value that counts as zero", () => {
    expect(lines([0.6, 0.6, 0.6, 0.63, 0.63, 0.63], { low: 0.5 })).toBe(".#55#.");
    expect(lines([10.9, 10.9, 10.9, 11, 11, 11], { base: 10, scale: 4 })).toBe(".#55#.");
  });

  it("draws none below the beginning of the table", () => {
    expect(lines([0, 0, 0, 0.2, 0.2, 0.45], { low: 0.5 })).toBe("......");
    expect(lines([2, 2, 2, 8, 8, 10], { base: 10, scale: 4 })).toBe("......");
  });

  it("draws the edge of what is as strong as the threshold", () => {
    expect(lines([0.3, 0.3, 0.3, 0.4, 0.4, 0.4], { threshold: 0.4 })).toBe(".#55#.");
    expect(lines([0, 0, 0, -0.4, -0.4, -0.4], { low: -1, threshold: 0.5 })).toBe("......");
  });

  it("takes NaN for nothing, and draws none at scale 0", () => {
    expect(lines([Number.NaN, Number.NaN, 0, 0.3, 0.3, 0.3])).toBe(".#55#.");
    expect(lines([0, 0, 1, 1], { scale: 0 })).toBe("....");
  });
});

describe("lookupTable", () => {
  const rgba = (name: string, index: number) => [
    ...new Uint8Array(lookupTable(name).buffer).subarray(index * 4, index * 4 + 4),
  ];

  it("has the published ends of viridis", () => {
    expect(rgba("viridis", 0)).toEqual([0x44, 0x01, 0x54, 255]);
    expect(rgba("viridis", 255)).toEqual([0xfd, 0xe7, 0x25, 255]);
  });

  it("runs from blue over near-white to red when diverging", () => {
    const [low, middle, high] = [rgba("rdbu", 0), rgba("rdbu", 128), rgba("rdbu", 255)];
    expect(low[2]).toBeGreaterThan(low[0]);
    expect(Math.min(...middle)).toBeGreaterThan(230);
    expect(high[0]).toBeGreaterThan(high[2]);
  });

  it("runs from pale blue over dark ones to pale yellow where signed maps lie over grey", () => {
    const places = [0, 64, 127, 128, 191, 255].map((at) => rgba("coldhot", at).slice(0, 3));
    expect(places).toEqual([
      [180, 240, 255],
      [30, 140, 254],
      [10, 21, 111],
      [111, 10, 10],
      [239, 60, 20],
      [255, 240, 120],
    ]);
  });

  it("has 256 opaque colours for every name", () => {
    for (const name of COLORMAPS) {
      const bytes = new Uint8Array(lookupTable(name).buffer);
      expect(bytes).toHaveLength(1024);
      expect(bytes.filter((_, i) => i % 4 === 3).every((alpha) => alpha === 255)).toBe(true);
      expect(new Set(lookupTable(name)).size).toBeGreaterThan(150);
    }
  });
});

describe("overlayTable", () => {
  const alphas = (diverging: boolean) =>
    [0, 64, 128, 192, 255].map((i) => new Uint8Array(overlayTable("gray", diverging).buffer)[i * 4 + 3]);

  it("lets the picture through where a map is weak", () => {
    expect(alphas(false)).toEqual([0, 90, 179, 255, 255]);
    expect(alphas(true)).toEqual([255, 178, 1, 181, 255]);
  });

  it("has the colours of the table itself", () => {
    const plain = lookupTable("magma").map((word) => word & 0xffffff);
    expect(overlayTable("magma", false).map((word) => word & 0xffffff)).toEqual(plain);
  });
});
