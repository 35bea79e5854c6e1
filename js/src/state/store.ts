/** What one view shows, as signals. */

import { computed, type Signal, signal } from "@preact/signals";
import type { AvailableQuestions, Constants } from "../kernel/archive";
import {
  type Answer,
  type Binary,
  type PredictionTable,
  type StoredFacts,
  type ThumbnailMap,
  type TileMap,
  tileKey,
} from "../kernel/decode";
import type { Item, Message, MethodRecord, Progress, QuestionRecord } from "../kernel/protocol";
import { QUESTION } from "../kernel/question";
import { magnitude, type Scale, type Sign } from "../math/postprocess";
import { type Point, Transform } from "../math/transform";
import { countFilters, factsOf, factsOfStored, filterSort, type Sort, sortsOf } from "./filterSort";
import { lastSegment, shortNames } from "./format";

export type Target = QuestionRecord["target"];
export type Compare = QuestionRecord["compare"];

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
export const DEFAULTS = {
  layer: "",
  method: "",
  target: "top" as Target,
  params: {} as QuestionRecord["params"],
  compare: "none" as Compare,
  compare_with: [] as Target[],
  sign: "positive" as Sign,
  scale: "map" as Scale,
  colormap: "viridis",
  opacity: 0.6,
  threshold: 0,
  selected: [0],
  /** The true class of each image, null where it is unknown; empty where no labels were given. */
  labels: [] as (number | null)[],
  theme: "auto" as "auto" | "light" | "dark",
  /** Pixels of the whole view; null where it goes by the window. */
  height: null as number | null,
  _images: [] as Picture[],
};
export type Traits = typeof DEFAULTS;

/** Small maps of one image at every layer. */
export interface ThumbnailSet {
  /** What the kernel knows them by. */
  key: string;
  /** The `thumbnailKey` at which they came. */
  question: string;
  /** The method's title. */
  title: string;
  image: number;
  signed: boolean;
  /** By the layer's path. */
  maps: ReadonlyMap<string, ThumbnailMap>;
}

export type Failure = Pick<Message<"error">, "message" | "hint" | "traceback">;

export type Status = "idle" | "running" | "done" | "cancelled" | "error" | "no-kernel";

export interface TilePlace {
  image: number;
  column: number;
}

/** The colour table's ends in parts of the scale; signed maps use `high` on both sides. */
export interface Limits {
  low: number;
  high: number;
}
export const LEAST_SPAN = 0.01;
export const WHOLE_SCALE: Limits = { low: 0, high: 1 };

/** Which maps share a scale, as the key of the largest magnitude among them. */
const SCOPE: Readonly<Record<Scale, (item: Item) => string>> = {
  map: (item) => tileKey(item.image, item.column),
  image: (item) => String(item.image),
  all: () => "all",
};

export class Store {
  readonly traits: { [K in keyof Traits]: Signal<Traits[K]> };
  readonly status = signal<Status>("idle");
  readonly constants = signal<Constants | null>(null);
  readonly predictions = signal<PredictionTable | null>(null);
  /** Facts about the images of a stored data set, of which only some are in `_images`; else null. */
  readonly stored = signal<StoredFacts | null>(null);
  readonly thumbnails = signal<ThumbnailSet | null>(null);
  readonly answer = signal<(Answer & { gen: number }) | null>(null);
  /** The answer on the screen does not belong to the question any more. */
  readonly stale = signal(false);
  readonly progress = signal<Progress | null>(null);
  readonly seconds = signal<number | null>(null);
  readonly failure = signal<Failure | null>(null);
  /** Null where a kernel answers, or nothing was saved. */
  readonly available = signal<AvailableQuestions | null>(null);
  /** A question was sent and the kernel has not taken it yet. */
  readonly waiting = signal(false);
  readonly view = signal(Transform.identity);
  readonly crosshair = signal<Point | null>(null);
  readonly limits = signal(WHOLE_SCALE);
  /** The map's cells are drawn as they are rather than interpolated. */
  readonly cells = signal(false);
  /** The picture's pixels are drawn as they are rather than interpolated. */
  readonly pixelated = signal(false);
  /** Left of it, in parts of a tile's width, the picture is bare. */
  readonly swipe = signal(0);
  /** The tile under the pointer or with the keyboard focus. */
  readonly focus = signal<TilePlace | null>(null);
  /** The column of the tile chosen last; its image is the first of `selected`. */
  readonly chosenColumn = signal(0);
  readonly dark = signal(false);
  /** Which images are shown; one of `filters`. */
  readonly filter = signal("all");
  readonly sort = signal<Sort>("given");

  constructor(initial: Partial<Traits> = {}) {
    const values = Object.entries({ ...DEFAULTS, ...initial });
    this.traits = Object.fromEntries(
      values.map(([name, value]) => [name, signal(value)]),
    ) as unknown as Store["traits"];
  }

  readonly facts = computed(() => {
    const [labels, stored] = [this.traits.labels.value, this.stored.value];
    if (stored) return factsOfStored(stored, labels);
    return factsOf(this.traits._images.value.length, labels, this.predictions.value);
  });
  /** How many images each filter shows. */
  readonly filters = computed(() => countFilters(this.facts.value));
  /** The images shown, in the order of their rows. */
  readonly rows = computed(() => {
    // The chosen filter or sort may have gone with the labels that it was about.
    const filter = this.filters.value.has(this.filter.value) ? this.filter.value : "all";
    const sort = sortsOf(this.facts.value).includes(this.sort.value) ? this.sort.value : "given";
    return filterSort(this.facts.value, filter, sort);
  });

  /** The largest magnitude of every scope. */
  private readonly magnitudes = computed(() => {
    const largest = new Map<string, number>();
    for (const tile of this.answer.value?.tiles.values() ?? []) {
      const scope = SCOPE[this.traits.scale.value](tile.item);
      largest.set(scope, Math.max(largest.get(scope) ?? 0, magnitude(tile.extent, this.signOf(tile))));
    }
    return largest;
  });
  /** The sign under which a map is drawn; maps without a meaningful sign are drawn as they are. */
  signOf = (tile: TileMap): Sign => (tile.item.signed ? this.traits.sign.value : "signed");
  /** What the ends of the colour table stand for. */
  scaleOf = (tile: TileMap) => this.magnitudes.value.get(SCOPE[this.traits.scale.value](tile.item)) ?? 0;

  /** The shortest end of every layer's path that no other layer shares. */
  private readonly layerNames = computed(() => {
    const layers = this.constants.value?.inspection.layers ?? [];
    return shortNames(layers.map(({ path }) => path));
  });
  layerName = (path: string) => this.layerNames.value.get(path) ?? lastSegment(path);
}

export const currentQuestion = (store: Store) =>
  Object.fromEntries(QUESTION.map((name) => [name, store.traits[name].peek()])) as unknown as QuestionRecord;

/** The columns of a comparison: those chosen, else those the kernel answers with. */
export function comparedValues(store: Store): Target[] {
  const { compare, compare_with } = store.traits;
  if (compare.value === "none" || compare_with.value.length > 0) return compare_with.value;
  const name = ({ targets: "target", methods: "method", layers: "layer" } as const)[compare.value];
  return (store.answer.value?.columns ?? []).map((column) => column[name]);
}

/** What the catalogue says about the chosen method. */
export const chosenMethod = (store: Store): MethodRecord | undefined =>
  store.constants.value?.catalogue.find(({ id }) => id === store.traits.method.value);

/** The image whose probabilities the class list shows. */
export const focusedImage = (store: Store) => store.traits.selected.value[0] ?? 0;

/** The tile that was chosen last, as far as there are so many columns. */
export function chosenTile(store: Store): TilePlace {
  const last = Math.max(0, (store.answer.value?.columns.length ?? 1) - 1);
  return { image: focusedImage(store), column: Math.min(store.chosenColumn.value, last) };
}

/** The map of a tile, or undefined while there is none. */
export const mapOf = (store: Store, { image, column }: TilePlace): TileMap | undefined =>
  store.answer.value?.tiles.get(tileKey(image, column));

/** One image's probabilities, or null where the model gives none, or not all are known. */
export function probabilitiesOf(store: Store, image: number): Float32Array | null {
  const table = store.predictions.value;
  if (!table || image < 0 || image >= table.images) return null;
  const row = table.values.subarray(image * table.classes, (image + 1) * table.classes);
  return row.includes(Number.NaN) ? null : row;
}
