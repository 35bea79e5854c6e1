import { effect } from "@preact/signals";
import { position, value as valueText } from "../format";
import { applySign, resize, type Sign, sample } from "../postprocess";
import { type Picture, type Store, type TileMap, tileKey } from "../store";
import { DIVERGING, tableCache } from "./colormap";
import { paint } from "./paint";
import { createPictures } from "./pictures";
import { contain, type Rect } from "./transform";

export interface Stage {
  /** Draws into the canvas, and the value under the crosshair into the readout, until detached. */
  attach(tile: {
    canvas: HTMLCanvasElement;
    readout: HTMLElement;
    image: number;
    column: number;
  }): () => void;
  close(): void;
}

interface Overlay {
  canvas: OffscreenCanvas;
  context: OffscreenCanvasRenderingContext2D;
  pixels: ImageData;
  words: Uint32Array;
}

interface Drawn {
  readonly canvas: HTMLCanvasElement;
  readonly readout: HTMLElement;
  readonly image: number;
  readonly column: number;
  visible: boolean;
  width: number;
  height: number;
  /** The map at drawing size, and what it was made of. */
  scalars: Float32Array | null;
  source: TileMap | null;
  sign: Sign | null;
  overlay: Overlay | null;
  painted: string;
}

const LEAST = 128;
const MOST = 320;
const side = (length: number | null | undefined) => Math.min(Math.max(length ?? 224, LEAST), MOST);

function createOverlay(width: number, height: number): Overlay {
  const canvas = new OffscreenCanvas(width, height);
  // Kept in memory rather than on the graphics card: it is written as often as it is drawn.
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("this browser draws no 2d canvas");
  const pixels = new ImageData(width, height);
  return { canvas, context, pixels, words: new Uint32Array(pixels.data.buffer) };
}

/** Where a picture lies in a frame of the given size. */
export function frameOf(picture: Picture | undefined, width: number, height: number): Rect {
  return contain(width, height, picture ? picture.width / picture.height : 1);
}

/** Draws every visible tile, at most once per animation frame. */
export function createStage(store: Store): Stage {
  const { traits } = store;
  const tiles = new Map<Element, Drawn>();
  const table = tableCache();
  let frame = 0;

  const schedule = () => {
    if (frame === 0) frame = requestAnimationFrame(draw);
  };
  const pictures = createPictures(schedule);

  const resized = new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries) {
      const tile = tiles.get(target);
      if (tile) Object.assign(tile, { width: contentRect.width, height: contentRect.height });
    }
    schedule();
  });
  const seen = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        const tile = tiles.get(entry.target);
        if (tile) tile.visible = entry.isIntersecting;
        if (tile && !entry.isIntersecting) release(tile);
      }
      schedule();
    },
    { rootMargin: "200px" },
  );

  const release = (tile: Drawn) => {
    tile.canvas.width = 0;
    Object.assign(tile, { scalars: null, source: null, overlay: null, painted: "" });
  };

  const refresh = (tile: Drawn, map: TileMap): OffscreenCanvas => {
    const sign = store.signOf(map);
    const shape = store.welcome.peek()?.inspection.input_shape;
    const [h, w] = map.item.shape;
    const height = side(shape?.[0]);
    const width = side(shape?.[1]);
    if (tile.source !== map || tile.sign !== sign || !tile.scalars) {
      tile.scalars = resize(applySign(map.values, sign), h, w, height, width);
      tile.source = map;
      tile.sign = sign;
      tile.painted = "";
    }
    if (tile.overlay?.canvas.width !== width || tile.overlay.canvas.height !== height) {
      tile.overlay = createOverlay(width, height);
      tile.painted = "";
    }
    const overlay = tile.overlay;
    const diverging = map.item.signed && sign === "signed";
    const name = diverging ? DIVERGING : traits.colormap.peek();
    const scale = store.scopeOf(map);
    const threshold = traits.threshold.peek();
    const painted = `${name} ${scale} ${threshold}`;
    if (tile.painted !== painted) {
      paint(tile.scalars, { table: table(name, diverging), diverging, scale, threshold }, overlay.words);
      overlay.context.putImageData(overlay.pixels, 0, 0);
      tile.painted = painted;
    }
    return overlay.canvas;
  };

  const drawTile = (tile: Drawn) => {
    const context = tile.canvas.getContext("2d");
    const picture = traits._images.peek()[tile.image];
    if (!context || !picture || tile.width === 0) return;
    const density = window.devicePixelRatio || 1;
    const width = Math.round(tile.width * density);
    const height = Math.round(tile.height * density);
    if (tile.canvas.width !== width || tile.canvas.height !== height) {
      tile.canvas.width = width;
      tile.canvas.height = height;
    }
    const { k, x, y } = store.view.peek();
    const rect = frameOf(picture, width, height);
    context.reset();
    context.beginPath();
    context.rect(rect.x, rect.y, rect.width, rect.height);
    context.clip();
    // From here on the picture spans 0..1 in both directions.
    context.translate(rect.x + rect.width * x, rect.y + rect.height * y);
    context.scale(rect.width * k, rect.height * k);
    const bitmap = pictures.get(picture);
    if (bitmap) context.drawImage(bitmap, 0, 0, 1, 1);
    const map = store.answer.peek()?.tiles.get(tileKey(tile.image, tile.column));
    const [left, top, right, bottom] = picture.box;
    if (map) {
      context.globalAlpha = traits.opacity.peek();
      context.drawImage(refresh(tile, map), left, top, right - left, bottom - top);
    }
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalAlpha = 1;
    drawCrosshair(context, rect, density);
    writeReadout(tile, picture, map);
  };

  const drawCrosshair = (context: CanvasRenderingContext2D, rect: Rect, density: number) => {
    const at = store.crosshair.peek();
    if (!at) return;
    const p = store.view.peek().apply(at);
    const x = Math.round(rect.x + rect.width * p.x);
    const y = Math.round(rect.y + rect.height * p.y);
    const line = Math.max(1, Math.round(density));
    context.fillStyle = "rgb(0 0 0 / 0.45)";
    context.fillRect(x - line, rect.y, 3 * line, rect.height);
    context.fillRect(rect.x, y - line, rect.width, 3 * line);
    context.fillStyle = "rgb(255 255 255 / 0.95)";
    context.fillRect(x, rect.y, line, rect.height);
    context.fillRect(rect.x, y, rect.width, line);
  };

  const writeReadout = (tile: Drawn, picture: Picture, map: TileMap | undefined) => {
    const at = store.crosshair.peek();
    tile.readout.hidden = at === null;
    if (!at) return;
    tile.readout.textContent = `${position(at, picture)}  ${map ? valueText(valueAt(at, picture, map)) : "–"}`;
  };

  const draw = () => {
    frame = 0;
    const wanted = new Set<Picture>();
    for (const tile of tiles.values()) {
      if (!tile.visible) continue;
      const picture = traits._images.peek()[tile.image];
      if (picture) wanted.add(picture);
      drawTile(tile);
    }
    pictures.keep(wanted);
  };

  const stop = effect(() => {
    // Reading the signals is what subscribes to them.
    for (const name of ["_images", "sign", "scale", "colormap", "opacity", "threshold"] as const) {
      traits[name].value;
    }
    store.answer.value;
    store.view.value;
    store.crosshair.value;
    store.welcome.value;
    schedule();
  });

  return {
    attach({ canvas, readout, image, column }) {
      tiles.set(canvas, {
        canvas,
        readout,
        image,
        column,
        visible: false,
        width: 0,
        height: 0,
        scalars: null,
        source: null,
        sign: null,
        overlay: null,
        painted: "",
      });
      resized.observe(canvas);
      seen.observe(canvas);
      return () => {
        resized.unobserve(canvas);
        seen.unobserve(canvas);
        tiles.delete(canvas);
      };
    },
    close() {
      stop();
      cancelAnimationFrame(frame);
      resized.disconnect();
      seen.disconnect();
      tiles.clear();
      pictures.keep(new Set());
    },
  };
}

/** The raw value of a map at a point of the picture (fractions); NaN where the model did not look. */
export function valueAt(at: { x: number; y: number }, picture: Picture, map: TileMap): number {
  const [left, top, right, bottom] = picture.box;
  const [h, w] = map.item.shape;
  return sample(map.values, h, w, (at.x - left) / (right - left), (at.y - top) / (bottom - top));
}
