/** What is painted on the pictures, with every step that can be undone, and what the model says of it. */

import { batch, computed, signal } from "@preact/signals";
import type { Binary } from "../kernel/decode";
import type { Message } from "../kernel/protocol";
import { blankMask, countOf, type Mask, pack, unpack } from "../math/mask";
import type { Point } from "../math/transform";

export const TOOLS = ["brush", "eraser", "box", "lasso", "move"] as const;
export type Tool = (typeof TOOLS)[number];

/** Steps that can be undone on one picture, and pictures whose steps are kept. */
const MOST_STEPS = 100;
const MOST_PICTURES = 50;

/** The masks of one picture, packed, and which of them is shown. */
interface History {
  readonly masks: readonly Uint8Array[];
  readonly at: number;
}

/** What was asked: of which answer, about which images, how covered, with which mask. */
export interface PaintQuestion extends Pick<Message<"paint">, "gen" | "images" | "column" | "cover" | "keep"> {
  mask: Mask;
}

/** The very picture that was scored. */
export interface PaintedPicture {
  mime: string;
  data: Binary;
}

/** An answer of the kernel, with what it was asked. */
export interface PaintAnswer {
  question: PaintQuestion;
  message: Message<"painted">;
  picture: PaintedPicture | null;
}

export class Painting {
  /** The large picture is painted on. */
  readonly isOn = signal(false);
  readonly tool = signal<Tool>("brush");
  /** How wide the brush is, in parts of the picture's shorter side. */
  readonly brush = signal(0.12);
  /** All but what is marked is covered. */
  readonly keep = signal(false);
  readonly mask = signal(blankMask(1, 1));
  /** The corners of a box or lasso that is not closed yet, in fractions of the picture. */
  readonly outline = signal<readonly Point[]>([]);
  /** Where the brush is, in fractions of the picture. */
  readonly pointer = signal<Point | null>(null);
  /** The last answer about one picture, and that about several. */
  readonly answer = signal<PaintAnswer | null>(null);
  readonly answerForAll = signal<PaintAnswer | null>(null);
  readonly isEmpty = computed(() => countOf(this.mask.value) === 0);
  private readonly history = signal<History>({ masks: [], at: 0 });
  readonly canUndo = computed(() => this.history.value.at > 0);
  readonly canRedo = computed(() => this.history.value.at < this.history.value.masks.length - 1);
  private readonly histories = new Map<number, History>();
  private image = -1;

  /** Shows what is painted on a picture that the model sees in this size. */
  open(image: number, width: number, height: number): void {
    const { mask } = this;
    const isSameSize = mask.peek().width === width && mask.peek().height === height;
    if (image === this.image && isSameSize) return;
    if (!isSameSize) this.histories.clear();
    this.image = image;
    const blank = blankMask(width, height);
    batch(() => {
      mask.value = blank;
      this.keepHistory(this.histories.get(image) ?? { masks: [pack(blank.pixels)], at: 0 });
      this.outline.value = [];
      this.pointer.value = null;
      this.show();
    });
  }

  /** Ends a step: what is marked now can be gone back to. */
  settle(): void {
    const { masks, at } = this.history.peek();
    const packed = pack(this.mask.peek().pixels);
    const isSame = packed.every((byte, i) => byte === masks[at]?.[i]);
    if (isSame) return;
    const steps = [...masks.slice(0, at + 1), packed].slice(-MOST_STEPS);
    this.keepHistory({ masks: steps, at: steps.length - 1 });
  }

  /** Forgets the step that has begun. */
  revert(): void {
    this.outline.value = [];
    this.show();
  }

  undo = () => this.go(-1);
  redo = () => this.go(1);

  clear = () => {
    const { width, height } = this.mask.peek();
    this.replace(blankMask(width, height));
  };

  /** Marks other pixels, in one step. */
  replace(mask: Mask): void {
    batch(() => {
      this.mask.value = mask;
      this.settle();
    });
  }

  private go(step: number): void {
    const { masks, at } = this.history.peek();
    const place = at + step;
    if (place < 0 || place >= masks.length) return;
    batch(() => {
      this.keepHistory({ masks, at: place });
      this.revert();
    });
  }

  private show(): void {
    const { masks, at } = this.history.peek();
    const { width, height } = this.mask.peek();
    this.mask.value = unpack(masks[at], width, height);
  }

  private keepHistory(history: History): void {
    this.history.value = history;
    this.histories.delete(this.image);
    this.histories.set(this.image, history);
    for (const image of this.histories.keys()) {
      if (this.histories.size <= MOST_PICTURES) break;
      this.histories.delete(image);
    }
  }
}
