/** Long lists of which only the rows in sight are rendered. */

import { computed, type ReadonlySignal, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";

/** Browsers lay nothing out beyond some 17 million pixels; longer lists scroll faster than the pointer. */
export const LONGEST = 12e6;

/** Where the rows of a list lie, in pixels. */
export interface RowPlaces {
  count: number;
  /** Also of the end, as the row after the last one. */
  topOf(row: number): number;
  /** The row at a place. */
  rowAt(top: number): number;
}

interface Sight {
  /** Pixels of the box that scrolls. */
  height: number;
  /** How many rows beyond those in sight are rendered. */
  ahead: number;
}

interface RowRange {
  first: number;
  last: number;
  /** From where a row lies to where it is drawn: in lists that are too long for a browser, as far as they scroll. */
  offset: number;
}

/** Pixels that a browser lays a list out in. */
export const lengthOf = ({ count, topOf }: RowPlaces) => Math.min(topOf(count), LONGEST);

/** From pixels of a list to those that it is scrolled by. */
export function scrollFactor(rows: RowPlaces, height: number): number {
  const total = rows.topOf(rows.count);
  return total > LONGEST ? (LONGEST - height) / (total - height) : 1;
}

/** The rows to render of a list that is scrolled by so many pixels. */
export function rowsInSight(scrolled: number, rows: RowPlaces, { height, ahead }: Sight): RowRange {
  const top = scrolled / scrollFactor(rows, height);
  return {
    first: Math.max(0, rows.rowAt(top) - ahead),
    last: Math.min(rows.count, rows.rowAt(top + height) + 1 + ahead),
    // Moved by whole pixels, rows keep the pixels that they are drawn on.
    offset: Math.round(scrolled - top),
  };
}

/** A box that scrolls and its rows in sight; a component renders anew only when other rows come into sight. */
export function useRowsInSight(box: RefObject<HTMLDivElement>, rows: RowPlaces, sight: ReadonlySignal<Sight>) {
  const scrolled = useSignal(0);
  const follow = () => {
    scrolled.value = box.current?.scrollTop ?? 0;
  };
  const scrollTo = (top: number) => {
    if (box.current) box.current.scrollTop = top;
    follow();
  };
  const parts = useMemo(() => {
    const part = (name: keyof RowRange) => computed(() => rowsInSight(scrolled.value, rows, sight.value)[name]);
    return [part("first"), part("last"), part("offset")];
  }, [rows]);
  const [first, last, offset] = parts.map((part) => part.value);
  return { first, last, offset, scrolled, follow, scrollTo };
}

/** Pixels of a list's box until it is measured. */
const HEIGHT = 400;
const LIST_AHEAD = 8;
/** Shorter lists are rendered whole, so that the page's own search finds their rows. */
const WHOLE = 60;

/** A list whose rows are equally high. */
export function useVirtualList(count: number, pitch: number) {
  const box = useRef<HTMLDivElement>(null);
  const sight = useSignal<Sight>({ height: HEIGHT, ahead: LIST_AHEAD });
  const rows = useMemo<RowPlaces>(
    () => ({ count, topOf: (row) => row * pitch, rowAt: (top) => Math.floor(top / pitch) }),
    [count, pitch],
  );
  const { first, last, offset, follow, scrollTo } = useRowsInSight(box, rows, sight);
  useEffect(() => {
    if (!box.current) return;
    // Asking for the height while rendering would make the browser lay out the page.
    const observer = new ResizeObserver((entries) => {
      const { height } = entries[entries.length - 1].contentRect;
      sight.value = { ...sight.peek(), height: height || HEIGHT };
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
  const range = count > WHOLE ? { first, last } : { first: 0, last: count };
  const above = range.first * pitch + offset;
  const below = lengthOf(rows) - offset - range.last * pitch;
  const padding = { paddingTop: `${above}px`, paddingBottom: `${Math.max(0, below)}px` };
  return { box, ...range, padding, onScroll: follow, reveal };
}
