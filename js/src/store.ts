import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { arrange, countFilters, type Known, knownOf, knownOfShelf, type Sort, sortsOf } from "./arrange";
import { type Point, Transform } from "./canvas/transform";
import type { Binary } from "./codec";
import { lastSegment, shortNames } from "./format";
import type { Column, InspectionRecord, Item, MethodRecord, WrapperRecord } from "./kernel/protocol";
import { type Extent, magnitude, type Scale, type Sign } from "./postprocess";
import type { Shelf } from "./shelf";
import type { Thumbnails } from "./thumbnails";

export type Compare = "none" | "targets" | "methods" | "layers";
export type Target = string | number;

/** A picture as the kernel encoded it; `box` is the part of it that the model saw, in fractions. */
export interface Picture {
  name: string;
  width: number;
  height: number;
  box: number[];
  mime: string;
  /** Why there is none. */
  problem?: string;
  data: Binary;
}

/** What is synced with Python, under the names it has there. */
export interface Traits {
  layer: string;
  method: string;
  target: Target;
  params: Record<string, unknown>;
  compare: Compare;
  compare_with: Target[];
  sign: Sign;
  scale: Scale;
  colormap: string;
  opacity: number;
  threshold: number;
  selected: number[];
  /** The true class of each image, null where it is unknown; empty where no labels were given. */
  labels: (number | null)[];
  theme: "auto" | "light" | "dark";
  _images: Picture[];
}

/** The traits that make a question. */
export const QUESTION = ["layer", "method", "target", "params", "compare", "compare_with"] as const;
export type Asked = Pick<Traits, (typeof QUESTION)[number]>;

/** What can be asked while no kernel answers: only what was answered before. */
export interface Offer {
  asked: readonly Asked[];
  /** This page will never have a kernel. */
  alone: boolean;
  /** They are those of a store, whose model is not here. */
  stored: boolean;
  /** So many older answers had no room. */
  leftOut: number;
  /** Maps were averaged down to so many cells a side; null where they are as they were. */
  side: number | null;
}

export const DEFAULTS: Readonly<Traits> = {
  layer: "",
  method: "",
  target: "top",
  params: {},
  compare: "none",
  compare_with: [],
  sign: "positive",
  scale: "map",
  colormap: "viridis",
  opacity: 0.6,
  threshold: 0,
  selected: [0],
  labels: [],
  theme: "auto",
  _images: [],
};

export interface TileMap {
  item: Item;
  values: Float32Array;
  extent: Extent;
}

export interface Answer {
  gen: number;
  columns: Column[];
  /** By `tileKey`. */
  tiles: ReadonlyMap<string, TileMap>;
}

export interface Welcome {
  catalogue: MethodRecord[];
  wrappers: WrapperRecord[];
  inspection: InspectionRecord;
  class_names: string[];
  /** The user's own arguments of the widget, as Python. */
  arguments: string[];
}

export interface Predictions {
  images: number;
  classes: number;
  /** The class of most score of every image. */
  best: readonly number[];
  /** Probabilities, image by image. */
  values: Float32Array;
}

export interface Failure {
  message: string;
  hint: string;
  traceback: string;
}

export interface Progress {
  done: number;
  total: number;
  eta_s: number | null;
}

export type Status = "idle" | "running" | "done" | "cancelled" | "error" | "no-kernel";

export const tileKey = (image: number, column: number) => `${image}/${column}`;

export type TraitSignals = { [K in keyof Traits]: Signal<Traits[K]> };

/** The colour table's ends in parts of the scale; signed maps use `high` on both sides. */
export interface Limits {
  low: number;
  high: number;
}
export const LEAST_SPAN = 0.01;
export const WHOLE_SCALE: Limits = { low: 0, high: 1 };

export interface Store {
  traits: TraitSignals;
  status: Signal<Status>;
  welcome: Signal<Welcome | null>;
  predictions: Signal<Predictions | null>;
  /** Null unless the images are those of a store; then only some of `_images` are there. */
  shelf: Signal<Shelf | null>;
  thumbnails: Signal<Thumbnails | null>;
  answer: Signal<Answer | null>;
  /** The question that the answer on the screen does not belong to any more. */
  stale: Signal<boolean>;
  progress: Signal<Progress | null>;
  seconds: Signal<number | null>;
  failure: Signal<Failure | null>;
  /** Null where a kernel answers, or nothing is kept. */
  offer: Signal<Offer | null>;
  /** A question was sent and the kernel has not taken it yet. */
  waiting: Signal<boolean>;
  view: Signal<Transform>;
  crosshair: Signal<Point | null>;
  limits: Signal<Limits>;
  /** The map's cells are drawn as they are rather than interpolated. */
  cells: Signal<boolean>;
  /** The picture's pixels are drawn as they are rather than interpolated. */
  pixelated: Signal<boolean>;
  /** Left of it, in parts of a tile's width, the picture is bare. */
  swipe: Signal<number>;
  /** The tile under the pointer or with the keyboard focus. */
  focus: Signal<{ image: number; column: number } | null>;
  /** The column of the tile chosen last; its image is the first of `selected`. */
  chosenColumn: Signal<number>;
  dark: Signal<boolean>;
  /** Which images are shown; one of `filters`. */
  filter: Signal<string>;
  sort: Signal<Sort>;
  known: ReadonlySignal<Known>;
  /** How many images each filter shows. */
  filters: ReadonlySignal<ReadonlyMap<string, number>>;
  /** The images shown, in the order of their rows. */
  rows: ReadonlySignal<number[]>;
  /** The largest magnitude of every scope, by `scopeKey`. */
  magnitudes: ReadonlySignal<ReadonlyMap<string, number>>;
  /** The shortest end of every layer's path that no other layer shares. */
  layerNames: ReadonlySignal<ReadonlyMap<string, string>>;
  signOf(tile: TileMap): Sign;
  scopeOf(tile: TileMap): number;
}

const SCOPE: Readonly<Record<Scale, (item: Item) => string>> = {
  map: (item) => tileKey(item.image, item.column),
  image: (item) => String(item.image),
  all: () => "all",
};

export function createStore(initial: Partial<Traits> = {}): Store {
  const traits = Object.fromEntries(
    Object.entries({ ...DEFAULTS, ...initial }).map(([name, value]) => [name, signal(value)]),
  ) as unknown as TraitSignals;
  const answer = signal<Answer | null>(null);
  const welcome = signal<Welcome | null>(null);
  const predictions = signal<Predictions | null>(null);
  const filter = signal("all");
  const sort = signal<Sort>("given");
  const shelf = signal<Shelf | null>(null);
  const count = computed(() => traits._images.value.length);
  const known = computed(() =>
    shelf.value
      ? knownOfShelf(shelf.value, traits.labels.value)
      : knownOf(count.value, traits.labels.value, predictions.value),
  );
  const filters = computed(() => countFilters(known.value));

  const signOf = (tile: TileMap): Sign => (tile.item.signed ? traits.sign.value : "signed");
  const magnitudes = computed(() => {
    const key = SCOPE[traits.scale.value];
    const found = new Map<string, number>();
    for (const tile of answer.value?.tiles.values() ?? []) {
      const scope = key(tile.item);
      found.set(scope, Math.max(found.get(scope) ?? 0, magnitude(tile.extent, signOf(tile))));
    }
    return found;
  });

  return {
    traits,
    status: signal<Status>("idle"),
    welcome,
    predictions,
    shelf,
    thumbnails: signal<Thumbnails | null>(null),
    answer,
    stale: signal(false),
    progress: signal<Progress | null>(null),
    seconds: signal<number | null>(null),
    failure: signal<Failure | null>(null),
    offer: signal<Offer | null>(null),
    waiting: signal(false),
    view: signal(Transform.identity),
    crosshair: signal<Point | null>(null),
    limits: signal(WHOLE_SCALE),
    cells: signal(false),
    pixelated: signal(false),
    swipe: signal(0),
    focus: signal<{ image: number; column: number } | null>(null),
    chosenColumn: signal(0),
    dark: signal(false),
    filter,
    sort,
    known,
    filters,
    rows: computed(() => {
      // What is chosen may have gone with the labels it was about.
      const by = filters.value.has(filter.value) ? filter.value : "all";
      return arrange(known.value, by, sortsOf(known.value).includes(sort.value) ? sort.value : "given");
    }),
    magnitudes,
    layerNames: computed(() =>
      shortNames((welcome.value?.inspection.layers ?? []).map((layer) => layer.path)),
    ),
    signOf,
    scopeOf: (tile) => magnitudes.value.get(SCOPE[traits.scale.value](tile.item)) ?? 0,
  };
}

export const askedOf = (store: Store): Asked =>
  Object.fromEntries(QUESTION.map((name) => [name, store.traits[name].peek()])) as unknown as Asked;

/** The columns of a comparison: those chosen, else those the kernel answers with. */
export function comparedValues(store: Store): Target[] {
  const chosen = store.traits.compare_with.value;
  if (chosen.length > 0) return chosen;
  const columns = store.answer.value?.columns ?? [];
  switch (store.traits.compare.value) {
    case "targets":
      return columns.map((column) => column.target);
    case "methods":
      return columns.map((column) => column.method);
    case "layers":
      return columns.map((column) => column.layer);
    default:
      return [];
  }
}

export const layerName = (store: Store, path: string) =>
  store.layerNames.value.get(path) ?? lastSegment(path);

/** What the catalogue says about the chosen method. */
export const chosenMethod = (store: Store): MethodRecord | undefined =>
  store.welcome.value?.catalogue.find((entry) => entry.id === store.traits.method.value);

/** The image whose probabilities the class list shows. */
export const focusedImage = (store: Store) => store.traits.selected.value[0] ?? 0;

/** One image's probabilities, or null where the model gives none. */
export function probabilitiesOf(store: Store, image: number): Float32Array | null {
  const all = store.predictions.value;
  if (!all || image < 0 || image >= all.images) return null;
  const row = all.values.subarray(image * all.classes, (image + 1) * all.classes);
  return Number.isNaN(row[0]) ? null : row;
}
