import type { RefObject } from "preact";
import { useLayoutEffect } from "preact/hooks";

/**
 * Marks a view that has slid under a resting pointer with `data-passing`, until the pointer moves in it or something in
 * it gets the focus: the wheel that brought it there goes on scrolling the notebook, and not the grid.
 */
export function useWheelPassing(frame: RefObject<HTMLElement>): void {
  useLayoutEffect(() => {
    const view = frame.current;
    if (!view) return;
    const listening = new AbortController();
    const { signal } = listening;
    const { host } = view.getRootNode() as ShadowRoot;
    let [x, y] = [Number.NaN, Number.NaN];
    // What scrolls within the view is not seen outside its shadow root.
    const onScroll = ({ target }: Event) => {
      if ((target as Node).contains(host)) view.dataset.passing = "";
    };
    const enter = () => delete view.dataset.passing;
    const onPointerMove = (event: PointerEvent) => {
      // Browsers report a move, too, where only the page has moved.
      const isMoved = event.clientX !== x || event.clientY !== y;
      [x, y] = [event.clientX, event.clientY];
      if (isMoved && event.composedPath().includes(view)) enter();
    };
    document.addEventListener("scroll", onScroll, { capture: true, passive: true, signal });
    document.addEventListener("pointermove", onPointerMove, { capture: true, passive: true, signal });
    view.addEventListener("pointerdown", enter, { passive: true, signal });
    view.addEventListener("focusin", enter, { signal });
    return () => listening.abort();
  }, []);
}
