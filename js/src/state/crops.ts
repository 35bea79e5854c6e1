/** Parts of images at the resolution of their originals, which the kernel cuts out when they are looked at. */

import { type Binary, toBytes } from "../kernel/decode";
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
  ) {}

  /** Asks for the crop that `question` names, if any, once this is not called for a while. */
  fetchAtRest(image: number, question: () => CropQuestion | null): void {
    clearTimeout(this.restTimer);
    this.restTimer = setTimeout(() => {
      const wanted = question();
      if (wanted) this.ask({ kind: "enlarge", id: this.id, image, ...wanted });
    }, REST_MS);
  }

  receive({ id, image, box, original_size, width, mime, problem }: Crop, buffers: Binary[]): void {
    if (id !== this.id) return;
    clearTimeout(this.lostTimer);
    const fractions = box.map((place, i) => place / (original_size[i % 2] || 1));
    this.store.crop.value = {
      ...{ image, box: fractions, mime, problem },
      density: width / (box[2] - box[0] || 1),
      // A host may reuse the buffer for its next message.
      data: toBytes(buffers[0]).slice(),
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
