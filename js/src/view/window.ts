import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

const AHEAD = 8;
/** Until it is known. */
const HEIGHT = 400;
/** Shorter lists are rendered whole, so that the page's own search finds their rows. */
const WHOLE = 60;

/** Renders only the rows of a long list that are in sight; rows are equally high. */
export function useWindow(count: number, rowHeight: number) {
  const box = useRef<HTMLDivElement>(null);
  const top = useSignal(0);
  const height = useSignal(HEIGHT);
  useEffect(() => {
    if (!box.current) return;
    // Asking for the height while rendering would make the browser lay out the page.
    const observer = new ResizeObserver((entries) => {
      height.value = entries[entries.length - 1].contentRect.height || HEIGHT;
    });
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  const whole = count <= WHOLE;
  const first = whole ? 0 : Math.max(0, Math.floor(top.value / rowHeight) - AHEAD);
  const last = whole ? count : Math.min(count, Math.ceil((top.value + height.value) / rowHeight) + AHEAD);
  return {
    box,
    first,
    last,
    padding: { paddingTop: `${first * rowHeight}px`, paddingBottom: `${(count - last) * rowHeight}px` },
    onScroll: () => {
      top.value = box.current?.scrollTop ?? 0;
    },
    reveal(index: number, centred = false) {
      const list = box.current;
      if (!list || index < 0) return;
      const at = index * rowHeight;
      if (at >= list.scrollTop && at + rowHeight <= list.scrollTop + list.clientHeight) return;
      if (centred) list.scrollTop = at - (list.clientHeight - rowHeight) / 2;
      else if (at < list.scrollTop) list.scrollTop = at;
      else list.scrollTop = at + rowHeight - list.clientHeight;
      top.value = list.scrollTop;
    },
  };
}
