/** The view as pictures to keep: one tile, or the whole grid with its captions. */

import type { TileMap } from "../kernel/decode";
import { type Rect, whole } from "../math/transform";
import { percent, value } from "../state/format";
import { columnHeading, explainedText, imageName, targetText, verdict } from "../state/labels";
import { mapOf, type Store, type TilePlace } from "../state/store";
import { decodePicture } from "./bitmapCache";
import { lookupTable } from "./colormap";
import { compose, frameOf } from "./compose";
import { isBlank, styleOf } from "./drawStyle";
import { MapPainter, TileBitmaps } from "./tileBitmaps";

const TILE = 256;
const GAP = 12;
const LINE = 20;
const MARGIN = 20;
const MOST_PIXELS = 32e6;
const INK = "#1d2330";
const PALE = "#5f677a";
const NOTE = "rgb(10 12 16 / 0.76)";
const BAR = 160;

type ExportContext = OffscreenCanvasRenderingContext2D;

const font = (size: number, weight = 400) => `${weight} ${size}px system-ui, "Segoe UI", sans-serif`;

function createContext(width: number, height: number): ExportContext {
  const context = new OffscreenCanvas(Math.ceil(width), Math.ceil(height)).getContext("2d");
  if (!context) throw new Error("this browser draws no 2d canvas");
  return context;
}

/** Writes into a width, with an ellipsis where the text is longer. */
function write(
  context: ExportContext,
  text: string,
  x: number,
  y: number,
  width: number,
  align: CanvasTextAlign = "left",
) {
  let shown = text;
  while (shown.length > 1 && context.measureText(shown).width > width) shown = `${shown.slice(0, -2)}…`;
  context.textAlign = align;
  context.fillText(shown, align === "right" ? x + width : x, y);
}

async function drawTile(context: ExportContext, rect: Rect, store: Store, tile: TilePlace): Promise<void> {
  const picture = store.traits._images.peek()[tile.image];
  if (!picture) return;
  const bitmap = await decodePicture(picture);
  const map = mapOf(store, tile);
  const inner = frameOf(picture, rect.width, rect.height);
  const placed = { ...inner, x: rect.x + inner.x, y: rect.y + inner.y };
  compose(context, whole(placed), store, { picture, bitmap, map, bitmaps: new TileBitmaps(new MapPainter()) });
  bitmap?.close();
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

/** A tile as it is seen, at least 512 pixels long. */
export async function tilePng(store: Store, tile: TilePlace): Promise<Blob> {
  const picture = store.traits._images.peek()[tile.image];
  if (!picture) throw new Error("The picture of the chosen tile is not here: scroll to it first.");
  const { width, height } = picture;
  const factor = Math.max(1, 512 / Math.max(width, height));
  const context = createContext(width * factor, height * factor);
  const { canvas } = context;
  await drawTile(context, { x: 0, y: 0, width: canvas.width, height: canvas.height }, store, tile);
  return canvas.convertToBlob({ type: "image/png" });
}

/** What all columns have in common: method, layer, class. */
function title(store: Store): string {
  const columns = store.answer.peek()?.columns ?? [];
  const common = (texts: string[]) => (new Set(texts).size === 1 ? texts[0] : "");
  return [
    common(columns.map((column) => column.method_title)),
    common(columns.map((column) => (column.layer ? store.layerName(column.layer) : "the input"))),
    common(columns.map((column) => targetText(store, column.target))),
  ]
    .filter(Boolean)
    .join(" · ");
}

/** The colour table with what its ends stand for. */
function drawBar(context: ExportContext, store: Store, map: TileMap, x: number, y: number): void {
  const style = styleOf(store, map);
  const scale = store.traits.scale.peek();
  const end = (part: number) => {
    if (scale === "all" || part === 0) return value(part * style.scale);
    return `${percent(part)} of the largest of the ${scale}`;
  };
  const [low, high] = [end(style.low), end(style.high)];
  const ramp = new ImageData(256, 1);
  new Uint32Array(ramp.data.buffer).set(lookupTable(style.table));
  const strip = createContext(256, 1);
  strip.putImageData(ramp, 0, 0);
  context.fillText(low, x, y + 10);
  const start = x + context.measureText(low).width + 8;
  context.drawImage(strip.canvas, start, y, BAR, 12);
  context.fillText(high, start + BAR + 8, y + 10);
}

/** Where the tiles of the grid lie; smaller ones where there are very many. */
function layOut(store: Store) {
  // Of a stored data set, only some pictures are here.
  const images = store.rows.peek().filter((image) => store.traits._images.peek()[image]);
  const compared = Math.max(1, store.answer.peek()?.columns.length ?? 1);
  const isCompared = compared > 1;
  const columns = isCompared ? compared : Math.min(images.length, Math.ceil(Math.sqrt(images.length * 1.5)));
  const rows = isCompared ? images.length : Math.ceil(images.length / columns);
  const size = Math.min(TILE, Math.floor(Math.sqrt(MOST_PIXELS / (rows * columns))));
  const head = MARGIN + LINE + (isCompared ? LINE : 0);
  const lines = store.facts.peek().labels.length > 0 ? 3 : 2;
  const pitch = size + lines * LINE + GAP;
  const tiles = images.flatMap((image, at) =>
    Array.from({ length: compared }, (_, column) => ({
      ...{ image, column },
      x: MARGIN + (isCompared ? column : at % columns) * (size + GAP),
      y: head + (isCompared ? at : Math.floor(at / columns)) * pitch,
    })),
  );
  const width = Math.max(2 * MARGIN + columns * (size + GAP) - GAP, 2 * MARGIN + 2 * TILE);
  return { tiles, size, isCompared, width, foot: head + rows * pitch };
}

/** Writes class, probability and, in the first column, what the picture shows, below a tile. */
function drawCaption(
  context: ExportContext,
  store: Store,
  tile: TilePlace & { x: number; y: number },
  size: number,
): void {
  const { x, image, column } = tile;
  const y = tile.y + size + 16;
  const item = mapOf(store, tile)?.item;
  context.font = font(13);
  context.fillStyle = PALE;
  const figure = item?.probability == null ? "" : percent(item.probability);
  write(context, figure, x, y, size, "right");
  const lines = column === 0 ? [imageName(store, image), verdict(store, image, item?.target)] : [];
  for (const [line, text] of lines.entries()) write(context, text, x, y + (LINE - 4) * (line + 1), size);
  context.fillStyle = INK;
  write(context, item ? explainedText(store, item) : "", x, y, size - context.measureText(figure).width - 8);
}

/** All tiles with their captions, on white. */
export async function gridPng(store: Store): Promise<Blob> {
  const { tiles, size, isCompared, width, foot } = layOut(store);
  const context = createContext(width, foot + LINE + MARGIN);
  const { canvas } = context;
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = INK;
  context.font = font(14, 600);
  write(context, title(store), MARGIN, MARGIN + 10, canvas.width - 2 * MARGIN);

  for (const [index, tile] of tiles.entries()) {
    const { x, y, column } = tile;
    if (isCompared && index === column) {
      context.font = font(13, 600);
      write(context, columnHeading(store, column), x, y - 8, size);
    }
    await drawTile(context, { x, y, width: size, height: size }, store, tile);
    drawCaption(context, store, tile, size);
  }
  const first = store.answer.peek()?.tiles.values().next().value;
  context.textAlign = "left";
  context.fillStyle = PALE;
  if (first) drawBar(context, store, first, MARGIN, foot);
  return canvas.convertToBlob({ type: "image/png" });
}
