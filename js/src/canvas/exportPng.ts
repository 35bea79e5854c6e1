/** The view as pictures to keep: one tile, or the whole grid, with captions and the colour scale. */

import type { TileMap } from "../kernel/decode";
import type { Column } from "../kernel/protocol";
import { magnitude } from "../math/postprocess";
import { type Rect, whole } from "../math/transform";
import { epochText } from "../state/epochs";
import { percent, value } from "../state/format";
import { columnHeading, targetText } from "../state/labels";
import { layersOf, shownOverlay } from "../state/segmentations";
import { type Picture, pictureAt, type Store, type TilePlace } from "../state/store";
import { decodePicture } from "./bitmapCache";
import {
  type CaptionLine,
  captionOf,
  drawCaption,
  type ExportContext,
  evidenceLines,
  font,
  INK,
  LINE,
  PALE,
  write,
} from "./captions";
import { lookupTable } from "./colormap";
import { compose, frameOf } from "./compose";
import { drawDetections } from "./drawDetections";
import { isBlank, styleOf } from "./drawStyle";
import { drawLegend, legendHeight, legendOf } from "./exportLegend";
import { MapPainter, TileBitmaps } from "./tileBitmaps";

/** The longest side of a tile, at least; where pictures are larger, theirs. */
const TILE = 256;
const LONE_TILE = 512;
const MOST_PIXELS = 32e6;
/** Sizes beside a tile of `TILE`; around larger ones all is larger, up to `LARGEST_UNIT` times. */
const GAP = 12;
const MARGIN = 20;
const BAR = 160;
const LEAST_BAR = 64;
const LEAST_WIDTH = 480;
const LONE_WIDTH = 300;
const LARGEST_UNIT = 1.6;
const NOTE = "rgb(10 12 16 / 0.76)";

function createContext(width: number, height: number): ExportContext {
  const context = new OffscreenCanvas(Math.ceil(width), Math.ceil(height)).getContext("2d");
  if (!context) throw new Error("this browser draws no 2d canvas");
  return context;
}

async function drawTile(context: ExportContext, rect: Rect, store: Store, tile: TilePlace, unit: number) {
  const picture = pictureAt(store, tile);
  if (!picture) return;
  const bitmap = await decodePicture(picture);
  const layers = layersOf(store, tile);
  const inner = frameOf(picture, rect.width, rect.height);
  const placed = { ...inner, x: rect.x + inner.x, y: rect.y + inner.y };
  const bitmaps = new TileBitmaps(new MapPainter());
  const view = store.viewOf(tile.image);
  compose(context, whole(placed), store, { view, picture, bitmap, ...layers, bitmaps });
  bitmap?.close();
  drawDetections(context, whole(placed), store, { image: tile.image, picture, view, unit });
  const { map } = layers;
  if (map && isBlank(store, map)) drawNote(context, rect, map.item.notes[0] ?? "");
}

/** Writes at the foot of a tile why no map is drawn in it. */
function drawNote(context: ExportContext, rect: Rect, note: string): void {
  const line = Math.max(LINE, rect.height / 14);
  context.save();
  context.fillStyle = NOTE;
  context.fillRect(rect.x, rect.y + rect.height - line, rect.width, line);
  context.fillStyle = "#fff";
  context.font = font(line * 0.6);
  write(context, note, rect.x + 6, rect.y + rect.height - line * 0.3, rect.width - 12);
  context.restore();
}

/** A sheet of tiles: what is on it, where, and how large. */
interface Sheet {
  tiles: (TilePlace & Rect & { caption: CaptionLine[] })[];
  /** Each column has a heading of its own. */
  isCompared: boolean;
  width: number;
  /** Where the colour scale lies. */
  foot: number;
  /** How much larger all is than beside a tile of `TILE`. */
  unit: number;
}

interface LayoutOptions {
  /** Of a tile's longest side. */
  leastSide: number;
  /** What was measured of each map is written below it. */
  tellsEvidence: boolean;
}

/**
 * Lays out the columns of some images. Tiles are as large as the pictures, smaller where there are very many; nothing
 * is left free above pictures of one shape.
 */
function layOut(store: Store, images: readonly number[], shown: readonly number[], options: LayoutOptions): Sheet {
  const pictures = images.map((image) => store.traits._images.peek()[image]);
  const isCompared = shown.length > 1;
  const columns = isCompared ? shown.length : Math.min(images.length, Math.ceil(Math.sqrt(images.length * 1.5)));
  const rows = isCompared ? images.length : Math.ceil(images.length / columns);
  const longest = Math.max(options.leastSide, ...pictures.map(({ width, height }) => Math.max(width, height)));
  const size = Math.min(longest, Math.floor(Math.sqrt(MOST_PIXELS / (rows * columns))));
  const scaled = (side: number, { width, height }: Picture) => Math.ceil((size * side) / Math.max(width, height));
  const width = Math.max(...pictures.map((picture) => scaled(picture.width, picture)));
  const unit = Math.min(LARGEST_UNIT, Math.max(1, width / TILE));
  const context = createContext(1, 1);
  const captions = images.map((image) =>
    shown.map((column) => [
      ...captionOf(store, { image, column }, shown),
      ...(options.tellsEvidence ? evidenceLines(context, store, { image, column }, width, unit) : []),
    ]),
  );
  const lines = Math.max(...captions.flat().map(({ length }) => length));
  const [gap, margin, line] = [GAP * unit, MARGIN * unit, LINE * unit];
  const perRow = isCompared ? 1 : columns;
  const heights = Array.from({ length: rows }, (_, row) =>
    Math.max(...pictures.slice(row * perRow, (row + 1) * perRow).map((picture) => scaled(picture.height, picture))),
  );
  const tops = [margin + line + (isCompared ? line : 0)];
  for (const height of heights) tops.push(tops[tops.length - 1] + height + lines * line + gap);
  const tiles = images.flatMap((image, at) => {
    const row = Math.floor(at / perRow);
    return shown.map((column, index) => ({
      ...{ image, column, caption: captions[at][index], width, height: heights[row], y: tops[row] },
      x: margin + (isCompared ? index : at % columns) * (width + gap),
    }));
  });
  const least = (tiles.length > 1 ? LEAST_WIDTH : LONE_WIDTH) * unit;
  const total = Math.max(2 * margin + columns * (width + gap) - gap, least);
  return { tiles, isCompared, width: total, foot: tops[rows], unit };
}

/** What all of some columns have in common: method, layer, class. */
function title(store: Store, columns: readonly Column[]): string {
  const common = (texts: string[]) => (new Set(texts).size === 1 ? texts[0] : "");
  const overlay = shownOverlay(store);
  if (overlay === "prediction") return "Prediction";
  if (overlay === "concepts") return `Concepts · ${store.layerName(store.concepts.peek()?.layer ?? "")}`;
  return [
    epochText(store),
    common(columns.map((column) => column.method_title)),
    common(columns.map((column) => (column.layer ? store.layerName(column.layer) : "the input"))),
    common(columns.map((column) => targetText(store, column.target))),
    overlay === "both" && "outlined: the prediction",
  ]
    .filter(Boolean)
    .join(" · ");
}

/** The percentile at which the colours of maps without a zero begin. */
const QUARTILE = 25;

/** What an end of the colour table stands for: a number, or a part of what differs from map to map. */
function endText(store: Store, maps: readonly TileMap[], part: number): string {
  const { base, scale } = styleOf(store, maps[0]);
  const { clip, origin, sign } = store.displayOf(maps[0]);
  const isLow = part === 0;
  const isClipped = maps.some((map) => magnitude(map.extent, sign) > store.endsOf(map).high);
  if (maps.length === 1 || store.traits.scale.peek() === "all") {
    return `${value(base + part * scale)}${part > 0 && isClipped ? `, the ${clip}th percentile` : ""}`;
  }
  if (isLow && origin === "zero") return "0";
  const whose = store.traits.scale.peek() === "image" ? "each image" : "each map";
  const percentile = isLow ? QUARTILE : clip;
  const end = isLow || isClipped ? `the ${percentile}th percentile of ${whose}` : `the maximum of ${whose}`;
  const size = isLow || Math.abs(part) === 1 ? "" : `${percent(Math.abs(part))} of `;
  return `${part < 0 ? "− " : ""}${size}${end}`;
}

/** The colour table with what its ends stand for. */
function drawBar(context: ExportContext, store: Store, maps: readonly TileMap[], { width, foot, unit }: Sheet): void {
  const style = styleOf(store, maps[0]);
  const [low, high] = [style.low, style.high].map((part) => endText(store, maps, part));
  const ramp = new ImageData(256, 1);
  new Uint32Array(ramp.data.buffer).set(lookupTable(style.table));
  const strip = createContext(256, 1);
  strip.putImageData(ramp, 0, 0);
  const [start, y] = [MARGIN * unit, foot + 10 * unit];
  context.font = font(13 * unit);
  context.fillStyle = PALE;
  const space = 8 * unit;
  const free = width - 2 * (start + space);
  const [before, after] = [low, high].map((text) => context.measureText(text).width);
  // Narrow pictures have a shorter bar; then what its ends stand for is shortened.
  const bar = Math.max(LEAST_BAR * unit, Math.min(BAR * unit, free - before - after));
  const lowWidth = Math.min(before, (free - bar) / 2);
  write(context, low, start, y, lowWidth);
  const left = start + lowWidth + space;
  context.drawImage(strip.canvas, left, foot, bar, 12 * unit);
  write(context, high, left + bar + space, y, free - lowWidth - bar);
}

/** Draws a sheet, on white. */
async function drawSheet(store: Store, sheet: Sheet): Promise<Blob> {
  const { tiles, isCompared, width, foot, unit } = sheet;
  const margin = MARGIN * unit;
  const images = tiles.map(({ image }) => image);
  const legend = legendOf(createContext(1, 1), store, images, width - 2 * margin, unit);
  const context = createContext(width, foot + (LINE + MARGIN) * unit + legendHeight(legend, unit));
  const { canvas } = context;
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = INK;
  context.font = font(14 * unit, 600);
  const columns = (store.answer.peek()?.columns ?? []).filter((_, at) => tiles.some(({ column }) => column === at));
  write(context, title(store, columns), margin, margin + 10 * unit, canvas.width - 2 * margin);
  for (const [index, tile] of tiles.entries()) {
    const { x, y, column } = tile;
    if (isCompared && index === column) {
      context.font = font(13 * unit, 600);
      context.fillStyle = INK;
      write(context, columnHeading(store, column), x, y - 8 * unit, tile.width);
    }
    await drawTile(context, tile, store, tile, unit);
    drawCaption(context, tile.caption, tile, unit);
  }
  drawLegend(context, legend, { x: margin, y: foot }, unit);
  const maps = tiles.map((tile) => layersOf(store, tile).map).filter((map) => map !== undefined);
  if (maps.length > 0) drawBar(context, store, maps, { ...sheet, foot: foot + legendHeight(legend, unit) });
  return canvas.convertToBlob({ type: "image/png" });
}

/** A tile as it is seen, at least 512 pixels long. */
export async function tilePng(store: Store, tile: TilePlace, tellsEvidence: boolean): Promise<Blob> {
  if (!store.traits._images.peek()[tile.image]) {
    throw new Error("The picture of the chosen tile is not here: scroll to it first.");
  }
  return drawSheet(store, layOut(store, [tile.image], [tile.column], { leastSide: LONE_TILE, tellsEvidence }));
}

/** All tiles; of a stored data set, those whose pictures are here. */
export async function gridPng(store: Store, tellsEvidence: boolean): Promise<Blob> {
  const images = store.rows.peek().filter((image) => store.traits._images.peek()[image]);
  if (images.length === 0) throw new Error("No picture is here: scroll to some, or show all images.");
  const columns = store.answer.peek()?.columns.map((_, column) => column) ?? [];
  return drawSheet(
    store,
    layOut(store, images, columns.length > 0 ? columns : [0], { leastSide: TILE, tellsEvidence }),
  );
}
