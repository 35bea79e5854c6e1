export interface Point {
  x: number;
  y: number;
}

const NEAREST = 32;
/** The number from low to high that is nearest to a value. */
export const within = (value: number, low: number, high: number) => Math.min(Math.max(value, low), high);

/**
 * Zoom and pan as an immutable value: the point p of a picture is seen at k*p + (x, y).
 * Both are fractions of the picture, so one transform serves tiles of any size.
 */
export class Transform {
  static readonly identity = new Transform(1, 0, 0, NEAREST);

  private constructor(
    readonly k: number,
    readonly x: number,
    readonly y: number,
    /** How far one can zoom. */
    readonly nearest: number,
  ) {}

  /** The whole picture, to be zoomed so far. */
  static upTo(nearest: number): Transform {
    return new Transform(1, 0, 0, Math.max(nearest, NEAREST));
  }

  /** Zoom between 1 and the nearest, and the picture always covers its frame. */
  private held(k: number, x: number, y: number): Transform {
    const zoom = within(k, 1, this.nearest);
    // Adding 0 turns -0 into 0, so that equal views compare equal.
    return new Transform(zoom, within(x, 1 - zoom, 0) + 0, within(y, 1 - zoom, 0) + 0, this.nearest);
  }

  apply(p: Point): Point {
    return { x: this.k * p.x + this.x, y: this.k * p.y + this.y };
  }

  invert(seen: Point): Point {
    return { x: (seen.x - this.x) / this.k, y: (seen.y - this.y) / this.k };
  }

  /** Zooms by a factor; what is seen at `about` stays there. */
  zoom(factor: number, about: Point = { x: 0.5, y: 0.5 }): Transform {
    const k = within(this.k * factor, 1, this.nearest);
    const p = this.invert(about);
    return this.held(k, about.x - k * p.x, about.y - k * p.y);
  }

  pan(dx: number, dy: number): Transform {
    return this.held(this.k, this.x + dx, this.y + dy);
  }

  /** Pans just far enough for p to be seen. */
  reveal(p: Point): Transform {
    const seen = this.apply(p);
    return this.pan(within(seen.x, 0, 1) - seen.x, within(seen.y, 0, 1) - seen.y);
  }

  /** The whole picture. */
  get whole(): Transform {
    return this.held(1, 0, 0);
  }

  get isIdentity(): boolean {
    return this.k === 1;
  }
}

export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** The largest rectangle of an aspect ratio (width / height) centred in a frame. */
export function contain(width: number, height: number, aspect: number): Rect {
  const w = Math.min(width, height * aspect);
  const h = w / aspect;
  return { x: (width - w) / 2, y: (height - h) / 2, width: w, height: h };
}

/** A rectangle with its edges on whole pixels. */
export function whole({ x, y, width, height }: Rect): Rect {
  const [left, top] = [Math.round(x), Math.round(y)];
  return { x: left, y: top, width: Math.round(x + width) - left, height: Math.round(y + height) - top };
}
