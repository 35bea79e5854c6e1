/** Parts of images at the resolution of their originals, which the kernel cuts out when they are looked at. */

import { type Binary, type MapDetail, readMapPart, type TileMap, toBytes } from "../kernel/decode";
import type { Crop, Message, Up } from "../kernel/protocol";
import type { Transform } from "../math/transform";
import { type ImageCrop, originalSize, type Picture, type Store } from "./store";

/** Milliseconds without zooming or panning until a crop is asked for. */
const REST_MS = 120;
/** Milliseconds until a crop that has not come is asked for once more: a host may have lost it. */
const LOST_MS = 10_000;
/** How far beyond what is seen a crop reaches, in parts of it, so that a small pan needs no other one. */
const MARGIN = 0.25;
const LONGEST = 2048;
/** Screen pixels for each of the picture's up to which nobody misses more. */
const ENOUGH = 1.1;

export type SeenPart = Pick<Transform, "k" | "x" | "y">;

/** A part of an image in pixels of the original, and how long it is to be at most. */
export interface CropQuestion {
  box: [left: number, top: number, right: number, bottom: number];
  longest: number;
}

/**
 * The crop that a view lacks: null where the picture or the crop that is there is as fine as the screen.
 *
 * `width` is that of the whole picture in pixels of the screen before it is zoomed.
 */
export function missingCrop(
  picture: Picture,
  seen: SeenPart,
  width: number,
  crop: Pick<ImageCrop, "box" | "density"> | null,
): CropQuestion | null {
  const size = originalSize(picture);
  const shown = width * seen.k;
  if (size.width <= picture.width || shown <= picture.width * ENOUGH) return null;
  const density = Math.min(1, shown / size.width);
  const { k } = seen;
  const [left, top] = [-seen.x / k, -seen.y / k];
  const [right, bottom] = [left + 1 / k, top + 1 / k];
  if (crop && crop.density * ENOUGH >= density) {
    // Rounded to whole pixels, a crop may end a little before the edge.
    const [x0, y0, x1, y1] = crop.box;
    const slack = 0.5 / Math.max(size.width, size.height);
    if (x0 <= left + slack && y0 <= top + slack && x1 >= right - slack && y1 >= bottom - slack) return null;
  }
  const margin = MARGIN / k;
  const box: CropQuestion["box"] = [
    Math.max(0, Math.floor((left - margin) * size.width)),
    Math.max(0, Math.floor((top - margin) * size.height)),
    Math.min(size.width, Math.ceil((right + margin) * size.width)),
    Math.min(size.height, Math.ceil((bottom + margin) * size.height)),
  ];
  const longest = Math.ceil(Math.max(box[2] - box[0], box[3] - box[1]) * density);
  return { box, longest: Math.min(longest, LONGEST) };
}

/** The part of a question's map in a column that came with a crop. */
export function partOfMap(
  crop: ImageCrop | null | undefined,
  gen: number | undefined,
  column: number,
): MapDetail | null {
  const part = crop?.map;
  return part && part.gen === gen && part.column === column ? part : null;
}

/** The question for the part of a picture, and of the map over it, that a view lacks; null where neither is coarse. */
export function missingParts(
  picture: Picture,
  map: TileMap | undefined,
  gen: number,
  seen: SeenPart,
  width: number,
  crop: ImageCrop | null,
): CropQuestion | null {
  const question = missingCrop(picture, seen, width, crop);
  if (question || !map) return question;
  const { shape, whole_shape: whole, column } = map.item;
  // A map covers all of a picture that was cut into tiles.
  const [size, original] = [originalSize(picture), { width: whole[1], height: whole[0] }];
  const part = partOfMap(crop, gen, column);
  const density = part && part.shape[1] / (part.box[2] - part.box[0]) / original.width;
  const asPicture = { ...picture, width: shape[1], height: shape[0], original_size: [whole[1], whole[0]] };
  const needed = missingCrop(asPicture, seen, width, part && density ? { box: part.box, density } : null);
  if (!needed) return null;
  const scale = (side: number, i: number) =>
    i % 2 ? Math.round((side / original.height) * size.height) : Math.round((side / original.width) * size.width);
  const box = needed.box.map(scale) as CropQuestion["box"];
  return { box, longest: needed.longest };
}

export class Crops {
  /** The question whose answer is awaited, or was the last. */
  private asked = "";
  private restTimer: ReturnType<typeof setTimeout> | undefined;
  private lostTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly store: Store,
    private readonly send: (message: Up) => void,
    /** The view's own name: all views hear all answers. */
    private readonly id: string,
    private readonly gen: () => number,
  ) {}

  /** Asks for the crop that `question` names, if any, with the map of a column, once this is not called for a while. */
  fetchAtRest(image: number, column: number, question: () => CropQuestion | null): void {
    clearTimeout(this.restTimer);
    this.restTimer = setTimeout(() => {
      const wanted = question();
      if (wanted) this.ask({ kind: "enlarge", id: this.id, image, gen: this.gen(), column, ...wanted });
    }, REST_MS);
  }

  receive({ id, image, box, original_size, width, mime, map, problem }: Crop, buffers: Binary[]): void {
    if (id !== this.id) return;
    clearTimeout(this.lostTimer);
    const fractions = box.map((place, i) => place / (original_size[i % 2] || 1));
    this.store.crop.value = {
      ...{ image, box: fractions, mime, problem },
      density: width / (box[2] - box[0] || 1),
      // A host may reuse the buffer for its next message.
      data: toBytes(buffers[0]).slice(),
      map: map && readMapPart(map, toBytes(buffers[1])),
    };
  }

  close(): void {
    clearTimeout(this.restTimer);
    clearTimeout(this.lostTimer);
  }

  private ask(question: Message<"enlarge">): void {
    const text = JSON.stringify(question);
    if (text === this.asked && !this.store.crop.peek()?.problem) return;
    this.asked = text;
    this.send(question);
    clearTimeout(this.lostTimer);
    this.lostTimer = setTimeout(() => this.send(question), LOST_MS);
  }
}
