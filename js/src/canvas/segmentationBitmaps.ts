/** What a segmenter sees, as bitmaps: areas, or outlines that leave a map to be seen. */

import type { LabelMap } from "../kernel/segmentation";
import { packed } from "./channels";
import { classTable } from "./classColours";
import { MemoCanvas } from "./memoCanvas";

/** Pixels of the longest side of outlines; larger ones are scaled when drawn. */
const LARGEST = 896;
/** Pixels of a bitmap for each of an outline's width. */
const FINENESS = 200;
const HALO = packed(0, 0, 0, 130);

/** The areas of the classes, a pixel a place. */
export function paintAreas({ labels }: LabelMap, table: Uint32Array, out: Uint32Array): void {
  for (let i = 0; i < out.length; i++) out[i] = table[labels[i]] ?? 0;
}

/** Lines along the inner edges of the classes' areas, dark towards what they enclose; so many pixels wide. */
export function paintOutlines(
  { labels, height: h, width: w }: LabelMap,
  table: Uint32Array,
  { width, height, line }: { width: number; height: number; line: number },
  out: Uint32Array,
): void {
  const columns = Int32Array.from({ length: width }, (_, x) => Math.floor(((x + 0.5) / width) * w));
  const rows = Int32Array.from({ length: height }, (_, y) => w * Math.floor(((y + 0.5) / height) * h));
  const pixels = new Uint16Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) pixels[y * width + x] = labels[rows[y] + columns[x]];
  }
  const distances = edgeDistances(pixels, width, height, line + 2);
  for (let i = 0; i < out.length; i++) {
    out[i] = distances[i] <= line ? (table[pixels[i]] ?? 0) : distances[i] === line + 1 ? HALO : 0;
  }
}

/** How many pixels each one is from another label, along its row or column; so many at most. */
function edgeDistances(pixels: Uint16Array, width: number, height: number, most: number): Uint8Array {
  const distances = new Uint8Array(pixels.length).fill(most);
  const sweep = (start: number, step: number, count: number) => {
    let distance = most;
    for (let k = 1, i = start + step; k < count; k++, i += step) {
      distance = pixels[i] === pixels[i - step] ? Math.min(distance + 1, most) : 1;
      if (distance < distances[i]) distances[i] = distance;
    }
  };
  for (let first = 0; first < pixels.length; first += width) {
    sweep(first, 1, width);
    sweep(first + width - 1, -1, width);
  }
  for (let first = 0; first < width; first++) {
    sweep(first, width, height);
    sweep(first + width * (height - 1), -width, height);
  }
  return distances;
}

/** The bitmaps of one tile. */
export class SegmentationBitmaps {
  private readonly areas = new MemoCanvas();
  private readonly outlines = new MemoCanvas();

  /** Areas in their colours, a pixel a place. */
  filled = (segmentation: LabelMap, classes: number): OffscreenCanvas => {
    const { width, height } = segmentation;
    return this.areas.show(width, height, [segmentation, classes], (context) => {
      const pixels = new ImageData(width, height);
      paintAreas(segmentation, classTable(classes), new Uint32Array(pixels.data.buffer));
      context.putImageData(pixels, 0, 0);
    });
  };

  /** Outlines, as large as the part of the frame that they cover. */
  outlined = (segmentation: LabelMap, classes: number, size: { width: number; height: number }): OffscreenCanvas => {
    const shrink = Math.min(1, LARGEST / Math.max(size.width, size.height));
    const [width, height] = [size.width, size.height].map((side) => Math.max(1, Math.round(side * shrink)));
    return this.outlines.show(width, height, [segmentation, classes], (context) => {
      const pixels = new ImageData(width, height);
      const line = Math.max(1, Math.round(Math.max(width, height) / FINENESS));
      const out = new Uint32Array(pixels.data.buffer);
      paintOutlines(segmentation, classTable(classes), { width, height, line }, out);
      context.putImageData(pixels, 0, 0);
    });
  };
}
