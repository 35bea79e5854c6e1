/** Canvases in memory that do what drawing a tile asks of them, exactly; anything else fails. */

class Pixels {
  readonly data: Uint8ClampedArray;

  constructor(
    readonly width: number,
    readonly height: number,
  ) {
    this.data = new Uint8ClampedArray(width * height * 4);
  }
}

interface State {
  clip: number[];
  holes: number[][];
  globalAlpha: number;
  imageSmoothingEnabled: boolean;
}

const inside = ([left, top, right, bottom]: number[], x: number, y: number) =>
  x >= left && x < right && y >= top && y < bottom;

export class Context {
  fillStyle = "";
  globalCompositeOperation = "source-over";
  imageSmoothingQuality = "low";
  globalAlpha = 1;
  imageSmoothingEnabled = true;
  private clipped = [0, 0, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  private holes: number[][] = [];
  private path: number[][] = [];
  private readonly saved: State[] = [];

  constructor(readonly canvas: Canvas) {}

  save() {
    const { clipped: clip, holes, globalAlpha, imageSmoothingEnabled } = this;
    this.saved.push({ clip, holes, globalAlpha, imageSmoothingEnabled });
  }

  restore() {
    const { clip, ...state } = this.saved.pop() as State;
    Object.assign(this, state);
    this.clipped = clip;
  }

  reset() {
    const { width, height } = this.canvas;
    this.canvas.pixels = new Pixels(width, height);
    Object.assign(this, { globalAlpha: 1, imageSmoothingEnabled: true, holes: [] });
    this.clipped = [0, 0, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  }

  beginPath() {
    this.path = [];
  }

  rect(x: number, y: number, width: number, height: number) {
    this.path.push([x, y, x + width, y + height]);
  }

  /** To a rectangle, or by the rule "evenodd" to what lies in it beside others. */
  clip(rule = "nonzero") {
    const [b, ...holes] = this.path;
    if (holes.length > 0 && rule !== "evenodd") throw new Error("To one rectangle at a time.");
    this.holes = [...this.holes, ...holes];
    const a = this.clipped;
    const larger = (i: number) => Math.max(a[i], b[i]);
    const smaller = (i: number) => Math.min(a[i], b[i]);
    this.clipped = [larger(0), larger(1), smaller(2), smaller(3)];
  }

  putImageData(pixels: Pixels, x: number, y: number) {
    if (x !== 0 || y !== 0 || pixels.data.length !== this.canvas.pixels.data.length)
      throw new Error("Only as a whole.");
    this.canvas.pixels.data.set(pixels.data);
  }

  drawImage(source: Canvas, x: number, y: number, width = source.width, height = source.height) {
    const scaled = width !== source.width || height !== source.height;
    if (scaled && this.imageSmoothingEnabled) throw new Error("Browsers smooth in ways of their own.");
    this.cover(x, y, width, height, (u, v) => {
      const at = 4 * (Math.floor(v * source.height) * source.width + Math.floor(u * source.width));
      return [...source.pixels.data.subarray(at, at + 4)];
    });
  }

  fillRect(x: number, y: number, width: number, height: number) {
    const known: Record<string, number[]> = {
      "#fff": [255, 255, 255, 255],
      "rgb(0 0 0 / 0.5)": [0, 0, 0, 127.5],
      "rgb(0 0 0 / 0.2)": [0, 0, 0, 51],
    };
    if (this.globalCompositeOperation === "saturation") return this.desaturate();
    this.cover(x, y, width, height, () => known[this.fillStyle]);
  }

  /** What laying a grey over the whole of an opaque picture does. */
  private desaturate() {
    const { data } = this.canvas.pixels;
    for (let at = 0; at < data.length; at += 4) {
      data.fill(0.3 * data[at] + 0.59 * data[at + 1] + 0.11 * data[at + 2], at, at + 3);
    }
  }

  /** Lays a colour over every pixel of a rectangle, asked for by the place of its middle there. */
  private cover(x: number, y: number, width: number, height: number, color: (u: number, v: number) => number[]) {
    if (![x, y, x + width, y + height].every(Number.isInteger)) throw new Error("Edges lie on whole pixels.");
    const { pixels } = this.canvas;
    for (let row = Math.max(y, 0); row < Math.min(y + height, pixels.height); row++) {
      for (let column = Math.max(x, 0); column < Math.min(x + width, pixels.width); column++) {
        const isHole = this.holes.some((hole) => inside(hole, column, row));
        if (isHole || !inside(this.clipped, column, row)) continue;
        const [r, g, b, a] = color((column + 0.5 - x) / width, (row + 0.5 - y) / height);
        const at = 4 * (row * pixels.width + column);
        const alpha = (a / 255) * this.globalAlpha;
        const below = (pixels.data[at + 3] / 255) * (1 - alpha);
        const mix = (upper: number, lower: number) =>
          alpha + below > 0 ? (upper * alpha + lower * below) / (alpha + below) : 0;
        const [r0, g0, b0] = pixels.data.subarray(at, at + 3);
        pixels.data.set([mix(r, r0), mix(g, g0), mix(b, b0), 255 * (alpha + below)], at);
      }
    }
  }
}

export class Canvas {
  pixels: Pixels;
  private readonly context = new Context(this);

  constructor(width: number, height: number) {
    this.pixels = new Pixels(width, height);
  }

  get width() {
    return this.pixels.width;
  }
  set width(width: number) {
    this.pixels = new Pixels(width, this.height);
  }
  get height() {
    return this.pixels.height;
  }
  set height(height: number) {
    this.pixels = new Pixels(this.width, height);
  }

  getContext() {
    return this.context;
  }
}

export const globals = { OffscreenCanvas: Canvas, ImageData: Pixels };
