/** The view as pictures to keep: one tile, or the whole grid with its captions. */

import { percent, value } from "../format";
import { columnHeading, imageName, targetText, verdict } from "../naming";
import { focusedImage, layerName, type Store, type TileMap, tileKey } from "../store";
import { lookupTable } from "./colormap";
import { compose, frameOf } from "./compose";
import { layersMaker } from "./layers";
import { isSilent, lookOf } from "./overlay";
import { decodePicture } from "./pictures";
import { type Rect, whole } from "./transform";

const TILE = 256;
const GAP = 12;
const LINE = 20;
const MARGIN = 20;
const MOST_PIXELS = 32e6;
const INK = "#1d2330";
const PALE = "#5f677a";
const NOTE = "rgb(10 12 16 / 0.76)";
const BAR = 160;

type Context = OffscreenCanvasRenderingContext2D;

/** The tile that was chosen last. */
export function chosenTile(store: Store): { image: number; column: number } {
  const columns = store.answer.value?.columns.length ?? 1;
  return { image: focusedImage(store), column: Math.min(store.chosenColumn.value, Math.max(columns, 1) - 1) };
}

function canvasOf(width: number, height: number): Context {
  const context = new OffscreenCanvas(Math.ceil(width), Math.ceil(height)).getContext("2d");
  if (!context) throw new Error("this browser draws no 2d canvas");
  return context;
}

async function drawTile(context: Context, rect: Rect, store: Store, image: number, column: number) {
  const picture = store.traits._images.peek()[image];
  if (!picture) return;
  const bitmap = await decodePicture(picture);
  const map = store.answer.peek()?.tiles.get(tileKey(image, column));
  const inner = frameOf(picture, rect.width, rect.height);
  const placed = { ...inner, x: rect.x + inner.x, y: rect.y + inner.y };
  compose(context, whole(placed), store, { picture, bitmap, map, layers: layersMaker()() });
  bitmap?.close();
  if (map && isSilent(store, map)) drawNote(context, rect, map.item.notes[0] ?? "");
}

/** Says at the foot of a tile why no map is drawn in it. */
function drawNote(context: Context, rect: Rect, note: string): void {
  const line = Math.max(LINE, rect.height / 14);
  context.save();
  context.fillStyle = NOTE;
  context.fillRect(rect.x, rect.y + rect.height - line, rect.width, line);
  context.fillStyle = "#fff";
  context.font = font(line * 0.6);
  write(context, note, rect.x + 6, rect.y + rect.height - line * 0.3, rect.width - 12, "left");
  context.restore();
}

/** A tile as it is seen, at least 512 pixels long. */
export async function tilePicture(store: Store, tile: { image: number; column: number }): Promise<Blob> {
  const picture = store.traits._images.peek()[tile.image];
  if (!picture) throw new Error("The picture of the chosen tile is not here: scroll to it first.");
  const { width, height } = picture;
  const factor = Math.max(1, 512 / Math.max(width, height));
  const context = canvasOf(width * factor, height * factor);
  await drawTile(
    context,
    { x: 0, y: 0, width: context.canvas.width, height: context.canvas.height },
    store,
    tile.image,
    tile.column,
  );
  return context.canvas.convertToBlob({ type: "image/png" });
}

/** Writes into a width, with an ellipsis where the text is longer. */
function write(context: Context, text: string, x: number, y: number, width: number, align: CanvasTextAlign) {
  let shown = text;
  while (shown.length > 1 && context.measureText(shown).width > width) shown = `${shown.slice(0, -2)}…`;
  context.textAlign = align;
  context.fillText(shown, align === "right" ? x + width : x, y);
}

const font = (size: number, weight = 400) => `${weight} ${size}px system-ui, "Segoe UI", sans-serif`;

function title(store: Store): string {
  const columns = store.answer.peek()?.columns ?? [];
  const common = (texts: string[]) => (new Set(texts).size === 1 ? texts[0] : "");
  return [
    common(columns.map((column) => column.method_title)),
    common(columns.map((column) => (column.layer ? layerName(store, column.layer) : "the input"))),
    common(columns.map((column) => targetText(column.target, store.welcome.peek()?.class_names ?? []))),
  ]
    .filter(Boolean)
    .join(" · ");
}

/** The colour table with what its ends stand for. */
function drawBar(context: Context, store: Store, map: TileMap, x: number, y: number): void {
  const look = lookOf(store, map);
  const scope = store.traits.scale.peek();
  const end = (part: number) => {
    if (scope === "all" || part === 0) return value(part * look.scale);
    return `${percent(part)} of the largest of the ${scope}`;
  };
  const [low, high] = [end(look.low), end(look.high)];
  const ramp = new ImageData(256, 1);
  new Uint32Array(ramp.data.buffer).set(lookupTable(look.table));
  const strip = canvasOf(256, 1);
  strip.putImageData(ramp, 0, 0);
  context.fillText(low, x, y + 10);
  const start = x + context.measureText(low).width + 8;
  context.drawImage(strip.canvas, start, y, BAR, 12);
  context.fillText(high, start + BAR + 8, y + 10);
}

/** All tiles with their captions, on white; smaller where there are very many. */
export async function gridPicture(store: Store): Promise<Blob> {
  // Of a store, those that are here.
  const images = store.rows.peek().filter((image) => store.traits._images.peek()[image]);
  const answer = store.answer.peek();
  const compared = Math.max(1, answer?.columns.length ?? 1);
  const columns =
    compared > 1 ? compared : Math.min(images.length, Math.ceil(Math.sqrt(images.length * 1.5)));
  const rows = compared > 1 ? images.length : Math.ceil(images.length / columns);
  const size = Math.min(TILE, Math.floor(Math.sqrt(MOST_PIXELS / (rows * columns))));
  const head = MARGIN + LINE + (compared > 1 ? LINE : 0);
  const lines = store.known.peek().labels.length > 0 ? 3 : 2;
  const pitch = size + lines * LINE + GAP;
  const width = 2 * MARGIN + columns * (size + GAP) - GAP;
  const context = canvasOf(Math.max(width, 2 * MARGIN + 2 * TILE), head + rows * pitch + LINE + MARGIN);
  context.fillStyle = "#fff";
  context.fillRect(0, 0, context.canvas.width, context.canvas.height);
  context.fillStyle = INK;
  context.font = font(14, 600);
  write(context, title(store), MARGIN, MARGIN + 10, context.canvas.width - 2 * MARGIN, "left");

  for (const [at, image] of images.entries()) {
    for (let column = 0; column < compared; column++) {
      const place = compared > 1 ? column : at % columns;
      const row = compared > 1 ? at : Math.floor(at / columns);
      const x = MARGIN + place * (size + GAP);
      const y = head + row * pitch;
      if (compared > 1 && at === 0) {
        context.font = font(13, 600);
        write(context, columnHeading(store, column), x, y - 8, size, "left");
      }
      await drawTile(context, { x, y, width: size, height: size }, store, image, column);
      const map = answer?.tiles.get(tileKey(image, column));
      context.font = font(13);
      context.fillStyle = PALE;
      const figure = map?.item.probability == null ? "" : percent(map.item.probability);
      write(context, figure, x, y + size + 16, size, "right");
      const about = column === 0 ? [imageName(store, image), verdict(store, image, map?.item.target)] : [];
      for (const [line, text] of about.entries())
        write(context, text, x, y + size + 16 + (LINE - 4) * (line + 1), size, "left");
      context.fillStyle = INK;
      const room = size - context.measureText(figure).width - 8;
      write(context, map?.item.target_name ?? "", x, y + size + 16, room, "left");
    }
  }
  const first = answer?.tiles.values().next().value;
  context.textAlign = "left";
  context.fillStyle = PALE;
  if (first) drawBar(context, store, first, MARGIN, head + rows * pitch);
  return context.canvas.convertToBlob({ type: "image/png" });
}
