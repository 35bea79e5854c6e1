/** The bitmaps that a tile is drawn from: scaling a picture in every frame would cost far more than copying it. */

import type { MapDetail, TileMap } from "../kernel/decode";
import { applySign, resize, type Sign } from "../math/postprocess";
import type { Rect } from "../math/transform";
import { drawBorders, type MapCells } from "./borders";
import { lookupTable, overlayTable } from "./colormap";
import { ConceptBitmaps } from "./conceptBitmaps";
import type { DrawStyle } from "./drawStyle";
import { MemoCanvas } from "./memoCanvas";
import { paint, trace } from "./paint";
import { SegmentationBitmaps } from "./segmentationBitmaps";

/** As in `kx_widget/engine/drawing.py`. */
const SHADE = "rgb(0 0 0 / 0.2)";

export type Bitmap = ImageBitmap | OffscreenCanvas;

/** Pixels of the longest side of a bitmap that is kept at its size on the screen; larger ones are scaled when drawn. */
const LARGEST = 448;

/** Takes the colours out, and a little light, so that the palest colours of a map are seen on white. */
function desaturate(context: OffscreenCanvasRenderingContext2D): void {
  const { width, height } = context.canvas;
  context.globalCompositeOperation = "saturation";
  context.fillStyle = "#808080";
  context.fillRect(0, 0, width, height);
  context.globalCompositeOperation = "source-over";
  context.fillStyle = SHADE;
  context.fillRect(0, 0, width, height);
}

function grayOf(bitmap: ImageBitmap, canvas: MemoCanvas): OffscreenCanvas {
  const { width, height } = bitmap;
  return canvas.show(width, height, [bitmap], (context) => {
    context.reset();
    context.drawImage(bitmap, 0, 0, width, height);
    desaturate(context);
  });
}

/** Paints maps; the tiles of a view share its colour tables and its room for pixels. */
export class MapPainter {
  private readonly tables = new Map<string, Uint32Array>();
  private pixels = new ImageData(1, 1);

  /** Draws values as large as the canvas is; `map` is what they were made of. */
  paint(context: OffscreenCanvasRenderingContext2D, scalars: Float32Array, style: DrawStyle, map: MapCells): void {
    const { width, height } = context.canvas;
    if (this.pixels.height !== height || this.pixels.width !== width) this.pixels = new ImageData(width, height);
    const isTraced = style.style === "contours";
    const key = `${style.table} ${style.diverging} ${isTraced}`;
    const table =
      this.tables.get(key) ?? (isTraced ? lookupTable(style.table) : overlayTable(style.table, style.diverging));
    this.tables.set(key, table);
    const out = new Uint32Array(this.pixels.data.buffer);
    if (isTraced) trace(scalars, width, { ...style, table }, out);
    else paint(scalars, { ...style, table }, out);
    if (style.borders) drawBorders(map, width, height, out);
    context.putImageData(this.pixels, 0, 0);
  }
}

/** The bitmaps of one tile. */
export class TileBitmaps {
  private readonly scaledPicture = new MemoCanvas();
  private readonly scaledGray = new MemoCanvas();
  private readonly wholeGray = new MemoCanvas();
  private readonly detailGray = new MemoCanvas();
  // Kept in memory rather than on the graphics card: it is written as often as it is drawn.
  private readonly map = new MemoCanvas({ willReadFrequently: true });
  private readonly mapPart = new MemoCanvas();
  private readonly merged = new MemoCanvas();
  readonly segmentation = new SegmentationBitmaps();
  readonly concepts = new ConceptBitmaps();
  /** The map at the size of its bitmap, by sign. */
  private readonly scalars = new Map<Sign, Float32Array>();
  private scalarsOf: readonly unknown[] = [];

  constructor(private readonly painter: MapPainter) {}

  /** The picture as it is, or without its colours. */
  picture = (bitmap: ImageBitmap, gray: boolean): Bitmap => (gray ? grayOf(bitmap, this.wholeGray) : bitmap);

  /** A part of the picture at a higher resolution, as it is or without its colours. */
  detail = (bitmap: ImageBitmap, gray: boolean): Bitmap => (gray ? grayOf(bitmap, this.detailGray) : bitmap);

  /** The picture as large as the frame. */
  fitted(bitmap: ImageBitmap, gray: boolean, { width, height }: Rect, pixelated: boolean): Bitmap {
    if (Math.max(width, height) > LARGEST) return this.picture(bitmap, gray);
    const scaled = gray ? this.scaledGray : this.scaledPicture;
    return scaled.show(width, height, [bitmap, pixelated], (context) => {
      context.reset();
      context.imageSmoothingEnabled = !pixelated;
      context.imageSmoothingQuality = "high";
      context.drawImage(bitmap, 0, 0, width, height);
      if (gray) desaturate(context);
    });
  }

  /** The map in its colours, in its own cells or as large as the part of the frame that it covers. */
  overlay(map: TileMap, style: DrawStyle, size: { width: number; height: number } | null): OffscreenCanvas {
    const [h, w] = map.item.shape;
    const shrink = size ? Math.min(1, LARGEST / Math.max(size.width, size.height)) : 1;
    const pixels = (length: number) => Math.max(1, Math.round(length * shrink));
    const [height, width] = size ? [pixels(size.height), pixels(size.width)] : [h, w];
    return this.map.show(width, height, [map, ...Object.values(style)], (context) =>
      this.painter.paint(context, this.scalarsAt(map, style.sign, height, width), style, {
        values: map.values,
        shape: [h, w],
      }),
    );
  }

  /** A part of the map in its colours, in its own cells. */
  part(part: MapDetail, style: DrawStyle): OffscreenCanvas {
    const [height, width] = part.shape;
    return this.mapPart.show(width, height, [part, ...Object.values(style)], (context) =>
      this.painter.paint(context, applySign(part.values, style.sign), style, part),
    );
  }

  /** Picture and map in one, for frames in which only the view moves. */
  merge(bitmap: Bitmap, overlay: OffscreenCanvas, box: readonly number[], opacity: number): OffscreenCanvas {
    const [left, top, right, bottom] = box;
    const width = Math.max(bitmap.width, overlay.width);
    const height = Math.max(bitmap.height, overlay.height);
    return this.merged.show(width, height, [bitmap, this.map.version, opacity], (context) => {
      context.reset();
      context.drawImage(bitmap, 0, 0, width, height);
      context.globalAlpha = opacity;
      context.drawImage(overlay, left * width, top * height, (right - left) * width, (bottom - top) * height);
    });
  }

  private scalarsAt(map: TileMap, sign: Sign, height: number, width: number): Float32Array {
    const [h, w] = map.item.shape;
    const source = [map, height, width];
    if (source.some((part, i) => part !== this.scalarsOf[i])) this.scalars.clear();
    this.scalarsOf = source;
    const scalars = this.scalars.get(sign) ?? resize(applySign(map.values, sign), h, w, height, width);
    this.scalars.set(sign, scalars);
    return scalars;
  }
}
