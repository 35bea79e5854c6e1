/** What a segmenter sees in the images near sight, asked for while it is shown. */

import { effect } from "@preact/signals";
import type { Binary } from "../kernel/decode";
import type { Segmentation as Message, Up } from "../kernel/protocol";
import { type LabelMap, readSegmentations } from "../kernel/segmentation";
import { conceptsOf, showsConcepts } from "./concepts";
import { percent } from "./format";
import { briefName } from "./labels";
import { hasModels } from "./models";
import { focusedImage, mapOf, type Store, type TilePlace } from "./store";

/** Milliseconds until what has not come is asked for once more: a host may have lost it. */
const LOST_MS = 15_000;
const MOST_TOLD = 5;

/** Whether the only model tells a class for each place of an image. */
export const isSegmenter = (store: Store): boolean =>
  (store.constants.value?.places.length ?? 0) > 0 && !hasModels(store);

/** What is shown over the pictures: of models that are no segmenters the map, unless concepts are. */
export function shownOverlay(store: Store) {
  const overlay = store.traits.overlay.value;
  // What else lies over pictures is what the weights see as they are now.
  if (store.epochShown.value !== null) return "map";
  if (overlay === "concepts") return showsConcepts(store) && store.concepts.value ? overlay : "map";
  return isSegmenter(store) ? overlay : "map";
}

/** Whether the prediction of a segmenter is shown. */
export const showsPrediction = (store: Store): boolean => ["prediction", "both"].includes(shownOverlay(store));

/** Whether maps are. */
export const showsMap = (store: Store): boolean => ["map", "both"].includes(shownOverlay(store));

/** What there is to draw over a tile's picture. */
export function layersOf(store: Store, tile: TilePlace) {
  return {
    map: showsMap(store) ? mapOf(store, tile) : undefined,
    segmentation: showsPrediction(store) ? segmentationOf(store, tile.image) : undefined,
    concepts: shownOverlay(store) === "concepts" ? conceptsOf(store, tile) : undefined,
  };
}

/** What the model sees in an image, undefined where that is not here. */
export function segmentationOf(store: Store, image: number): LabelMap | undefined {
  const segmentation = store.segmentations.value.get(image);
  return segmentation?.problem ? undefined : segmentation;
}

/** What wins where no class is probable. */
export const NO_CLASS = "no class";

/** What wins at places of a label, in brief. */
export const labelText = (store: Store, label: number): string =>
  label < (store.constants.value?.class_names.length ?? 0) ? briefName(store, label) : NO_CLASS;

/** The largest classes of an image in words, "" where they are not shown. */
export function segmentationText(store: Store, image: number): string {
  const segmentation = showsPrediction(store) ? segmentationOf(store, image) : undefined;
  const names = store.constants.value?.class_names ?? [];
  const largest = (segmentation?.shares ?? []).slice(0, MOST_TOLD);
  const words = largest.map(([index, share]) => `${names[index] ?? NO_CLASS} ${percent(share)}`);
  return words.length > 0 ? `the model sees ${words.join(", ")}` : "";
}

export class Segmentations {
  private readonly awaited = new Set<number>();
  private version: number | null = null;
  /** One message is unpacked after the other: what newer weights see must not give way to what older ones saw. */
  private reading = Promise.resolve();
  private lostTimer: ReturnType<typeof setTimeout> | undefined;
  private readonly stopFollowing: () => void;

  constructor(
    private readonly store: Store,
    private readonly send: (message: Up) => void,
    private readonly fail: (error: unknown) => void,
  ) {
    this.stopFollowing = effect(() => this.fetchMissing());
  }

  /** Forgets what weights before have seen. */
  forget(): void {
    this.awaited.clear();
    this.store.segmentations.value = new Map();
  }

  receive({ version, items }: Message, buffers: Binary[]): void {
    this.reading = this.reading
      .then(() => readSegmentations(items, buffers[0]))
      .then((read) => {
        const { segmentations } = this.store;
        segmentations.value = new Map([...(version === this.version ? segmentations.peek() : []), ...read]);
        this.version = version;
      })
      .catch(this.fail);
  }

  close(): void {
    this.stopFollowing();
    clearTimeout(this.lostTimer);
  }

  private fetchMissing(): void {
    const { store, awaited } = this;
    const images = [focusedImage(store), ...store.inSight.value];
    const [known, count] = [store.segmentations.value, store.facts.value.images];
    if (!showsPrediction(store) || store.status.value === "no-kernel") return;
    const missing = [...new Set(images)].filter((image) => image < count && !known.has(image) && !awaited.has(image));
    if (missing.length === 0) return;
    for (const image of missing) awaited.add(image);
    this.send({ kind: "segment", images: missing });
    clearTimeout(this.lostTimer);
    this.lostTimer = setTimeout(() => {
      awaited.clear();
      this.fetchMissing();
    }, LOST_MS);
  }
}
