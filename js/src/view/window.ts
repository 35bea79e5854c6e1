import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";

const AHEAD = 8;
/** Shorter lists are rendered whole, so that the page's own search finds their rows. */
const WHOLE = 60;

/** Renders only the rows of a long list that are in sight; rows are equally high. */
export function useWindow(count: number, rowHeight: number) {
  const box = useRef<HTMLDivElement>(null);
  const top = useSignal(0);
  const whole = count <= WHOLE;
  // Asking for the height makes the browser lay out the page.
  const height = whole ? 0 : box.current?.clientHeight || 400;
  const first = whole ? 0 : Math.max(0, Math.floor(top.value / rowHeight) - AHEAD);
  const last = whole ? count : Math.min(count, Math.ceil((top.value + height) / rowHeight) + AHEAD);
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
