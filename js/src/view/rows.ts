import { useComputed, useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";

const AHEAD = 2;
const GAP = 12;
/** Up to so many images the grid is as high as it needs; more of them scroll within it. */
const MANY = 24;
const MANY_ROWS = 8;

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
        pitch: tile.offsetHeight + GAP,
        perRow: columns > 1 ? 1 : tracks,
      };
    };
    const observer = new ResizeObserver(measure);
    observer.observe(sheet);
    measure();
    return () => observer.disconnect();
  }, [many, columns]);

  // Computed, so that a component that uses them renders only when another row comes into sight.
  const first = useComputed(() => {
    const { pitch } = layout.value;
    return pitch > 0 ? Math.max(0, Math.floor(top.value / pitch) - AHEAD) : 0;
  }).value;
  const last = useComputed(() => {
    const { height, pitch } = layout.value;
    return pitch > 0 ? Math.ceil((top.value + height) / pitch) + AHEAD : MANY;
  }).value;
  const { pitch, perRow } = layout.value;
  const rows = Math.ceil(count / perRow);
  const end = Math.min(last, rows);
  const space = (of: number) => (of > 0 ? of * pitch - GAP : 0);
  return {
    box,
    many,
    first: many ? first * perRow : 0,
    last: many ? Math.min(end * perRow, count) : count,
    above: many ? space(first) : 0,
    below: many ? space(rows - end) : 0,
    onScroll: () => {
      top.value = box.current?.scrollTop ?? 0;
    },
  };
}
