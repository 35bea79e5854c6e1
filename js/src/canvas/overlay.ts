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
}

/** Where the colour table begins and ends, in parts of the scale; a diverging one stays centred at 0. */
export function limitsOf(store: Store, diverging: boolean): [number, number] {
  const { low, high } = store.limits.value;
  return [diverging ? -high : low, high];
}

export function lookOf(store: Store, map: TileMap): Look {
  const { colormap, threshold } = store.traits;
  const sign = store.signOf(map);
  const diverging = map.item.signed && sign === "signed";
  const [low, high] = limitsOf(store, diverging);
  return {
    sign,
    table: diverging ? DIVERGING : colormap.value,
    diverging,
    scale: store.scopeOf(map),
    threshold: threshold.value,
    low,
    high,
  };
}

/** Whether a map has nothing to draw under the chosen sign, as one of its notes says. */
export function isSilent(store: Store, map: TileMap): boolean {
  const { evidence } = map.item;
  return evidence === "none" || (evidence === "against" && store.signOf(map) === "positive");
}

/** What the overlays of one view share. */
interface Shared {
  table: ReturnType<typeof tableCache>;
  /** Room for pixels on their way to a canvas. */
  pixels: ImageData;
}

/** One map as a picture of its own, made anew only as far as something has changed. */
export class Overlay {
  readonly canvas = new OffscreenCanvas(1, 1);
  /** How often it was painted. */
  version = 0;
  // Kept in memory rather than on the graphics card: it is written as often as it is drawn.
  private readonly context = this.canvas.getContext("2d", { willReadFrequently: true });
  private readonly signed = new Map<Sign, Float32Array>();
  private map: TileMap | null = null;
  private look: Look | null = null;

  constructor(private readonly shared: Shared) {}

  paint(map: TileMap, look: Look, height: number, width: number): void {
    const { canvas, shared } = this;
    const resized = canvas.height !== height || canvas.width !== width;
    if (resized) Object.assign(canvas, { height, width });
    if (resized || this.map !== map) this.signed.clear();
    const before = this.look;
    const same = (Object.keys(look) as (keyof Look)[]).every((name) => before?.[name] === look[name]);
    if (same && this.signed.size > 0) return;
    const [h, w] = map.item.shape;
    const known = this.signed.get(look.sign);
    const scalars = known ?? resize(applySign(map.values, look.sign), h, w, height, width);
    this.signed.set(look.sign, scalars);
    if (shared.pixels.height !== height || shared.pixels.width !== width) {
      shared.pixels = new ImageData(width, height);
    }
    const table = shared.table(look.table, look.diverging);
    paint(scalars, { ...look, table }, new Uint32Array(shared.pixels.data.buffer));
    this.context?.putImageData(shared.pixels, 0, 0);
    this.version += 1;
    this.map = map;
    this.look = look;
  }
}

/** Overlays of one view. */
export function overlayMaker(): () => Overlay {
  const shared = { table: tableCache(), pixels: new ImageData(1, 1) };
  return () => new Overlay(shared);
}
