import {
  interpolateCividis,
  interpolateInferno,
  interpolateMagma,
  interpolatePlasma,
  interpolateRdBu,
  interpolateTurbo,
  interpolateViridis,
} from "d3-scale-chromatic";
import { channelsOf } from "./channels";

/** The tables of signed drawing, the first unless another of them is chosen. */
export const DIVERGING = ["coldhot", "rdbu"];

const gray = (t: number) => `rgb(${[t, t, t].map((v) => Math.round(v * 255)).join(", ")})`;

/** As in `kx_widget/engine/drawing.py`: dark at zero and bright at either end, to be seen over grey pictures. */
const COLD = [
  [180, 240, 255],
  [30, 140, 255],
  [10, 20, 110],
];
const HOT = [
  [110, 10, 10],
  [240, 60, 20],
  [255, 240, 120],
];

/** Linear between three colours, t in 0..1. */
function between(colors: number[][], t: number): string {
  const [from, to, part] = t < 0.5 ? [colors[0], colors[1], 2 * t] : [colors[1], colors[2], 2 * t - 1];
  return `rgb(${from.map((value, i) => Math.round(value + (to[i] - value) * part)).join(", ")})`;
}

const TABLES: Readonly<Record<string, (t: number) => string>> = {
  inferno: interpolateInferno,
  viridis: interpolateViridis,
  magma: interpolateMagma,
  plasma: interpolatePlasma,
  turbo: interpolateTurbo,
  cividis: interpolateCividis,
  gray,
  coldhot: (t) => (t < 0.5 ? between(COLD, 2 * t) : between(HOT, 2 * t - 1)),
  rdbu: (t) => interpolateRdBu(1 - t),
};

/** The tables one can choose. */
export const COLORMAPS = Object.keys(TABLES);

/** The table that a map is drawn in while this one is chosen: signed drawing takes a diverging one. */
export const drawnTable = (name: string, diverging: boolean) =>
  diverging && !DIVERGING.includes(name) ? DIVERGING[0] : name;

function rgb(color: string): [number, number, number] {
  if (color.startsWith("#")) return channelsOf(color);
  const [r, g, b] = (color.match(/[\d.]+/g) ?? []).map((part) => Math.round(Number(part)));
  return [r, g, b];
}

/** 256 colours packed as RGBA words in the machine's byte order; `alpha` (0..1) by the place in the table. */
export function lookupTable(name: string, alpha: (t: number) => number = () => 1): Uint32Array {
  const color = TABLES[name] ?? TABLES.inferno;
  const bytes = new Uint8ClampedArray(256 * 4);
  for (let i = 0; i < 256; i++) {
    bytes.set(rgb(color(i / 255)), i * 4);
    bytes[i * 4 + 3] = 255 * alpha(i / 255);
  }
  return new Uint32Array(bytes.buffer);
}

/** The table for drawing over a picture: the weaker a value, the more of the picture is seen. */
export function overlayTable(name: string, diverging: boolean): Uint32Array {
  return lookupTable(name, (t) => Math.min(1, 1.4 * (diverging ? Math.abs(2 * t - 1) : t)));
}
