import { effect } from "@preact/signals";
import { type Picture, type Store, type TileMap, tileKey } from "../store";
import { compose, frameOf } from "./compose";
import { type Layers, layersMaker } from "./layers";
import { createPictures } from "./pictures";
import { createReadout } from "./readout";
import { type Rect, whole } from "./transform";

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

interface Drawn {
  readonly canvas: HTMLCanvasElement;
  readonly readout: HTMLElement;
  readonly image: number;
  readonly column: number;
  visible: boolean;
  /** Something has changed since it was drawn. */
  due: boolean;
  /** In pixels of the screen. */
  width: number;
  height: number;
  layers: Layers | null;
  /** What it was drawn from. */
  picture?: Picture;
  map?: TileMap;
}

/** So long tiles are drawn for the first time in one frame; those left wait for the next one. */
const FRESH_MS = 6;

/** Tells of pixels of the screen, also when they alone change, where the browser knows them. */
function observe(observer: ResizeObserver, canvas: Element): void {
  try {
    observer.observe(canvas, { box: "device-pixel-content-box" });
  } catch {
    observer.observe(canvas);
  }
}

/** A length on the screen; what the browser says, unless it takes no notice of an emulated density. */
function screenPixels(length: number, said = Number.NaN): number {
  const pixels = Math.round(length * (window.devicePixelRatio || 1));
  return Math.abs(said - pixels) <= 1 ? said : pixels;
}

/** The whole canvas where no more than a rounded pixel would stay empty. */
function filled(rect: Rect, width: number, height: number): Rect {
  return width - rect.width > 1 || height - rect.height > 1 ? rect : { x: 0, y: 0, width, height };
}

/** Draws every visible tile, at most once per animation frame. */
export function createStage(store: Store): Stage {
  const { traits } = store;
  const tiles = new Map<Element, Drawn>();
  const makeLayers = layersMaker();
  const readout = createReadout(store);
  let frame = 0;

  const schedule = (due: Iterable<Drawn>) => {
    for (const tile of due) tile.due = true;
    if (frame === 0) frame = requestAnimationFrame(draw);
  };
  const pictureOf = (tile: Drawn): Picture | undefined => traits._images.peek()[tile.image];
  const mapOf = (tile: Drawn) => store.answer.peek()?.tiles.get(tileKey(tile.image, tile.column));
  const pictures = createPictures((picture) =>
    schedule([...tiles.values()].filter((tile) => pictureOf(tile) === picture)),
  );

  const resized = new ResizeObserver((entries) => {
    for (const { target, contentRect, devicePixelContentBoxSize } of entries) {
      const tile = tiles.get(target);
      if (!tile) continue;
      const { inlineSize, blockSize } = devicePixelContentBoxSize?.[0] ?? {};
      tile.width = screenPixels(contentRect.width, inlineSize);
      tile.height = screenPixels(contentRect.height, blockSize);
      schedule([tile]);
    }
  });
  const seen = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        const tile = tiles.get(entry.target);
        if (!tile) continue;
        tile.visible = entry.isIntersecting;
        schedule([tile]);
        if (tile.visible) continue;
        tile.canvas.width = 0;
        tile.layers = null;
      }
    },
    // The scroll margin, where there is one, is for tiles that scroll within the grid.
    { rootMargin: "200px", scrollMargin: "200px" } as IntersectionObserverInit,
  );

  const drawTile = (tile: Drawn) => {
    const context = tile.canvas.getContext("2d");
    const picture = pictureOf(tile);
    if (!context || !picture || tile.width === 0) return;
    tile.due = false;
    const bitmap = pictures.get(picture);
    if (bitmap === undefined) return;
    const { width, height } = tile;
    if (tile.canvas.width !== width || tile.canvas.height !== height) {
      tile.canvas.width = width;
      tile.canvas.height = height;
    }
    const rect = filled(whole(frameOf(picture, width, height)), width, height);
    const map = mapOf(tile);
    Object.assign(tile, { picture, map });
    tile.layers ??= makeLayers();
    context.reset();
    compose(context, rect, store, { picture, bitmap, map, layers: tile.layers });
    drawCrosshair(context, rect);
    writeReadout(tile, picture, map);
  };

  const drawCrosshair = (context: CanvasRenderingContext2D, rect: Rect) => {
    const at = store.crosshair.peek();
    if (!at) return;
    const p = store.view.peek().apply(at);
    const x = Math.round(rect.x + rect.width * p.x);
    const y = Math.round(rect.y + rect.height * p.y);
    const line = Math.max(1, Math.round(window.devicePixelRatio));
    context.beginPath();
    context.rect(rect.x, rect.y, rect.width, rect.height);
    context.clip();
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
    tile.readout.textContent = readout(at, picture, map);
  };

  const draw = () => {
    frame = 0;
    let left = FRESH_MS;
    const wanted = new Set<Picture>();
    for (const tile of tiles.values()) {
      if (!tile.visible) continue;
      const picture = pictureOf(tile);
      if (picture) wanted.add(picture);
      if (!tile.due) continue;
      if (tile.layers) {
        drawTile(tile);
      } else if (left > 0) {
        left += performance.now();
        drawTile(tile);
        left -= performance.now();
      } else {
        schedule([tile]);
      }
    }
    pictures.keep(wanted);
  };

  // Reading the signals is what subscribes to them.
  const stopAll = effect(() => {
    for (const name of ["sign", "scale", "colormap", "opacity", "threshold"] as const) {
      traits[name].value;
    }
    store.view.value;
    store.crosshair.value;
    store.limits.value;
    store.cells.value;
    store.pixelated.value;
    store.swipe.value;
    store.welcome.value;
    schedule(tiles.values());
  });
  const stopOwn = effect(() => {
    traits._images.value;
    store.answer.value;
    // On a scale that several share, another map changes all of them.
    const shared = traits.scale.peek() !== "map";
    const changed = (tile: Drawn) => tile.picture !== pictureOf(tile) || tile.map !== mapOf(tile);
    schedule([...tiles.values()].filter((tile) => shared || changed(tile)));
  });

  return {
    attach(tile) {
      const { canvas } = tile;
      tiles.set(canvas, { ...tile, visible: false, due: true, width: 0, height: 0, layers: null });
      observe(resized, canvas);
      seen.observe(canvas);
      return () => {
        resized.unobserve(canvas);
        seen.unobserve(canvas);
        tiles.delete(canvas);
      };
    },
    close() {
      stopAll();
      stopOwn();
      cancelAnimationFrame(frame);
      resized.disconnect();
      seen.disconnect();
      tiles.clear();
      pictures.keep(new Set());
    },
  };
}
