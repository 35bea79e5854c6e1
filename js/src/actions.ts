import type { Sort } from "./arrange";
import { type Point, Transform } from "./canvas/transform";
import type { Session } from "./session";
import {
  type Asked,
  type Compare,
  comparedValues,
  focusedImage,
  LEAST_SPAN,
  type Limits,
  type Store,
  type Target,
  type Traits,
  WHOLE_SCALE,
} from "./store";
import { chosenColumn } from "./thumbnails";

type Drawing = Pick<Traits, "opacity" | "threshold" | "colormap" | "sign" | "scale">;

/** Everything a user can do, by name. */
export interface Actions {
  chooseLayer(path: string): void;
  chooseTarget(target: Target): void;
  chooseMethod(id: string): void;
  /** Undefined takes the parameter away. */
  setParam(name: string, value: unknown): void;
  compareBy(compare: Compare): void;
  removeColumn(value: Target): void;
  /** While a slider moves: redraw, tell nobody. */
  preview(drawing: Partial<Drawing>): void;
  commit(drawing: Partial<Drawing>): void;
  /** Only the colours move: no trait, nothing to tell Python. */
  show(kind: "cells" | "pixelated", on: boolean): void;
  swipe(to: number): void;
  setLimits(limits: Partial<Limits>): void;
  resetLimits(): void;
  /** Which rows are shown, and in which order; nobody is asked. */
  showRows(filter: string): void;
  sortRows(sort: Sort): void;
  selectTile(tile: { image: number; column: number }): void;
  point(at: Point | null): void;
  focusTile(tile: { image: number; column: number } | null): void;
  setView(view: Transform): void;
  resetView(): void;
  /** A question that was answered before, as a whole. */
  recall(asked: Asked): void;
  cancel(): void;
  wantThumbnails(): void;
  /** The images whose rows are near sight. */
  look(images: readonly number[]): void;
  fetchFile(format: string, column: number): Promise<Blob>;
  fail(message: string): void;
  dismissError(): void;
}

export function createActions(store: Store, session: Session): Actions {
  const { traits } = store;
  const ask = (values: Partial<Traits>) => {
    const changed = Object.entries(values).some(
      ([name, value]) => traits[name as keyof Traits].peek() !== value,
    );
    if (changed) session.set(values);
  };
  /** While a dimension is compared, what is chosen in it becomes one more column. */
  const withColumn = (compare: Compare, value: Target): Partial<Traits> => {
    const columns = comparedValues(store);
    if (traits.compare.peek() !== compare || columns.includes(value)) return {};
    return { compare_with: [...columns, value] };
  };

  return {
    chooseLayer: (layer) => ask({ layer, ...withColumn("layers", layer) }),
    chooseTarget: (target) => ask({ target, ...withColumn("targets", target) }),
    chooseMethod(method) {
      const before = traits.params.peek();
      const wrappers = store.welcome.peek()?.wrappers.map(({ id }) => id) ?? [];
      const kept = Object.entries(before).filter(([name]) => wrappers.includes(name));
      const params = method === traits.method.peek() ? before : Object.fromEntries(kept);
      ask({ method, params, ...withColumn("methods", method) });
    },
    setParam(name, value) {
      const { [name]: _, ...rest } = traits.params.peek();
      session.set({ params: value === undefined ? rest : { ...rest, [name]: value } });
    },
    compareBy(compare) {
      if (compare !== traits.compare.peek()) session.set({ compare, compare_with: [] });
    },
    removeColumn(value) {
      const rest = comparedValues(store).filter((column) => column !== value);
      session.set(rest.length > 0 ? { compare_with: rest } : { compare: "none", compare_with: [] });
    },
    preview(drawing) {
      for (const [name, value] of Object.entries(drawing)) {
        traits[name as keyof Drawing].value = value as never;
      }
    },
    commit: (drawing) => session.set(drawing),
    show(kind, on) {
      store[kind].value = on;
    },
    swipe(to) {
      store.swipe.value = Math.min(Math.max(to, 0), 1);
    },
    setLimits(limits) {
      const { low, high } = { ...store.limits.peek(), ...limits };
      const end = Math.min(Math.max(high, LEAST_SPAN), 1);
      store.limits.value = { low: Math.min(Math.max(low, 0), end - LEAST_SPAN), high: end };
    },
    resetLimits() {
      store.limits.value = WHOLE_SCALE;
    },
    showRows(filter) {
      store.filter.value = filter;
    },
    sortRows(sort) {
      store.sort.value = sort;
    },
    selectTile({ image, column }) {
      store.chosenColumn.value = column;
      if (traits.selected.peek()[0] !== image) session.set({ selected: [image] });
    },
    point(at) {
      store.crosshair.value = at;
    },
    focusTile(tile) {
      const now = store.focus.peek();
      if (now?.image !== tile?.image || now?.column !== tile?.column) store.focus.value = tile;
    },
    setView(view) {
      store.view.value = view;
    },
    resetView() {
      store.view.value = Transform.identity;
      store.crosshair.value = null;
    },
    recall: (asked) => session.set(asked),
    cancel: () => session.cancel(),
    wantThumbnails: () => session.want(focusedImage(store), chosenColumn(store)),
    look: session.look,
    fetchFile: session.fetchFile,
    fail(message) {
      store.failure.value = { message, hint: "", traceback: "" };
    },
    dismissError() {
      store.failure.value = null;
    },
  };
}
