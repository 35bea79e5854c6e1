import { type Point, Transform } from "./canvas/transform";
import type { Session } from "./session";
import type { Compare, Store, Target, Traits } from "./store";

type Drawing = Pick<Traits, "opacity" | "threshold" | "colormap" | "sign" | "scale">;

/** Everything a user can do, by name. */
export interface Actions {
  chooseLayer(path: string): void;
  chooseTarget(target: Target): void;
  chooseMethod(id: string): void;
  setParam(name: string, value: unknown): void;
  compareBy(compare: Compare): void;
  addColumn(value: Target): void;
  removeColumn(value: Target): void;
  /** While a slider moves: redraw, tell nobody. */
  preview(drawing: Partial<Drawing>): void;
  commit(drawing: Partial<Drawing>): void;
  selectImage(image: number): void;
  point(at: Point | null): void;
  focusTile(tile: { image: number; column: number } | null): void;
  setView(view: Transform): void;
  resetView(): void;
  cancel(): void;
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

  return {
    chooseLayer: (layer) => ask({ layer }),
    chooseTarget: (target) => ask({ target }),
    chooseMethod(method) {
      if (method !== traits.method.peek()) session.set({ method, params: {} });
    },
    setParam: (name, value) => session.set({ params: { ...traits.params.peek(), [name]: value } }),
    compareBy(compare) {
      if (compare !== traits.compare.peek())
        session.set({ compare, compare_with: firstColumns(store, compare) });
    },
    addColumn(value) {
      const columns = traits.compare_with.peek();
      if (!columns.includes(value)) session.set({ compare_with: [...columns, value] });
    },
    removeColumn(value) {
      const rest = traits.compare_with.peek().filter((column) => column !== value);
      session.set(rest.length > 0 ? { compare_with: rest } : { compare: "none", compare_with: [] });
    },
    preview(drawing) {
      for (const [name, value] of Object.entries(drawing)) {
        traits[name as keyof Drawing].value = value as never;
      }
    },
    commit: (drawing) => session.set(drawing),
    selectImage(image) {
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
    cancel: () => session.cancel(),
    dismissError() {
      store.failure.value = null;
    },
  };
}

/** What one sees first after asking for a comparison: the current choice and its nearest neighbours. */
function firstColumns(store: Store, compare: Compare): Target[] {
  const { traits, welcome } = store;
  const known = welcome.peek();
  if (compare === "none" || !known) return [];
  if (compare === "targets") {
    const tops = ["top", "top-2", "top-3"].slice(0, Math.max(1, known.inspection.classes));
    const target = traits.target.peek();
    return tops.includes(String(target)) ? tops : [target, ...tops.slice(0, 2)];
  }
  if (compare === "methods") {
    const method = traits.method.peek();
    const others = known.catalogue.filter((entry) => entry.id !== method).map((entry) => entry.id);
    return [method, ...others.slice(0, 2)];
  }
  const candidates = known.inspection.layers.filter((layer) => layer.is_candidate).map((layer) => layer.path);
  const layer = traits.layer.peek();
  const at = candidates.indexOf(layer);
  return [...candidates.slice(Math.max(0, at - 2), at), layer];
}
