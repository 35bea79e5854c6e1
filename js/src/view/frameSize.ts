import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useLayoutEffect } from "preact/hooks";

/** Pixels below which a view is laid out for a narrow column, and from which on it has a third column. */
const NARROW = 600;
const THREE_COLUMNS = 960;

const HIGHEST = 760;
const PART_OF_WINDOW = 0.85;

/** The height of a view as CSS; one that is not chosen stays within the window. */
export function heightOf(chosen: number | null): string {
  if (chosen !== null) return `${chosen}px`;
  // Hosts let the frame of an output grow with it, so that the frame's own height says nothing.
  const isFramed = window.parent !== window;
  const tallest = isFramed ? `${Math.round(PART_OF_WINDOW * screen.availHeight)}px` : `${100 * PART_OF_WINDOW}vh`;
  return `min(${HIGHEST}px, ${tallest})`;
}

/** What there is room for side by side in a view. */
export function useFrameSize(frame: RefObject<HTMLElement>) {
  const narrow = useSignal(false);
  const hasThirdColumn = useSignal(false);
  useLayoutEffect(() => {
    if (!frame.current) return;
    const fit = (width: number) => {
      if (width <= 0) return;
      narrow.value = width < NARROW;
      hasThirdColumn.value = width >= THREE_COLUMNS;
    };
    const observer = new ResizeObserver((entries) => fit(entries[entries.length - 1].contentRect.width));
    observer.observe(frame.current);
    // Before anything is seen.
    fit(frame.current.clientWidth);
    return () => observer.disconnect();
  }, []);
  return { narrow: narrow.value, hasThirdColumn: hasThirdColumn.value };
}
