/** The tiles of a grid that are in sight, and where they lie. */

import { useComputed, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { focusedImage, type Store } from "../state/store";
import {
  columnLayout,
  fittingColumnHeight,
  fittingHeight,
  GAP,
  type GridLayout,
  justifiedLayout,
  NARROWEST,
  rowAt,
  WIDEST,
} from "./gridLayout";
import { lengthOf, type RowPlaces, scrollFactor, useRowsInSight } from "./useVirtualList";

/** Pixels around the tiles. */
const MARGIN = 12;
/** Pixels above the tiles of a comparison. */
const HEADING = 30;
/** How many rows beyond those in sight are rendered. */
const AHEAD = 2;

interface GridContent {
  columns: number;
  /** Pixels below every picture. */
  caption: number;
}

/** Width over height of each picture, in the order of the rows. */
function useAspects(store: Store): Float32Array {
  const images = store.rows.value;
  const pictures = store.traits._images.value;
  // Pictures of a store are still to come, and must not move the rows then.
  const isStored = store.stored.value !== null;
  return useMemo(
    () =>
      Float32Array.from(images, (image) => {
        if (isStored) return 1;
        const { width, height } = pictures[image];
        return Math.min(Math.max(width / height, NARROWEST), WIDEST);
      }),
    // Those of a store come and go.
    [images, isStored || pictures],
  );
}

/** The size of a box that scrolls, 0 until it is seen. */
function useRoom(box: RefObject<HTMLElement>) {
  const width = useSignal(0);
  const height = useSignal(0);
  useLayoutEffect(() => {
    const sheet = box.current;
    if (!sheet) return;
    const measure = () => {
      if (sheet.clientWidth === 0) return;
      width.value = sheet.clientWidth;
      height.value = sheet.clientHeight;
    };
    const observer = new ResizeObserver(measure);
    observer.observe(sheet);
    // Before anything is seen.
    measure();
    return () => observer.disconnect();
  }, []);
  return { width, height };
}

function useLayout(store: Store, { columns, caption }: GridContent, width: number, height: number): GridLayout {
  const aspects = useAspects(store);
  const chosen = store.tileHeight.value;
  const room = {
    width: Math.max(1, width - 2 * MARGIN),
    height: height - 2 * MARGIN - (columns > 1 ? HEADING : 0),
    caption,
  };
  const inputs = [aspects, columns, ...Object.values(room)];
  const fitting = useMemo(
    () => (columns > 1 ? fittingColumnHeight(aspects, columns, room) : fittingHeight(aspects, room)),
    inputs,
  );
  useLayoutEffect(() => {
    store.fittingHeight.value = fitting;
  }, [fitting]);
  const most = chosen ?? fitting;
  return useMemo(
    () => (columns > 1 ? columnLayout(aspects, columns, most, room) : justifiedLayout(aspects, most, room)),
    [...inputs, most],
  );
}

/** Another arrangement of the images begins at the top; in another layout of them what was looked at stays in sight. */
function useAnchor(
  store: Store,
  layout: GridLayout,
  columns: number,
  rows: RowPlaces,
  box: RefObject<HTMLElement>,
  grid: ReturnType<typeof useRowsInSight>,
) {
  const arrangement = `${store.traits.show.value}, ${store.traits.sort.value}`;
  const previous = useRef({ layout, columns, arrangement, rows });
  useLayoutEffect(() => {
    const { layout: previousLayout, ...last } = previous.current;
    previous.current = { layout, columns, arrangement, rows };
    if (last.arrangement !== arrangement) return grid.scrollTo(0);
    if (previousLayout === layout || !box.current) return;
    const height = box.current.clientHeight;
    const top = grid.scrolled.peek() / scrollFactor(last.rows, height);
    const room = height - (columns > 1 ? HEADING : 0);
    const isInSight = (row: number) => previousLayout.tops[row + 1] > top && previousLayout.tops[row] < top + room;
    let place = store.rows.peek().indexOf(focusedImage(store));
    let row = rowAt(previousLayout.starts, place);
    if (place < 0 || (last.columns === columns && !isInSight(row))) {
      row = rowAt(previousLayout.tops, top);
      place = previousLayout.starts[row];
    }
    const to = rowAt(layout.starts, place);
    const free = Math.max(0, room - (layout.tops[to + 1] - layout.tops[to]));
    const above = Math.min(Math.max(previousLayout.tops[row] - top, 0), free);
    grid.scrollTo((layout.tops[to] - above) * scrollFactor(rows, height));
  }, [layout, arrangement]);
}

/** Hosts take cells that are out of sight out of the page, and what scrolls in them is at its top when they come back. */
function useKeptPlace(box: RefObject<HTMLElement>, { scrolled, scrollTo }: ReturnType<typeof useRowsInSight>) {
  useLayoutEffect(() => {
    const sheet = box.current;
    if (!sheet) return;
    const observer = new ResizeObserver(() => {
      if (sheet.clientHeight > 0 && sheet.scrollTop !== scrolled.peek()) scrollTo(scrolled.peek());
    });
    observer.observe(sheet);
    return () => observer.disconnect();
  }, []);
}

/** The images whose rows are in sight, as places in the order of the rows. */
export function useVirtualGrid(store: Store, content: GridContent) {
  const box = useRef<HTMLDivElement>(null);
  const room = useRoom(box);
  const sight = useComputed(() => ({ height: room.height.value, ahead: AHEAD }));
  const layout = useLayout(store, content, room.width.value, room.height.value);
  const rows = useMemo<RowPlaces>(() => {
    const { tops, heights } = layout;
    return { count: heights.length, topOf: (row) => tops[row], rowAt: (top) => rowAt(tops, top) };
  }, [layout]);
  const grid = useRowsInSight(box, rows, sight);
  useAnchor(store, layout, content.columns, rows, box, grid);
  useKeptPlace(box, grid);
  const first = layout.starts[grid.first];
  const last = room.width.value > 0 ? layout.starts[grid.last] : first;
  return { box, ...grid, layout, first, last, length: Math.max(0, lengthOf(rows) - GAP) };
}
