/** Tools that paint on the large picture, by pointer and by keys. */

import { batch } from "@preact/signals";
import { type Brush, drawLine, fillBox, fillPolygon } from "../math/mask";
import type { Point } from "../math/transform";
import type { Actions } from "../state/actions";
import { type Picture, pictureAt, type Store, type TilePlace } from "../state/store";
import type { Surface } from "./gestures";

/** Points of a lasso are at least so far from each other, in parts of the picture. */
const LEAST_STEP = 0.003;
/** A box or lasso of one point is a slip of the hand. */
const LEAST_CORNERS = { box: 2, lasso: 3 } as const;

export class PaintSurface implements Surface {
  /** Where the stroke was last, while one goes on. */
  private last: Point | null = null;

  constructor(
    private readonly store: Store,
    private readonly actions: Actions,
    private readonly tile: TilePlace,
  ) {}

  /** Whether pointers paint here. */
  get isOn(): boolean {
    const { isOn, tool } = this.store.painting;
    return isOn.peek() && tool.peek() !== "move";
  }

  /** A stroke begins at a point of the picture, in fractions of it. */
  begin(at: Point): void {
    this.last = at;
    this.paint(at, at);
  }

  /** The pointer is over a point, or goes on to it. */
  move(at: Point | null): void {
    this.store.painting.pointer.value = at;
    if (!this.last || !at) return;
    this.paint(this.last, at);
    this.last = at;
  }

  /** The stroke ends. */
  end(): void {
    if (!this.last) return;
    this.last = null;
    this.close();
  }

  /** It was none: a second finger has come down. */
  cancel(): void {
    this.last = null;
    this.store.painting.revert();
  }

  /** What a key does at a point; false where it is none of painting. */
  press(key: string, at: Point): boolean {
    const { painting } = this.store;
    const tool = painting.tool.peek();
    const corners = painting.outline.peek();
    if (key === "Escape" && corners.length > 0) painting.outline.value = [];
    else if (key === "Enter" && tool === "lasso" && corners.length > 0) this.close();
    else if (key !== " ") return false;
    else if (tool === "brush" || tool === "eraser") {
      this.paint(at, at);
      this.close();
    } else {
      painting.outline.value = [...corners, at];
      if (tool === "box" && corners.length > 0) this.close();
    }
    return true;
  }

  private paint(from: Point, to: Point): void {
    const { painting } = this.store;
    const tool = painting.tool.peek();
    const picture = pictureAt(this.store, this.tile);
    if (!picture) return;
    if (tool === "brush" || tool === "eraser") {
      const [a, b] = [this.pixel(picture, from), this.pixel(picture, to)];
      painting.mask.value = drawLine(painting.mask.peek(), a, b, this.brush(picture), tool === "brush" ? 1 : 0);
      this.actions.scorePainted(true);
      return;
    }
    const corners = painting.outline.peek();
    const before = corners.at(-1);
    if (tool === "box") painting.outline.value = before ? [corners[0], to] : [to];
    else if (!before || Math.hypot(to.x - before.x, to.y - before.y) >= LEAST_STEP) {
      painting.outline.value = [...corners, to];
    }
  }

  /** Fills the box or lasso, and ends the step. */
  private close(): void {
    const { painting } = this.store;
    const tool = painting.tool.peek();
    const picture = pictureAt(this.store, this.tile);
    const corners = picture ? painting.outline.peek().map((corner) => this.pixel(picture, corner)) : [];
    batch(() => {
      painting.outline.value = [];
      if ((tool === "box" || tool === "lasso") && corners.length >= LEAST_CORNERS[tool]) {
        const mask = painting.mask.peek();
        painting.mask.value = tool === "box" ? fillBox(mask, corners[0], corners[1]) : fillPolygon(mask, corners);
      }
      painting.settle();
    });
    this.actions.scorePainted();
  }

  /** A point of the picture in pixels of the mask. */
  private pixel({ box }: Picture, { x, y }: Point): Point {
    const [left, top, right, bottom] = box;
    const { width, height } = this.store.painting.mask.peek();
    return { x: ((x - left) / (right - left)) * width, y: ((y - top) / (bottom - top)) * height };
  }

  /** The brush, round as it is seen. */
  private brush(picture: Picture): Brush {
    const [left, top, right, bottom] = picture.box;
    const { width, height } = this.store.painting.mask.peek();
    const [wide, high] = [picture.width * (right - left), picture.height * (bottom - top)];
    const seen = (Math.min(wide, high) * this.store.painting.brush.peek()) / 2;
    return { radius: (seen / high) * height, aspect: wide / width / (high / height) };
  }
}
