import {
  interpolateCividis,
  interpolateInferno,
  interpolateMagma,
  interpolatePlasma,
  interpolateRdBu,
  interpolateTurbo,
  interpolateViridis,
} from "d3-scale-chromatic";

/** The tables one can choose; signed drawing always takes the diverging one. */
export const COLORMAPS = [
  "viridis",
  "magma",
  "inferno",
  "plasma",
  "turbo",
  "cividis",
  "gray",
  "rdbu",
] as const;
export const DIVERGING = "rdbu";

const gray = (t: number) => `rgb(${[t, t, t].map((v) => Math.round(v * 255)).join(", ")})`;

const TABLES: Readonly<Record<string, (t: number) => string>> = {
  viridis: interpolateViridis,
  magma: interpolateMagma,
  inferno: interpolateInferno,
  plasma: interpolatePlasma,
  turbo: interpolateTurbo,
  cividis: interpolateCividis,
  gray,
  [DIVERGING]: (t) => interpolateRdBu(1 - t),
};

function rgb(color: string): [number, number, number] {
  if (color.startsWith("#")) {
    const n = Number.parseInt(color.slice(1), 16);
    return [n >> 16, (n >> 8) & 255, n & 255];
  }
  const [r, g, b] = (color.match(/[\d.]+/g) ?? []).map((part) => Math.round(Number(part)));
  return [r, g, b];
}

/** 256 colours packed as RGBA words in the machine's byte order, all with the same alpha. */
export function lookupTable(name: string, alpha = 255): Uint32Array {
  const color = TABLES[name] ?? TABLES.viridis;
  const bytes = new Uint8ClampedArray(256 * 4);
  for (let i = 0; i < 256; i++) {
    bytes.set(rgb(color(i / 255)), i * 4);
    bytes[i * 4 + 3] = alpha;
  }
  return new Uint32Array(bytes.buffer);
}

/** Tables made once and kept for the life of one view. */
export function tableCache(): (name: string) => Uint32Array {
  const made = new Map<string, Uint32Array>();
  return (name) => {
    const table = made.get(name) ?? lookupTable(name);
    made.set(name, table);
    return table;
  };
}
