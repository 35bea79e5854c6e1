/** Which pixels of a picture are marked, and tools that mark them. */

import { type Point, within } from "./transform";

export interface Mask {
  readonly width: number;
  readonly height: number;
  /** 1 for a marked pixel, row by row. */
  readonly pixels: Uint8Array;
}

/** Where boxes begin and end: rows, then columns. */
export type Box = readonly [top: number, bottom: number, left: number, right: number];

export const blankMask = (width: number, height: number): Mask => ({
  width,
  height,
  pixels: new Uint8Array(width * height),
});

export const countOf = ({ pixels }: Mask): number => {
  let count = 0;
  for (let i = 0; i < pixels.length; i++) count += pixels[i];
  return count;
};

/** A copy in which `mark` has set pixels. */
function changed(mask: Mask, mark: (pixels: Uint8Array) => void): Mask {
  const pixels = mask.pixels.slice();
  mark(pixels);
  return { ...mask, pixels };
}

/** A brush: `radius` in pixels of a column; `aspect` is how wide a pixel is seen for its height. */
export interface Brush {
  radius: number;
  aspect: number;
}

/** Marks, or unmarks, every pixel whose centre is within a brush that goes from one point to another, and the last. */
export function drawLine(mask: Mask, from: Point, to: Point, brush: Brush, value: 0 | 1): Mask {
  const { width, height } = mask;
  const { aspect } = brush;
  // A thinner line would have gaps.
  const radius = Math.max(brush.radius, 0.5 * Math.max(1, aspect));
  const [ax, ay, bx, by] = [from.x * aspect, from.y, to.x * aspect, to.y];
  const [dx, dy] = [bx - ax, by - ay];
  const length = dx * dx + dy * dy;
  const reach = radius / aspect;
  const [left, right] = [Math.floor(Math.min(from.x, to.x) - reach), Math.ceil(Math.max(from.x, to.x) + reach)];
  const [top, bottom] = [Math.floor(Math.min(ay, by) - radius), Math.ceil(Math.max(ay, by) + radius)];
  return changed(mask, (pixels) => {
    for (let row = within(top, 0, height); row < within(bottom, 0, height); row++) {
      for (let column = within(left, 0, width); column < within(right, 0, width); column++) {
        const [x, y] = [(column + 0.5) * aspect, row + 0.5];
        const along = length > 0 ? within(((x - ax) * dx + (y - ay) * dy) / length, 0, 1) : 0;
        if ((x - ax - along * dx) ** 2 + (y - ay - along * dy) ** 2 <= radius ** 2)
          pixels[row * width + column] = value;
      }
    }
    const [column, row] = [Math.floor(to.x), Math.floor(to.y)];
    if (column >= 0 && column < width && row >= 0 && row < height) pixels[row * width + column] = value;
  });
}

/** Marks the pixels between two corners, rounded to whole ones. */
export function fillBox(mask: Mask, a: Point, b: Point): Mask {
  const [left, right] = [Math.min(a.x, b.x), Math.max(a.x, b.x)].map((x) => within(Math.round(x), 0, mask.width));
  const [top, bottom] = [Math.min(a.y, b.y), Math.max(a.y, b.y)].map((y) => within(Math.round(y), 0, mask.height));
  return changed(mask, (pixels) => {
    for (let row = top; row < bottom; row++) pixels.fill(1, row * mask.width + left, row * mask.width + right);
  });
}

/** Marks the pixels whose centres are inside of a closed line: those from which it is crossed an odd number of times. */
export function fillPolygon(mask: Mask, corners: readonly Point[]): Mask {
  return changed(mask, (pixels) => {
    for (let row = 0; row < mask.height; row++) {
      const y = row + 0.5;
      const crossings = corners.flatMap((a, i) => {
        const b = corners[(i + 1) % corners.length];
        return a.y <= y === b.y <= y ? [] : [a.x + ((y - a.y) / (b.y - a.y)) * (b.x - a.x)];
      });
      crossings.sort((a, b) => a - b);
      for (let i = 0; i + 1 < crossings.length; i += 2) {
        const [left, right] = [crossings[i], crossings[i + 1]].map((x) => within(Math.ceil(x - 0.5), 0, mask.width));
        pixels.fill(1, row * mask.width + left, row * mask.width + right);
      }
    }
  });
}

/** Eight pixels in a byte, the first in the highest bit, as `numpy.packbits` has them. */
export function pack(pixels: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.ceil(pixels.length / 8));
  for (let i = 0; i < pixels.length; i++) if (pixels[i]) bytes[i >> 3] |= 128 >> (i & 7);
  return bytes;
}

export function unpack(bytes: Uint8Array, width: number, height: number): Mask {
  const pixels = new Uint8Array(width * height);
  for (let i = 0; i < pixels.length; i++) pixels[i] = (bytes[i >> 3] >> (7 - (i & 7))) & 1;
  return { width, height, pixels };
}

export function base64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i++) text += String.fromCharCode(bytes[i]);
  return btoa(text);
}

/** The bytes that `base64` has written as text. */
export function bytesOf(text: string): Uint8Array {
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return bytes;
}

/** The smallest box around all that is marked; null where nothing is. */
export function bounds({ width, height, pixels }: Mask): Box | null {
  let [top, bottom, left, right] = [height, 0, width, 0];
  for (let i = 0; i < pixels.length; i++) {
    if (!pixels[i]) continue;
    const [row, column] = [Math.floor(i / width), i % width];
    [top, bottom] = [Math.min(top, row), Math.max(bottom, row + 1)];
    [left, right] = [Math.min(left, column), Math.max(right, column + 1)];
  }
  return bottom > 0 ? [top, bottom, left, right] : null;
}

/** Boxes that together are what is marked; null where these would be more than `most`. */
export function boxesOf({ width, height, pixels }: Mask, most: number): Box[] | null {
  const remaining = pixels.slice();
  const boxes: Box[] = [];
  for (let i = 0; i < remaining.length; i++) {
    if (!remaining[i]) continue;
    if (boxes.length === most) return null;
    const [top, start] = [Math.floor(i / width), i % width];
    let end = start;
    while (end < width && remaining[top * width + end]) end++;
    const isFull = (row: number) => remaining.subarray(row * width + start, row * width + end).every(Boolean);
    let bottom = top;
    while (bottom < height && isFull(bottom)) {
      remaining.fill(0, bottom * width + start, bottom * width + end);
      bottom++;
    }
    boxes.push([top, bottom, start, end]);
  }
  return boxes;
}

/** The pixels of a map, the largest values first, those that are no numbers last; of equal ones, some or others. */
export function descending(values: Float32Array): Uint32Array {
  const order = Uint32Array.from(values, (_, i) => i);
  let state = 1;
  for (let i = order.length - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const other = Math.floor((state / 2 ** 32) * (i + 1));
    [order[i], order[other]] = [order[other], order[i]];
  }
  const keys = values.map((value) => (Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value));
  return order.sort((a, b) => (keys[a] < keys[b] ? 1 : keys[a] > keys[b] ? -1 : 0));
}

/** Which part of all that is above 0 in a map lies on marked pixels; null where nothing is above 0. */
export function positiveShare(values: Float32Array, { pixels }: Mask): number | null {
  let [marked, all] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    if (!(values[i] > 0)) continue;
    all += values[i];
    if (pixels[i]) marked += values[i];
  }
  return all > 0 ? marked / all : null;
}
