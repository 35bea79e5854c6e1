/** Long lists of which only the rows in sight are rendered; rows are equally high. */

import { computed, type ReadonlySignal, useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";

/** Browsers lay nothing out beyond some 17 million pixels; longer lists scroll faster than the pointer. */
export const LONGEST = 12e6;

/** Rows that are rendered until their height is known. */
const UNMEASURED = 24;

interface Geometry {
  /** Pixels of the box that scrolls. */
  height: number;
  /** Pixels from one row to the next, the gap between them included; 0 until they are measured. */
  pitch: number;
  gap: number;
  /** How many rows beyond those in sight are rendered. */
  ahead: number;
}

interface RowRange {
  first: number;
  last: number;
  /** Pixels left free above and below the rows. */
  above: number;
  below: number;
}

/** The rows to render of a list that is scrolled by so many pixels. */
export function rowsInSight(scrolled: number, rows: number, { height, pitch, gap, ahead }: Geometry): RowRange {
  if (pitch <= 0) return { first: 0, last: Math.min(rows, UNMEASURED), above: 0, below: 0 };
  const total = rows * pitch - gap;
  const factor = total > LONGEST ? (LONGEST - height) / (total - height) : 1;
  const top = scrolled / factor;
  const first = Math.max(0, Math.floor(top / pitch) - ahead);
  const last = Math.min(rows, Math.ceil((top + height) / pitch) + ahead);
  const space = (pixels: number) => Math.max(0, pixels - gap);
  // Moved by whole pixels, rows keep the pixels that they are drawn on.
  const above = Math.round(scrolled - top) + first * pitch;
  const length = Math.min(total, LONGEST) + gap;
  return { first, last, above: space(above), below: space(length - above - (last - first) * pitch) };
}

/** A box that scrolls and its rows in sight; a component renders anew only when other rows come into sight. */
function useRowsInSight(rows: number, geometry: ReadonlySignal<Geometry>) {
  const box = useRef<HTMLDivElement>(null);
  const scrolled = useSignal(0);
  const follow = () => {
    scrolled.value = box.current?.scrollTop ?? 0;
  };
  const scrollTo = (top: number) => {
    if (box.current) box.current.scrollTop = top;
    follow();
  };
  const parts = useMemo(() => {
    const part = (name: keyof RowRange) => computed(() => rowsInSight(scrolled.value, rows, geometry.value)[name]);
    return [part("first"), part("last"), part("above"), part("below")];
  }, [rows]);
  const [first, last, above, below] = parts.map((part) => part.value);
  const range = { first, last, above, below };
  return { box, range, follow, scrollTo };
}

/** Pixels of a list's box until it is measured. */
const HEIGHT = 400;
const LIST_AHEAD = 8;
/** Shorter lists are rendered whole, so that the page's own search finds their rows. */
const WHOLE = 60;

/** A list whose rows have a known height. */
export function useVirtualList(count: number, pitch: number) {
  const geometry = useSignal<Geometry>({ height: HEIGHT, pitch, gap: 0, ahead: LIST_AHEAD });
  const { box, range, follow, scrollTo } = useRowsInSight(count, geometry);
  useEffect(() => {
    if (!box.current) return;
    // Asking for the height while rendering would make the browser lay out the page.
    const observer = new ResizeObserver((entries) => {
      const { height } = entries[entries.length - 1].contentRect;
      geometry.value = { ...geometry.peek(), height: height || HEIGHT };
      // A box that was hidden gets its place back without an event.
      follow();
    });
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  const reveal = (index: number, centred = false) => {
    const list = box.current;
    if (!list || index < 0 || list.clientHeight === 0) return;
    const { scrollTop, clientHeight } = list;
    const top = index * pitch;
    const room = clientHeight - pitch;
    if (top >= scrollTop && top <= scrollTop + room) return;
    scrollTo(centred ? top - room / 2 : top < scrollTop ? top : top - room);
  };
  const { first, last, above, below } = count > WHOLE ? range : { first: 0, last: count, above: 0, below: 0 };
  const padding = { paddingTop: `${above}px`, paddingBottom: `${below}px` };
  return { box, first, last, padding, onScroll: follow, reveal };
}

const GRID_GAP = 12;
const GRID_AHEAD = 2;
/** Up to so many images the grid is as high as it needs; more of them scroll within it. */
const MANY = 24;
const MANY_ROWS = 8;

/**
 * The images of a grid whose rows are in sight; one image a row where there are several columns. Another arrangement
 * of them begins at the top.
 */
export function useVirtualGrid(count: number, columns: number, arrangement: string) {
  const many = count > (columns > 1 ? MANY_ROWS : MANY);
  const perRow = useSignal(1);
  const geometry = useSignal<Geometry>({ height: 0, pitch: 0, gap: GRID_GAP, ahead: GRID_AHEAD });
  const { box, range, follow, scrollTo } = useRowsInSight(Math.ceil(count / perRow.value), geometry);

  useLayoutEffect(() => scrollTo(0), [arrangement]);
  useLayoutEffect(() => {
    const sheet = box.current;
    if (!sheet || !many) return;
    const measure = () => {
      const tile = sheet.querySelector<HTMLElement>("[data-kx-tile]");
      const grid = tile?.parentElement;
      if (!grid || tile.offsetHeight === 0) return;
      const tracks = getComputedStyle(grid).gridTemplateColumns.split(" ").length;
      perRow.value = columns > 1 ? 1 : tracks;
      const pitch = tile.getBoundingClientRect().height + GRID_GAP;
      geometry.value = { ...geometry.peek(), height: sheet.clientHeight, pitch };
    };
    const observer = new ResizeObserver(measure);
    observer.observe(sheet);
    measure();
    return () => observer.disconnect();
  }, [many, columns]);

  if (!many) return { box, many, first: 0, last: count, above: 0, below: 0, onScroll: follow };
  const [first, last] = [range.first * perRow.value, Math.min(range.last * perRow.value, count)];
  return { box, many, ...range, first, last, onScroll: follow };
}
