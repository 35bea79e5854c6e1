/** Draws every visible tile, at most once per animation frame. */

import { effect, type ReadonlySignal } from "@preact/signals";
import type { TileMap } from "../kernel/decode";
import type { RegionRecord } from "../kernel/protocol";
import type { LabelMap } from "../kernel/segmentation";
import { type Point, type Rect, type Transform, whole } from "../math/transform";
import { partOfMap } from "../state/crops";
import { drawnRegion, regionOf } from "../state/regions";
import { layersOf } from "../state/segmentations";
import {
  DRAWING,
  type ImageCrop,
  mapOf,
  originalSize,
  type Picture,
  pictureAt,
  type Store,
  type TilePlace,
} from "../state/store";
import { BitmapCache, type EncodedPicture } from "./bitmapCache";
import { compose, type Detail, frameOf } from "./compose";
import type { MaskOverlay } from "./maskOverlay";
import { createReadout } from "./readout";
import { drawRegion } from "./regionOutline";
import { MapPainter, TileBitmaps } from "./tileBitmaps";

interface TileElements extends TilePlace {
  canvas: HTMLCanvasElement;
  /** Where the value under the crosshair is written. */
  readout: HTMLElement;
  /** A zoom of its own, to the pixels of the original, of which crops are drawn. */
  ownView?: ReadonlySignal<Transform>;
  /** Shows the picture without its map. */
  isBare?: ReadonlySignal<boolean>;
  /** What is painted on the picture. */
  overlay?: MaskOverlay;
}

interface TileState extends Readonly<TileElements> {
  visible: boolean;
  /** A box is being drawn on it. */
  isPicked: boolean;
  /** Something has changed since it was drawn. */
  dirty: boolean;
  /** In pixels of the screen. */
  width: number;
  height: number;
  bitmaps: TileBitmaps | null;
  /** What it was drawn from. */
  picture?: Picture;
  map?: TileMap;
  segmentation?: LabelMap;
  crop?: ImageCrop;
  view?: Transform;
  crosshair?: Point | null;
  region?: RegionRecord;
}

/** Pixels of the screen from which on one of the original is drawn as a square. */
const SQUARE = 2;

/** Milliseconds in a frame for tiles that are drawn for the first time; those left wait for the next frame. */
const FRESH_MS = 6;

/** Reports changes in pixels of the screen, also when they alone change, where the browser can. */
function observe(observer: ResizeObserver, canvas: Element): void {
  try {
    observer.observe(canvas, { box: "device-pixel-content-box" });
  } catch {
    observer.observe(canvas);
  }
}

/** A length on the screen: what the browser reports, unless it ignores an emulated density. */
function screenPixels(length: number, reported = Number.NaN): number {
  const pixels = Math.round(length * (window.devicePixelRatio || 1));
  return Math.abs(reported - pixels) <= 1 ? reported : pixels;
}

/** The rectangle, stretched to the whole canvas where rounding alone left a pixel of it empty. */
function filled(rect: Rect, width: number, height: number): Rect {
  return width - rect.width > 1 || height - rect.height > 1 ? rect : { x: 0, y: 0, width, height };
}

function drawCrosshair(context: CanvasRenderingContext2D, rect: Rect, at: Point): void {
  const x = Math.round(rect.x + rect.width * at.x);
  const y = Math.round(rect.y + rect.height * at.y);
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
}

export class Stage {
  private readonly tiles = new Map<Element, TileState>();
  private readonly painter = new MapPainter();
  private readonly readout;
  private readonly bitmapCache;
  private readonly resizes;
  private readonly intersections;
  private readonly stops: (() => void)[];
  private frame = 0;

  constructor(private readonly store: Store) {
    this.readout = createReadout(store);
    this.bitmapCache = new BitmapCache((picture) =>
      this.schedule((tile) => this.pictureOf(tile) === picture || this.cropOf(tile) === picture),
    );
    this.resizes = new ResizeObserver((entries) => this.resize(entries));
    // The scroll margin, where there is one, is for tiles that scroll within the grid.
    const margins = { rootMargin: "200px", scrollMargin: "200px" } as IntersectionObserverInit;
    this.intersections = new IntersectionObserver((entries) => this.intersect(entries), margins);
    this.stops = [
      effect(() => this.watchDrawing()),
      effect(() => this.watchPointer()),
      effect(() => this.watchContent()),
      effect(() => this.watchRegions()),
      effect(() => this.watchConcepts()),
      effect(() => this.watchCrop()),
    ];
  }

  /** Draws into the canvas, and the value under the crosshair into the readout, until detached. */
  attach(tile: TileElements): () => void {
    const { canvas } = tile;
    this.tiles.set(canvas, {
      ...tile,
      visible: false,
      isPicked: false,
      dirty: true,
      width: 0,
      height: 0,
      bitmaps: null,
    });
    observe(this.resizes, canvas);
    this.intersections.observe(canvas);
    const stop = effect(() => {
      for (const signal of [tile.ownView, tile.isBare]) signal?.value;
      tile.overlay?.watch();
      this.schedule((each) => each.canvas === canvas);
    });
    return () => {
      stop();
      this.resizes.unobserve(canvas);
      this.intersections.unobserve(canvas);
      this.tiles.delete(canvas);
    };
  }

  close(): void {
    for (const stop of this.stops) stop();
    cancelAnimationFrame(this.frame);
    this.resizes.disconnect();
    this.intersections.disconnect();
    this.tiles.clear();
    this.bitmapCache.keep(new Set());
  }

  private pictureOf(tile: TilePlace): Picture | undefined {
    return pictureAt(this.store, tile);
  }

  private viewOf({ ownView, image }: TileElements): Transform {
    return ownView?.peek() ?? this.store.viewOf(image);
  }

  /** The newest crop of a tile's picture. */
  private cropOf(tile: TileState): ImageCrop | undefined {
    const crop = this.store.crop.peek();
    const isWhole = this.pictureOf(tile) === this.store.traits._images.peek()[tile.image];
    return tile.ownView && crop?.image === tile.image && isWhole && !crop.problem ? crop : undefined;
  }

  /** Everything that changes how all tiles are drawn; reading a signal subscribes to it. */
  private watchDrawing(): void {
    const { traits, constants, borders } = this.store;
    for (const name of DRAWING) traits[name].value;
    for (const signal of [constants, borders]) signal.value;
    this.schedule(() => true);
  }

  private watchPointer(): void {
    const { store } = this;
    for (const signal of [store.view, store.zoomed, store.linked, store.crosshair, store.focus]) signal.value;
    this.schedule((tile) => tile.view !== this.viewOf(tile) || tile.crosshair !== store.crosshairOf(tile.image));
  }

  private watchContent(): void {
    const { traits, answer, segmentations, showsDifference } = this.store;
    for (const signal of [traits._images, answer, segmentations, showsDifference]) signal.value;
    // On a scale that several share, another map changes all of them.
    const isShared = traits.scale.peek() !== "map";
    this.schedule(
      (tile) =>
        isShared ||
        tile.picture !== this.pictureOf(tile) ||
        tile.map !== mapOf(this.store, tile) ||
        tile.segmentation !== layersOf(this.store, tile).segmentation,
    );
  }

  private watchConcepts(): void {
    for (const signal of [this.store.concepts, this.store.conceptAlone]) signal.value;
    this.schedule(() => true);
  }

  private watchRegions(): void {
    const { regionPicker, traits } = this.store;
    const image = regionPicker.corners.value?.image;
    const regions = traits.regions.value;
    this.schedule((tile) => tile.isPicked || tile.image === image || tile.region !== regionOf(regions, tile.image));
  }

  private watchCrop(): void {
    if (this.store.crop.value) this.schedule(({ ownView }) => ownView !== undefined);
  }

  private schedule(isDirty: (tile: TileState) => boolean): void {
    for (const tile of this.tiles.values()) if (isDirty(tile)) tile.dirty = true;
    if (this.frame === 0) this.frame = requestAnimationFrame(() => this.draw());
  }

  private resize(entries: ResizeObserverEntry[]): void {
    for (const { target, contentRect, devicePixelContentBoxSize } of entries) {
      const tile = this.tiles.get(target);
      if (!tile) continue;
      const { inlineSize, blockSize } = devicePixelContentBoxSize?.[0] ?? {};
      tile.width = screenPixels(contentRect.width, inlineSize);
      tile.height = screenPixels(contentRect.height, blockSize);
      this.schedule((each) => each === tile);
    }
  }

  private intersect(entries: IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      const tile = this.tiles.get(target);
      if (!tile) continue;
      tile.visible = isIntersecting;
      this.schedule((each) => each === tile);
      if (isIntersecting) continue;
      tile.canvas.width = 0;
      tile.bitmaps = null;
    }
  }

  private draw(): void {
    this.frame = 0;
    let left = FRESH_MS;
    const pictures = new Set<EncodedPicture>();
    for (const tile of this.tiles.values()) {
      if (!tile.visible) continue;
      const picture = this.pictureOf(tile);
      if (picture) pictures.add(picture);
      for (const crop of [this.cropOf(tile), tile.crop]) if (crop) pictures.add(crop);
      if (!tile.dirty) continue;
      if (tile.bitmaps) {
        this.drawTile(tile);
      } else if (left > 0) {
        left += performance.now();
        this.drawTile(tile);
        left -= performance.now();
      } else {
        this.schedule((each) => each === tile);
      }
    }
    this.bitmapCache.keep(pictures);
  }

  private drawTile(tile: TileState): void {
    const { canvas, width, height } = tile;
    const context = canvas.getContext("2d");
    const picture = this.pictureOf(tile);
    if (!context || !picture || width === 0) return;
    tile.dirty = false;
    const bitmap = this.bitmapCache.get(picture);
    if (bitmap === undefined) return;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const rect = filled(whole(frameOf(picture, width, height)), width, height);
    const map = mapOf(this.store, tile);
    const [view, at] = [this.viewOf(tile), this.store.crosshairOf(tile.image)];
    const layers = layersOf(this.store, tile);
    Object.assign(tile, { picture, map, segmentation: layers.segmentation, view, crosshair: at });
    tile.bitmaps ??= new TileBitmaps(this.painter);
    context.reset();
    const detail = tile.ownView ? this.detailOf(tile, picture, bitmap, rect.width * view.k) : null;
    const hasPart = tile.ownView && map && !map.isDifference;
    const part = hasPart ? partOfMap(tile.crop, this.store.answer.peek()?.gen, tile.column) : null;
    compose(context, rect, this.store, {
      view,
      picture,
      bitmap,
      ...(tile.isBare?.peek() ? { map: undefined } : layers),
      bitmaps: tile.bitmaps,
      detail,
      part,
    });
    this.drawRegionOf(tile, context, rect);
    tile.overlay?.draw(context, rect, view, picture);
    tile.readout.hidden = at === null;
    if (!at) return;
    drawCrosshair(context, rect, view.apply(at));
    tile.readout.textContent = this.readout(at, picture, map, layers.segmentation, part);
  }

  /** The places that a map explains, and the corners that are being chosen. */
  private drawRegionOf(tile: TileState, context: CanvasRenderingContext2D, rect: Rect): void {
    const { picture, map, view, crosshair } = tile;
    if (!picture || !view) return;
    const { regionPicker, traits } = this.store;
    const corners = regionPicker.corners.peek();
    tile.isPicked = corners?.image === tile.image;
    tile.region = regionOf(traits.regions.peek(), tile.image);
    const points = tile.isPicked ? [...(corners?.points ?? []), ...(crosshair ? [crosshair] : [])] : [];
    drawRegion(context, rect, view, picture, drawnRegion(tile.region, map?.item.region), points);
  }

  /** What there is of a tile's original, whose whole width takes so many pixels of the screen. */
  private detailOf(tile: TileState, picture: Picture, preview: ImageBitmap | null, width: number): Detail | null {
    const size = originalSize(picture).width;
    const pixelated = width >= SQUARE * size;
    if (size === picture.width) return preview && pixelated ? { bitmap: preview, box: [0, 0, 1, 1], pixelated } : null;
    const newest = this.cropOf(tile);
    // Until a crop is decoded, the one before it stays.
    if (!newest || this.bitmapCache.get(newest)) tile.crop = newest;
    const bitmap = tile.crop && this.bitmapCache.get(tile.crop);
    return tile.crop && bitmap ? { bitmap, box: tile.crop.box, pixelated } : null;
  }
}
