import { applySign, resize, type Sign } from "../postprocess";
import type { Store, TileMap } from "../store";
import { DIVERGING, tableCache } from "./colormap";
import { paint } from "./paint";

/** How a map is drawn, beside the map itself. */
export interface Look {
  sign: Sign;
  /** Name of the colour table. */
  table: string;
  diverging: boolean;
  scale: number;
  threshold: number;
  low: number;
  high: number;
  /** Size of the overlay in pixels. */
  height: number;
  width: number;
}

const LEAST = 128;
const MOST = 320;
const side = (length: number | null | undefined) => Math.min(Math.max(length ?? 224, LEAST), MOST);

/** Where the colour table begins and ends, in parts of the scale; a diverging one stays centred at 0. */
export function limitsOf(store: Store, diverging: boolean): [number, number] {
  const { low, high } = store.limits.value;
  return [diverging ? -high : low, high];
}

export function lookOf(store: Store, map: TileMap): Look {
  const { colormap, threshold } = store.traits;
  const shape = store.welcome.peek()?.inspection.input_shape;
  const sign = store.signOf(map);
  const diverging = map.item.signed && sign === "signed";
  const [h, w] = map.item.shape;
  const cells = store.cells.value;
  const [low, high] = limitsOf(store, diverging);
  return {
    sign,
    table: diverging ? DIVERGING : colormap.value,
    diverging,
    scale: store.scopeOf(map),
    threshold: threshold.value,
    low,
    high,
    height: cells ? h : side(shape?.[0]),
    width: cells ? w : side(shape?.[1]),
  };
}

/** One map as a picture of its own, made anew only as far as something has changed. */
export class Overlay {
  private readonly canvas = new OffscreenCanvas(1, 1);
  // Kept in memory rather than on the graphics card: it is written as often as it is drawn.
  private readonly context = this.canvas.getContext("2d", { willReadFrequently: true });
  private pixels = new ImageData(1, 1);
  private words = new Uint32Array(this.pixels.data.buffer);
  private scalars: Float32Array = new Float32Array();
  private map: TileMap | null = null;
  private look: Look | null = null;

  constructor(private readonly table: ReturnType<typeof tableCache>) {}

  show(map: TileMap, look: Look): OffscreenCanvas {
    const before = this.look;
    const same = (...names: (keyof Look)[]) => names.every((name) => before?.[name] === look[name]);
    const { height, width } = look;
    const resized = !same("height", "width");
    if (resized) {
      Object.assign(this.canvas, { height, width });
      this.pixels = new ImageData(width, height);
      this.words = new Uint32Array(this.pixels.data.buffer);
    }
    const moved = resized || this.map !== map || !same("sign");
    if (moved) {
      const [h, w] = map.item.shape;
      this.scalars = resize(applySign(map.values, look.sign), h, w, height, width);
    }
    if (moved || !same("table", "diverging", "scale", "threshold", "low", "high")) {
      const table = this.table(look.table, look.diverging);
      paint(this.scalars, { ...look, table }, this.words);
      this.context?.putImageData(this.pixels, 0, 0);
    }
    this.map = map;
    this.look = look;
    return this.canvas;
  }
}

/** Overlays of one view, which share their colour tables. */
export function overlayMaker(): () => Overlay {
  const table = tableCache();
  return () => new Overlay(table);
}
