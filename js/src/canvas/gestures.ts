import type { Actions } from "../actions";
import type { Store } from "../store";
import { frameOf } from "./compose";
import type { Point } from "./transform";

const STEP = 0.01;
const CLICK_PX = 4;
/** So near to the swipe's line a drag moves it. */
const LINE_PX = 9;
const ARROWS: Readonly<Record<string, [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** Pointer, wheel and keyboard of one tile; returns what takes them off again. */
export function attachGestures(
  canvas: HTMLCanvasElement,
  tile: { image: number; column: number },
  store: Store,
  actions: Actions,
): () => void {
  const listening = new AbortController();
  const pointers = new Map<number, Point>();
  /** A click in the tile lets the wheel zoom until the pointer leaves it. */
  let active = false;
  let travelled = 0;
  let swiping = false;

  const frame = () => {
    const bounds = canvas.getBoundingClientRect();
    const inner = frameOf(store.traits._images.peek()[tile.image], bounds.width, bounds.height);
    return { ...inner, x: inner.x + bounds.x, y: inner.y + bounds.y };
  };
  /** Where the pointer is in the frame, in fractions of it. */
  const seenAt = (event: MouseEvent): Point => {
    const rect = frame();
    return { x: (event.clientX - rect.x) / rect.width, y: (event.clientY - rect.y) / rect.height };
  };
  const pointTo = (seen: Point) => {
    const p = store.view.peek().invert(seen);
    const inside = p.x >= 0 && p.x <= 1 && p.y >= 0 && p.y <= 1;
    actions.point(inside ? p : null);
  };
  const zoom = (factor: number, about?: Point) => actions.setView(store.view.peek().zoom(factor, about));

  const pinch = (before: Point[], after: Point[]) => {
    const length = ([a, b]: Point[]) => Math.hypot(a.x - b.x, a.y - b.y);
    const middle = { x: (after[0].x + after[1].x) / 2, y: (after[0].y + after[1].y) / 2 };
    if (length(before) > 0) zoom(length(after) / length(before), middle);
  };

  const onSwipeLine = (seen: Point) => {
    const swipe = store.swipe.peek();
    return swipe > 0 && Math.abs(seen.x - swipe) * frame().width < LINE_PX;
  };

  const onPointerMove = (event: PointerEvent) => {
    const seen = seenAt(event);
    if (swiping) {
      actions.swipe(Math.max(seen.x, 0.02));
      return;
    }
    canvas.style.cursor = onSwipeLine(seen) ? "ew-resize" : "";
    const last = pointers.get(event.pointerId);
    if (!last) {
      pointTo(seen);
      return;
    }
    const before = [...pointers.values()];
    pointers.set(event.pointerId, seen);
    const { width, height } = frame();
    travelled += Math.hypot((seen.x - last.x) * width, (seen.y - last.y) * height);
    if (pointers.size === 2) {
      pinch(before, [...pointers.values()]);
    } else if (store.view.peek().isIdentity) {
      pointTo(seen);
    } else if (travelled > CLICK_PX) {
      actions.setView(store.view.peek().pan(seen.x - last.x, seen.y - last.y));
      pointTo(seen);
    }
  };

  const onPointerDown = (event: PointerEvent) => {
    if (event.button !== 0) return;
    travelled = 0;
    if (onSwipeLine(seenAt(event))) {
      swiping = true;
      actions.point(null);
      canvas.setPointerCapture(event.pointerId);
      return;
    }
    pointers.set(event.pointerId, seenAt(event));
    canvas.setPointerCapture(event.pointerId);
  };

  const onPointerEnd = (event: PointerEvent) => {
    swiping = false;
    if (!pointers.delete(event.pointerId) || event.type === "pointercancel") return;
    if (travelled <= CLICK_PX) {
      active = true;
      actions.selectTile(tile);
      pointTo(seenAt(event));
    }
  };

  const onPointerLeave = () => {
    active = false;
    if (pointers.size > 0) return;
    actions.point(null);
    actions.focusTile(null);
  };

  const onWheel = (event: WheelEvent) => {
    if (!(event.ctrlKey || event.metaKey || active)) return;
    event.preventDefault();
    event.stopPropagation();
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * 16 : event.deltaY;
    // A trackpad's pinch arrives as small deltas with Ctrl held.
    const speed = event.ctrlKey && Math.abs(pixels) < 50 ? 1 / 60 : 1 / 300;
    const seen = seenAt(event);
    zoom(2 ** (-pixels * speed), seen);
    pointTo(seen);
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ARROWS[event.key];
    if (arrow) {
      const view = store.view.peek();
      const step = (event.shiftKey ? 10 * STEP : STEP) / view.k;
      const from = store.crosshair.peek() ?? view.invert({ x: 0.5, y: 0.5 });
      const to = {
        x: Math.min(Math.max(from.x + arrow[0] * step, 0), 1),
        y: Math.min(Math.max(from.y + arrow[1] * step, 0), 1),
      };
      actions.point(to);
      actions.setView(view.reveal(to));
    } else if (event.key === "+" || event.key === "=" || event.key === "-") {
      const at = store.crosshair.peek();
      zoom(event.key === "-" ? 1 / 1.5 : 1.5, at ? store.view.peek().apply(at) : undefined);
    } else if (event.key === "0") {
      actions.resetView();
    } else if (event.key === "Enter" || event.key === " ") {
      actions.selectTile(tile);
    } else if (event.key === "Escape") {
      active = false;
      actions.point(null);
    } else {
      return;
    }
    event.preventDefault();
  };

  const options = { signal: listening.signal };
  const focus = () => actions.focusTile(tile);
  canvas.addEventListener("pointermove", onPointerMove, options);
  canvas.addEventListener("pointerdown", onPointerDown, options);
  canvas.addEventListener("pointerup", onPointerEnd, options);
  canvas.addEventListener("pointercancel", onPointerEnd, options);
  canvas.addEventListener("pointerenter", focus, options);
  canvas.addEventListener("pointerleave", onPointerLeave, options);
  canvas.addEventListener("focus", focus, options);
  canvas.addEventListener("wheel", onWheel, { ...options, passive: false });
  canvas.addEventListener("keydown", onKeyDown, options);
  canvas.addEventListener("dblclick", (event) => zoom(event.shiftKey ? 0.5 : 2, seenAt(event)), options);
  return () => listening.abort();
}
