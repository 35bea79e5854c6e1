/** Pointer, wheel and keyboard of one tile. */

import { batch, type Signal } from "@preact/signals";
import { type Point, type Transform, within } from "../math/transform";
import type { Actions } from "../state/actions";
import { pictureAt, type Store, type TilePlace } from "../state/store";
import { frameOf } from "./compose";

/** How far an arrow key moves the crosshair, in parts of the picture. */
const STEP = 0.01;
/** Pixels that the pointer may travel within a click. */
const CLICK_PX = 4;
/** How long a finger rests on a picture before it reads values, in milliseconds. */
const REST_MS = 400;
/** Pixels around the swipe's line within which a drag moves it. */
const LINE_PX = 9;
const ARROWS: Readonly<Record<string, [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

const clamp = (part: number) => within(part, 0, 1);

/** Takes pointers and keys while it is on; points are in fractions of the picture. */
export interface Surface {
  readonly isOn: boolean;
  /** A pointer comes down. */
  begin(at: Point): void;
  /** It is over a point, or goes on to it; null where it leaves. */
  move(at: Point | null): void;
  end(): void;
  /** It was none: a second finger has come down. */
  cancel(): void;
  /** What a key does at a point; false where it does nothing. */
  press(key: string, at: Point): boolean;
}

/** Listens to a tile's canvas until it is closed. */
export class Gestures {
  private readonly listening = new AbortController();
  private readonly pointers = new Map<number, Point>();
  /** A click in the tile lets the wheel zoom until the pointer leaves it. */
  private active = false;
  private travelled = 0;
  private swiping = false;
  /** A finger that has rested reads values until it is lifted. */
  private reading = false;
  private resting: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly tile: TilePlace,
    private readonly store: Store,
    private readonly actions: Actions,
    /** Zoomed and panned instead of the tiles of the image. */
    private readonly ownView?: Signal<Transform>,
    /** Of these the first that is on takes pointers and keys. */
    private readonly surfaces: readonly Surface[] = [],
  ) {
    const options = { signal: this.listening.signal, passive: false };
    const handlers = {
      pointermove: this.onPointerMove,
      pointerdown: this.onPointerDown,
      pointerup: this.onPointerEnd,
      pointercancel: this.onPointerEnd,
      pointerenter: this.onFocus,
      pointerleave: this.onPointerLeave,
      touchmove: this.keepStill,
      contextmenu: this.keepStill,
      focus: this.onFocus,
      wheel: this.onWheel,
      keydown: this.onKeyDown,
      dblclick: this.onDoubleClick,
    };
    for (const [event, handler] of Object.entries(handlers)) {
      canvas.addEventListener(event, handler as (event: Event) => void, options);
    }
  }

  close = () => {
    this.listening.abort();
    clearTimeout(this.resting);
  };

  private onFocus = () => this.actions.focusTile(this.tile);

  private onPointerMove = (event: PointerEvent) => {
    const at = this.placeOf(event);
    if (this.swiping) {
      this.store.traits.swipe.value = Math.min(Math.max(at.x, 0.02), 1);
      return;
    }
    this.canvas.style.cursor = this.isOnSwipeLine(at) ? "ew-resize" : "";
    if (this.surface && this.pointers.size < 2) {
      this.surface.move(this.view.invert(at));
      if (this.pointers.has(event.pointerId)) this.pointers.set(event.pointerId, at);
      return;
    }
    const last = this.pointers.get(event.pointerId);
    if (!last) return this.point(at);
    const before = [...this.pointers.values()];
    this.pointers.set(event.pointerId, at);
    const { width, height } = this.frame();
    this.travelled += Math.hypot((at.x - last.x) * width, (at.y - last.y) * height);
    if (this.travelled > CLICK_PX) clearTimeout(this.resting);
    const { view } = this;
    if (this.reading) {
      this.point(at);
    } else if (this.pointers.size === 2) {
      this.pinch(before, [...this.pointers.values()]);
    } else if (view.isIdentity) {
      this.point(at);
    } else if (this.travelled > CLICK_PX) {
      this.view = view.pan(at.x - last.x, at.y - last.y);
      this.point(at);
    }
  };

  private onPointerDown = (event: PointerEvent) => {
    if (event.button !== 0) return;
    this.travelled = 0;
    const at = this.placeOf(event);
    this.swiping = this.isOnSwipeLine(at);
    if (this.swiping) this.store.crosshair.value = null;
    else this.pointers.set(event.pointerId, at);
    if (this.surface && !this.swiping) {
      if (this.pointers.size > 1) this.surface.cancel();
      else {
        this.store.crosshair.value = null;
        this.surface.begin(this.view.invert(at));
      }
    } else if (event.pointerType === "touch" && !this.swiping) this.rest(at);
    this.canvas.setPointerCapture(event.pointerId);
  };

  /** Reads values once the finger has rested; a second one zooms. */
  private rest(at: Point): void {
    clearTimeout(this.resting);
    this.reading = false;
    if (this.pointers.size > 1) return;
    this.resting = setTimeout(() => {
      this.reading = true;
      this.point(at);
    }, REST_MS);
  }

  /** What reads values neither scrolls nor opens a menu. */
  private keepStill = (event: Event) => {
    if (this.reading) event.preventDefault();
  };

  private onPointerEnd = (event: PointerEvent) => {
    clearTimeout(this.resting);
    if (this.swiping) this.actions.commit({ swipe: this.store.traits.swipe.peek() });
    this.swiping = false;
    if (this.surface) {
      if (event.type === "pointercancel") this.surface.cancel();
      else this.surface.end();
      this.pointers.delete(event.pointerId);
      return;
    }
    if (!this.pointers.delete(event.pointerId) || event.type === "pointercancel") return;
    if (this.reading) {
      this.reading = false;
      return;
    }
    if (this.travelled > CLICK_PX) return;
    this.active = true;
    this.actions.selectTile(this.tile);
    this.point(this.placeOf(event));
  };

  private onPointerLeave = (event: PointerEvent) => {
    // Safari tells it of every click: the pointer, which was captured, is where it was.
    if (this.isUnder(event)) return;
    this.active = false;
    // The value that a finger covered is read when it is lifted.
    if (this.pointers.size > 0 || event.pointerType === "touch") return;
    for (const surface of this.surfaces) surface.move(null);
    this.store.crosshair.value = null;
    this.actions.focusTile(null);
  };

  private isUnder({ clientX, clientY }: PointerEvent): boolean {
    const root = this.canvas.getRootNode() as ShadowRoot;
    return root.elementFromPoint(clientX, clientY) === this.canvas;
  }

  private onWheel = (event: WheelEvent) => {
    if (!(event.ctrlKey || event.metaKey || this.active)) return;
    event.preventDefault();
    event.stopPropagation();
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * 16 : event.deltaY;
    // A trackpad's pinch arrives as small deltas with Ctrl held.
    const speed = event.ctrlKey && Math.abs(pixels) < 50 ? 1 / 60 : 1 / 300;
    const at = this.placeOf(event);
    this.zoom(2 ** (-pixels * speed), at);
    if (!this.surface) this.point(at);
  };

  private onDoubleClick = (event: MouseEvent) => {
    if (!this.surface) this.zoom(event.shiftKey ? 0.5 : 2, this.placeOf(event));
  };

  private onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { key } = event;
    if (this.surface?.press(key, this.cursor)) {
      event.preventDefault();
      return;
    }
    if (key in ARROWS) {
      this.moveCrosshair(ARROWS[key], event.shiftKey ? 10 * STEP : STEP);
    } else if (key === "+" || key === "=" || key === "-") {
      const at = this.store.crosshairOf(this.tile.image);
      this.zoom(key === "-" ? 1 / 1.5 : 1.5, at ? this.view.apply(at) : undefined);
    } else if (key === "0") {
      if (this.ownView) this.view = this.view.whole;
      else this.actions.resetView();
    } else if (key === "Enter" || key === " ") {
      this.actions.selectTile(this.tile);
    } else if (key === "Escape") {
      this.active = false;
      this.store.crosshair.value = null;
      this.actions.resetRegion(this.tile.image);
    } else {
      return;
    }
    event.preventDefault();
  };

  /** What takes pointers and keys now. */
  private get surface(): Surface | undefined {
    return this.surfaces.find(({ isOn }) => isOn);
  }

  private get view(): Transform {
    return this.ownView?.peek() ?? this.store.viewOf(this.tile.image);
  }

  /** Another view of this image takes the zoom from the one that had it. */
  private set view(view: Transform) {
    const { store, tile, ownView } = this;
    if (ownView) {
      ownView.value = view;
      return;
    }
    if (view.isIdentity && store.viewOf(tile.image).isIdentity) return;
    batch(() => {
      store.zoomed.value = tile.image;
      store.view.value = view;
    });
  }

  /** Puts the crosshair on a point of this image. */
  private aim(at: Point | null): void {
    batch(() => {
      this.actions.focusTile(this.tile);
      this.store.crosshair.value = at;
    });
  }

  private frame() {
    const bounds = this.canvas.getBoundingClientRect();
    const picture = pictureAt(this.store, this.tile);
    const inner = frameOf(picture, bounds.width, bounds.height);
    return { ...inner, x: inner.x + bounds.x, y: inner.y + bounds.y };
  }

  /** Where the pointer is in the frame, in fractions of it. */
  private placeOf(event: MouseEvent): Point {
    const { x, y, width, height } = this.frame();
    return { x: (event.clientX - x) / width, y: (event.clientY - y) / height };
  }

  private isOnSwipeLine({ x }: Point): boolean {
    const swipe = this.store.traits.swipe.peek();
    return swipe > 0 && Math.abs(x - swipe) * this.frame().width < LINE_PX;
  }

  /** Puts the crosshair under a point of the frame. */
  private point(at: Point): void {
    const { x, y } = this.view.invert(at);
    this.aim(x === clamp(x) && y === clamp(y) ? { x, y } : null);
  }

  /** Where keys act: the crosshair, or else the middle of what is seen. */
  private get cursor(): Point {
    return this.store.crosshairOf(this.tile.image) ?? this.view.invert({ x: 0.5, y: 0.5 });
  }

  private zoom(factor: number, about?: Point): void {
    this.view = this.view.zoom(factor, about);
  }

  private pinch(before: Point[], after: Point[]): void {
    const distance = ([a, b]: Point[]) => Math.hypot(a.x - b.x, a.y - b.y);
    const middle = { x: (after[0].x + after[1].x) / 2, y: (after[0].y + after[1].y) / 2 };
    if (distance(before) > 0) this.zoom(distance(after) / distance(before), middle);
  }

  private moveCrosshair([right, down]: [number, number], step: number): void {
    const { view, cursor: from } = this;
    const to = { x: clamp(from.x + (right * step) / view.k), y: clamp(from.y + (down * step) / view.k) };
    this.aim(to);
    this.view = view.reveal(to);
  }
}
