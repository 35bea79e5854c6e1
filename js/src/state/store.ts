/** What one view shows, as signals. */

import { computed, type Signal, signal } from "@preact/signals";
import type { AvailableQuestions, Constants } from "../kernel/archive";
import type { ConceptSet } from "../kernel/conceptSet";
import {
  type Answer,
  type Binary,
  type EvidenceRecords,
  type MapDetail,
  type PredictionTable,
  type ScoredCurves,
  type StoredFacts,
  type ThumbnailMap,
  type TileMap,
  tileKey,
} from "../kernel/decode";
import type { EpochTable } from "../kernel/epochTable";
import type { NearestTable } from "../kernel/nearestTable";
import type {
  AgreementRecord,
  ClassRecord,
  DisplayRecord,
  Item,
  Message,
  MethodRecord,
  Progress,
  QuestionRecord,
  Rankings,
} from "../kernel/protocol";
import { QUESTION } from "../kernel/question";
import type { LabelMap } from "../kernel/segmentation";
import { type ColorEnds, colorEnds, type Display, type Scale, type Sign } from "../math/postprocess";
import { type Point, Transform } from "../math/transform";
import { differenceOf, WHOLE_DIFFERENCE } from "./difference";
import { agreementColumns, shiftColumns } from "./disagreement";
import { columnFilter, countFilters, factsOf, factsOfStored, filterSort, isSort } from "./filterSort";
import { lastSegment, shortNames } from "./format";
import { Painting } from "./painting";
import { createRegionPicker } from "./regionPicker";
import { membersOf } from "./suspects";

/** What a detector detects at one place of an image. */
export interface Detection {
  /** x0, y0, x1, y1 in pixels of the original picture. */
  box: readonly number[];
  /** The index of its class. */
  target: number;
  /** The probability of the class. */
  score: number;
}

export type Target = QuestionRecord["target"];
export type Compare = QuestionRecord["compare"];

/** A number of the user's own to explain, and the variable that holds it, if one does. */
export interface OwnTarget {
  name: string;
  unit: string;
  variable: string;
}

/** A picture as the kernel encoded it; `box` is the part of it that the model saw, in fractions. */
export interface Picture {
  name: string;
  width: number;
  height: number;
  box: number[];
  /** Width and height of what it was made from; earlier versions did not save them. */
  original_size?: number[];
  mime: string;
  /** Why there is none. */
  problem?: string;
  data: Binary;
  /** Those of other inputs of the model that are shown beside it, by their names. */
  inputs?: Readonly<Record<string, Picture>>;
}

/** The pixels that people count: those of the image itself, of which the picture may be a small copy. */
export function originalSize({ width, height, original_size: size }: Picture): { width: number; height: number } {
  return size ? { width: size[0], height: size[1] } : { width, height };
}

/** A part of an image at a higher resolution than its picture has; or why there is none. */
export interface ImageCrop {
  image: number;
  /** Where it lies, in fractions of the image. */
  box: readonly number[];
  /** Its pixels for each of the original's, along a side; 1 at most. */
  density: number;
  mime: string;
  data: Binary;
  problem: string;
  /** The same part of a map. */
  map: MapDetail | null;
}

/** A picture that was scored; or why there is none. */
export interface CoveredPicture {
  classes: ClassRecord[];
  mime: string;
  data: Binary;
  problem: string;
  /** Where it is made of two: the other one, and which pixels are the other's. */
  other?: { data: Binary; levels: Binary; isOther(level: number): boolean };
}

export type RankingTables = Omit<Rankings, "kind" | "gen">;

export const COVERS = ["blur", "mean", "black"] as const;
export type CoverName = (typeof COVERS)[number];

export type Limits = readonly [low: number, high: number];
export const LEAST_SPAN = 0.01;
export const WHOLE_SCALE: Limits = [0, 1];

/** How the maps of columns that do not tell are drawn: those that an earlier version saved. */
const PLAIN: DisplayRecord = { clip: 100, origin: "zero", sign: "positive", borders: false };

/** What is drawn and how, as synced with Python under the names it has there; none of it asks the kernel anything. */
const DRAWING_DEFAULTS = {
  sign: "auto" as Sign | "auto",
  scale: "map" as Scale,
  /** The percentile at which the colours end; null is the method's own. */
  clip: null as number | null,
  /** The colour table's ends in parts of the scale; signed maps use the upper one on both sides. */
  limits: WHOLE_SCALE,
  colormap: "inferno",
  opacity: 0.7,
  threshold: 0,
  photo: "gray" as "gray" | "colour",
  map_style: "fill" as "fill" | "contours",
  /** The map's cells are drawn as they are rather than interpolated. */
  cells: false,
  /** The picture's pixels are drawn as they are rather than interpolated. */
  pixelated: false,
  /** Left of it, in parts of a tile's width, the picture is bare. */
  swipe: 0,
  /** What lies over the pictures; a prediction over those of a segmenter, of both it is outlined. */
  overlay: "map" as "map" | "prediction" | "both" | "concepts",
};
export type Drawing = typeof DRAWING_DEFAULTS;
export const DRAWING = Object.keys(DRAWING_DEFAULTS) as (keyof Drawing)[];

/** What is synced with Python, under the names it has there. */
export const DEFAULTS = {
  layer: "",
  method: "",
  target: "top" as Target,
  params: {} as QuestionRecord["params"],
  compare: "none" as Compare,
  compare_with: [] as Target[],
  /** Which places of the output count, of each image that does not have the default; see `QuestionRecord`. */
  regions: {} as QuestionRecord["regions"],
  ...DRAWING_DEFAULTS,
  selected: [0],
  /** The true class of each image, null where it is unknown; empty where no labels were given. */
  labels: [] as (number | null)[],
  /** Which images are shown; one of `filters`. */
  show: "all",
  sort: "given",
  theme: "auto" as "auto" | "light" | "dark",
  /** Pixels of the whole view; null where it goes by the window. */
  height: null as number | null,
  /** Since the answer on the screen was computed. */
  weights_changed: false,
  _images: [] as Picture[],
  /** What a detector detects in each image, the most probable first; of a store, in those that were looked at. */
  _detections: [] as (readonly Detection[])[],
  /** Targets of the user's own, which can be asked by name. */
  _own_targets: [] as readonly OwnTarget[],
  /** The user's own variables that hold a trait's value, by the trait. */
  _names: {} as Readonly<Record<string, string>>,
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

/** What it depends on how a map is drawn. */
type DrawnMap = Pick<TileMap, "isDifference"> & { item: Pick<Item, "signed" | "column"> };

export interface TilePlace {
  image: number;
  column: number;
}

/** Which maps share a scale, as the key of the widest ends among them. */
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
  /** Those of models that are compared with the first, by name. */
  readonly modelPredictions = signal<ReadonlyMap<string, PredictionTable>>(new Map());
  /** How far the maps on the screen agree, where models are compared. */
  readonly agreements = signal<readonly AgreementRecord[]>([]);
  /** The columns of other models show how their maps differ from the first model's. */
  readonly showsDifference = signal(false);
  /** What a segmenter sees, by image, as far as it was asked for. */
  readonly segmentations = signal<ReadonlyMap<number, LabelMap>>(new Map());
  /** The concepts that were found last, null before. */
  readonly concepts = signal<ConceptSet | null>(null);
  /** The concept that is seen alone, null where all are. */
  readonly conceptAlone = signal<number | null>(null);
  /** How many concepts are looked for. */
  readonly conceptCount = signal(8);
  /** The images among which they are looked for, [] for all. */
  readonly conceptsAmong = signal<readonly number[]>([]);
  /** How far the kernel is in looking for concepts, 0 to 1, null while it does not. */
  readonly conceptProgress = signal<number | null>(null);
  /** Facts about the images of a stored data set, of which only some are in `_images`; else null. */
  readonly stored = signal<StoredFacts | null>(null);
  readonly thumbnails = signal<ThumbnailSet | null>(null);
  /** The crop that came last. */
  readonly crop = signal<ImageCrop | null>(null);
  readonly answer = signal<(Answer & { gen: number }) | null>(null);
  /** The answer on the screen does not belong to the question any more. */
  readonly stale = signal(false);
  readonly progress = signal<Progress | null>(null);
  /** About how many seconds each method would take, by its id, as far as the kernel tells. */
  readonly costs = signal<Readonly<Record<string, number>>>({});
  /** Why methods cannot be asked, by their id, as far as the kernel tells. */
  readonly refused = signal<Readonly<Record<string, string>>>({});
  /** About how many seconds the evidence of one image's maps takes, null while the kernel does not tell. */
  readonly secondsToMeasure = signal<number | null>(null);
  /** Of the maps on the screen. */
  readonly evidence = signal<EvidenceRecords>(new Map());
  /** The images whose evidence was asked for last. */
  readonly measuring = signal<readonly number[]>([]);
  /** What covers parts of pictures. */
  readonly cover = signal<CoverName>("blur");
  /** Pictures that were scored, by `coveredKey`. */
  readonly covered = signal<ReadonlyMap<string, CoveredPicture>>(new Map());
  /** What was scored along the curves of the answer's maps, by `tileKey`, where it was saved. */
  readonly curves = signal<ReadonlyMap<string, ScoredCurves>>(new Map());
  /** What is painted on the large picture. */
  readonly painting = new Painting();
  readonly regionPicker = createRegionPicker();
  /** Methods beside each other, for the targets of the answer on the screen, and what can be compared. */
  readonly rankings = signal<RankingTables | null>(null);
  /** The target for which methods are being compared, null while none are. */
  readonly rankingTarget = signal<string | null>(null);
  /** The methods to compare; null for those that the kernel proposes. */
  readonly contenders = signal<readonly string[] | null>(null);
  /** Which images are like others, null where nobody has looked. */
  readonly nearest = signal<NearestTable | null>(null);
  /** What was explained while the model was trained, null where nobody has. */
  readonly epochs = signal<EpochTable | null>(null);
  /** The number of the earlier moment that is shown instead of the answer as it is now; null for none. */
  readonly epochShown = signal<number | null>(null);
  /** What a search for shortcuts has found is shown above the grid. */
  readonly showsSuspicions = signal(false);
  /** The images whose tiles are near sight. */
  readonly inSight = signal<readonly number[]>([]);
  readonly seconds = signal<number | null>(null);
  readonly failure = signal<Failure | null>(null);
  /** Null where a kernel answers, or nothing was saved. */
  readonly available = signal<AvailableQuestions | null>(null);
  /** A question was sent and the kernel has not taken it yet. */
  readonly waiting = signal(false);
  /** How the zoomed image is seen, or all of them where they are linked. */
  readonly view = signal(Transform.identity);
  readonly zoomed = signal(0);
  /** A point of the image in `focus`, or of all of them where they are linked. */
  readonly crosshair = signal<Point | null>(null);
  /** Crosshair and zoom are those of all images. */
  readonly linked = signal(false);
  /** The least probability of detected boxes that are drawn, null for none. */
  readonly boxesFrom = signal<number | null>(0.5);
  /** Whether the borders of areas of one value are drawn, where a method has such. */
  readonly borders = signal(true);
  /** The tile under the pointer or with the keyboard focus. */
  readonly focus = signal<TilePlace | null>(null);
  /** The column of the tile chosen last; its image is the first of `selected`. */
  readonly chosenColumn = signal(0);
  readonly dark = signal(false);
  /** Pixels that the pictures of the grid are to be high; null for as high as they fit. */
  readonly tileHeight = signal<number | null>(null);
  /** What they are if it is null. */
  readonly fittingHeight = signal(0);

  constructor(initial: Partial<Traits> = {}) {
    const values = Object.entries({ ...DEFAULTS, ...initial });
    this.traits = Object.fromEntries(
      values.map(([name, value]) => [name, signal(value)]),
    ) as unknown as Store["traits"];
  }

  /** Of each suspicion, which images it is about. */
  private readonly suspects = computed(() => {
    const images = this.stored.value?.images ?? this.traits._images.value.length;
    return (this.constants.value?.suspicions?.items ?? []).map((each) => membersOf(each.images, images));
  });
  /** Apart from the agreement of maps, which is another one with each answer. */
  private readonly shifts = computed(() =>
    shiftColumns(this.traits._images.value.length, this.predictions.value, [...this.modelPredictions.value.values()]),
  );
  readonly facts = computed(() => {
    const [labels, stored] = [this.traits.labels.value, this.stored.value];
    const columns = this.constants.value?.columns ?? [];
    const facts = stored
      ? factsOfStored(stored, labels, columns)
      : factsOf(
          this.traits._images.value.length,
          labels,
          this.predictions.value,
          columns,
          this.constants.value?.predicts,
        );
    const numbers = [...this.shifts.value, ...agreementColumns(facts.images, this.agreements.value)];
    return {
      ...facts,
      suspects: this.suspects.value,
      others: [...this.modelPredictions.value.values()].map(({ predicted }) => predicted),
      columns: [...facts.columns, ...numbers],
    };
  });
  /** How many images each filter shows. */
  readonly filters = computed(() => countFilters(this.facts.value));
  /** The chosen filter; "all" where no image is like that: it may have gone with the labels that it was about. */
  readonly filter = computed(() => {
    const { show } = this.traits;
    const isFilter = this.filters.value.has(show.value) || columnFilter(this.facts.value, show.value) !== null;
    return isFilter ? show.value : "all";
  });
  /** The images shown, in the order of their rows; a chosen sort may have gone with the labels, too. */
  readonly rows = computed(() => {
    const [facts, { sort }] = [this.facts.value, this.traits];
    return filterSort(facts, this.filter.value, isSort(facts, sort.value) ? sort.value : "given");
  });

  viewOf = (image: number) => (this.linked.value || image === this.zoomed.value ? this.view.value : Transform.identity);
  crosshairOf = (image: number) =>
    this.linked.value || image === this.focus.value?.image ? this.crosshair.value : null;

  /** How a map is drawn: as its column wants, but for what the user has chosen; see `engine/display.py`. */
  displayOf = ({ item, isDifference }: DrawnMap): DisplayRecord => {
    if (isDifference) return { ...PLAIN, sign: "signed" };
    const { sign, clip } = this.traits;
    const display = this.answer.value?.columns[item.column]?.display ?? PLAIN;
    const isOwn = sign.value === "auto";
    return {
      clip: clip.value ?? display.clip,
      origin: isOwn ? display.origin : "zero",
      // Maps without a meaningful sign are drawn as they are.
      sign: item.signed ? (isOwn ? display.sign : (sign.value as Sign)) : "signed",
      borders: display.borders && this.borders.value,
    };
  };
  signOf = (tile: DrawnMap): Sign => this.displayOf(tile).sign;

  /** The ends of each map alone, by all that they depend on: selecting a percentile takes time. */
  private readonly ends = new WeakMap<TileMap, Map<string, ColorEnds>>();
  private endsOfMap(tile: TileMap, display: Display): ColorEnds {
    const ends = this.ends.get(tile) ?? new Map<string, ColorEnds>();
    const key = `${display.clip} ${display.origin} ${display.sign}`;
    const range = ends.get(key) ?? colorEnds(tile.values, tile.extent, display);
    this.ends.set(tile, ends.set(key, range));
    return range;
  }
  private scopeOf = ({ item }: TileMap, { origin }: Display) => `${origin} ${SCOPE[this.traits.scale.value](item)}`;
  /** The widest ends of every scope. */
  private readonly widest = computed(() => {
    const widest = new Map<string, ColorEnds>();
    for (const tile of this.answer.value?.tiles.values() ?? []) {
      const display = this.displayOf(tile);
      const { low, high } = this.endsOfMap(tile, display);
      const scope = this.scopeOf(tile, display);
      const before = widest.get(scope);
      widest.set(scope, before ? { low: Math.min(before.low, low), high: Math.max(before.high, high) } : { low, high });
    }
    return widest;
  });
  /** The values that the ends of the colour table stand for, before limits. */
  endsOf = (tile: TileMap): ColorEnds =>
    ((tile.isDifference && WHOLE_DIFFERENCE) || this.widest.value.get(this.scopeOf(tile, this.displayOf(tile)))) ?? {
      low: 0,
      high: 0,
    };

  private readonly differences = new WeakMap<TileMap, { first: TileMap; key: string; difference: TileMap }>();
  /** How the map of another model differs from the first one's, as these are drawn alone. */
  difference(first: TileMap, other: TileMap): TileMap {
    const displays = [first, other].map((tile) => this.displayOf(tile));
    const key = JSON.stringify(displays);
    const known = this.differences.get(other);
    if (known?.first === first && known.key === key) return known.difference;
    const [before, after] = [first, other].map((map, at) => {
      return { map, sign: displays[at].sign, ends: this.endsOfMap(map, displays[at]) };
    });
    const difference = differenceOf(before, after);
    this.differences.set(other, { first, key, difference });
    return difference;
  }

  /** The shortest end of every layer's path that no other layer shares. */
  private readonly layerNames = computed(() => {
    const layers = this.constants.value?.inspection.layers ?? [];
    return shortNames(layers.map(({ path }) => path));
  });
  /** The names of the classes up to their first comma, where synonyms follow it, as far as these are not the same. */
  readonly briefNames = computed(() => {
    const names = this.constants.value?.class_names ?? [];
    const brief = names.map((name) => name.split(", ")[0]);
    const counts = new Map<string, number>();
    for (const name of brief) counts.set(name, (counts.get(name) ?? 0) + 1);
    return brief.map((name, target) => (counts.get(name) === 1 && name ? name : names[target]));
  });
  layerName = (path: string) => this.layerNames.value.get(path) ?? lastSegment(path);
}

export const currentQuestion = (store: Store) =>
  Object.fromEntries(QUESTION.map((name) => [name, store.traits[name].peek()])) as unknown as QuestionRecord;

/** The trait of what is compared. */
export const COMPARED = { targets: "target", methods: "method", layers: "layer" } as const;
const isCompared = (compare: Compare): compare is keyof typeof COMPARED => compare in COMPARED;

/** The columns of a comparison: those chosen, else those the kernel answers with. */
export function comparedValues(store: Store): Target[] {
  const { compare, compare_with } = store.traits;
  if (!isCompared(compare.value) || compare_with.value.length > 0) return compare_with.value;
  const name = COMPARED[compare.value];
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

/** The tile that is pointed at or has the keyboard focus, else the one that was chosen last. */
export const tileInFocus = (store: Store): TilePlace => store.focus.value ?? chosenTile(store);

/** The map of a tile, or how it differs from the first model's where that is shown; undefined while there is none. */
export function mapOf(store: Store, { image, column }: TilePlace): TileMap | undefined {
  const { tiles, columns } = store.answer.value ?? {};
  const map = tiles?.get(tileKey(image, column));
  if (!map || !store.showsDifference.value || columns?.[column].model === columns?.[0].model) return map;
  const first = tiles?.get(tileKey(image, 0));
  return first && store.difference(first, map);
}

/** The picture that a tile shows: its image, that of another input of the model, or what another model sees of it. */
export function pictureAt(store: Store, { image, column }: TilePlace): Picture | undefined {
  const picture = store.traits._images.value[image];
  const { input = "", model = "" } = store.answer.value?.columns[column] ?? {};
  return picture?.inputs?.[model || input] ?? picture;
}

/**
 * One image's probabilities, or what else the model of a column predicts by, class by class; null where not all are
 * known.
 */
export function predictionsOf(store: Store, image: number, column = chosenTile(store).column): Float32Array | null {
  const model = store.answer.value?.columns[column]?.model ?? "";
  const table = store.modelPredictions.value.get(model) ?? store.predictions.value;
  if (!table || image < 0 || image >= table.images) return null;
  const row = table.values.subarray(image * table.classes, (image + 1) * table.classes);
  return row.includes(Number.NaN) ? null : row;
}
