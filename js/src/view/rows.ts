import { useComputed, useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";

const AHEAD = 2;
const GAP = 12;
/** Up to so many images the grid is as high as it needs; more of them scroll within it. */
const MANY = 24;
const MANY_ROWS = 8;
/** Browsers lay nothing out beyond some 17 million pixels; longer grids scroll faster than the pointer. */
export const LONGEST = 12e6;

/** The rows to render, and the room above and below them, in a grid that is scrolled by so many pixels. */
export function windowOf(scrolled: number, height: number, pitch: number, rows: number) {
  const total = rows * pitch - GAP;
  const factor = total > LONGEST ? (LONGEST - height) / (total - height) : 1;
  const top = scrolled / factor;
  const first = Math.max(0, Math.floor(top / pitch) - AHEAD);
  const last = Math.min(rows, Math.ceil((top + height) / pitch) + AHEAD);
  const space = (pixels: number) => Math.max(0, pixels - GAP);
  // Moved by whole pixels, rows keep the pixels that they are drawn on.
  const above = Math.round(scrolled - top) + first * pitch;
  const whole = Math.min(total, LONGEST) + GAP;
  return { first, last, above: space(above), below: space(whole - above - (last - first) * pitch) };
}

/**
 * The images whose rows are in sight, rows being equally high; one image a row where there are several columns.
 * Another arrangement of them begins at the top.
 */
export function useRows(count: number, columns: number, arrangement: string) {
  const box = useRef<HTMLDivElement>(null);
  const many = count > (columns > 1 ? MANY_ROWS : MANY);
  const top = useSignal(0);
  const layout = useSignal({ height: 0, pitch: 0, perRow: 1 });

  useLayoutEffect(() => {
    if (box.current) box.current.scrollTop = 0;
    top.value = 0;
  }, [arrangement]);

  useLayoutEffect(() => {
    const sheet = box.current;
    if (!sheet || !many) return;
    const measure = () => {
      const tile = sheet.querySelector<HTMLElement>("[data-kx-tile]");
      const grid = tile?.parentElement;
      if (!grid || tile.offsetHeight === 0) return;
      const tracks = getComputedStyle(grid).gridTemplateColumns.split(" ").length;
      layout.value = {
        height: sheet.clientHeight,
        pitch: tile.getBoundingClientRect().height + GAP,
        perRow: columns > 1 ? 1 : tracks,
      };
    };
    const observer = new ResizeObserver(measure);
    observer.observe(sheet);
    measure();
    return () => observer.disconnect();
  }, [many, columns]);

  // Computed, so that a component that uses them renders only when another row comes into sight.
  const length = useSignal(count);
  length.value = count;
  const windowNow = () => {
    const { height, pitch, perRow } = layout.value;
    const rows = Math.ceil(length.value / perRow);
    if (pitch > 0) return windowOf(top.value, height, pitch, rows);
    return { first: 0, last: Math.min(MANY, rows), above: 0, below: 0 };
  };
  const [first, last, above, below] = (["first", "last", "above", "below"] as const).map(
    (name) => useComputed(() => windowNow()[name]).value,
  );
  const { perRow } = layout.value;
  return {
    box,
    many,
    first: many ? first * perRow : 0,
    last: many ? Math.min(last * perRow, count) : count,
    above: many ? above : 0,
    below: many ? below : 0,
    onScroll: () => {
      top.value = box.current?.scrollTop ?? 0;
    },
  };
}
