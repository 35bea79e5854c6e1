/** The concepts that the layer sees in all images, asked for while they are shown. */

import { effect } from "@preact/signals";
import { type ConceptMap, readConcepts, STRONGEST, strengthsByConcept } from "../kernel/conceptSet";
import type { Binary } from "../kernel/decode";
import type { FoundConcepts, Up } from "../kernel/protocol";
import { hasModels } from "./models";
import { chosenTile, focusedImage, mapOf, type Store, type TilePlace } from "./store";
import { topClasses } from "./topClasses";

/** Milliseconds until what has not come is asked for once more: a host may have lost it. */
const LOST_MS = 15_000;
/** A concept that is less strong in all of an image, in parts of its strongest, is not told of there. */
const LEAST = 0.25;
const MOST_TOLD = 4;
export const COUNTS = [3, 4, 6, 8, 10, 12, 16];

/** Whether there can be concepts: the model has a layer with a map, or a page has kept some. */
export function canShowConcepts(store: Store): boolean {
  const constants = store.constants.value;
  if (!constants?.inspection.recommended || constants.unmeasurable || hasModels(store)) return false;
  return store.concepts.value !== null || !(store.status.value === "no-kernel" || store.available.value?.fromStore);
}

export const showsConcepts = (store: Store): boolean =>
  store.traits.overlay.value === "concepts" && canShowConcepts(store);

export const conceptName = (concept: number): string => `concept ${concept + 1}`;

/** Where the concepts are in the picture of a tile, undefined where it is not known, or another input's. */
export function conceptsOf(store: Store, { image, column }: TilePlace): ConceptMap | undefined {
  const columns = store.answer.value?.columns ?? [];
  const isExplained = (columns[column]?.input ?? "") === (columns[0]?.input ?? "");
  return isExplained ? store.concepts.value?.maps.get(image) : undefined;
}

/** The class that concepts' importance is told for: the one that is explained in the image in focus, or predicted. */
export function importantClass(store: Store): number | null {
  const explained = mapOf(store, chosenTile(store))?.item.target ?? -1;
  return explained >= 0 ? explained : (topClasses(store, focusedImage(store), 1)[0]?.index ?? null);
}

/** What a class loses without each concept, [] where it is not known. */
export function importanceOf(store: Store, target: number | null): number[] {
  const classes = store.constants.value?.class_names.length ?? 0;
  const { typical = [], importance } = store.concepts.value ?? {};
  if (target === null || importance?.length !== typical.length * classes) return [];
  return typical.map((_, concept) => importance[concept * classes + target]);
}

/** The strongest concepts of an image in words. */
export function conceptsText(store: Store, tile: TilePlace): string {
  const map = conceptsOf(store, tile);
  if (!map) return "";
  const peaks = strengthsByConcept(map).map((strengths, concept) => ({
    concept,
    peak: Math.max(...strengths) / STRONGEST,
  }));
  const strong = peaks.filter(({ peak }) => peak >= LEAST).sort((a, b) => b.peak - a.peak);
  if (strong.length === 0) return "none of the concepts";
  return strong
    .slice(0, MOST_TOLD)
    .map(({ concept }) => conceptName(concept))
    .join(", ");
}

/** Shows the concepts over the pictures, or the maps again. */
export function overlayFor(store: Store): "map" | "concepts" {
  return showsConcepts(store) ? "map" : "concepts";
}

/** Looks for concepts among the images of the rows that are shown, or among all again. */
export function lookAmongRows({ conceptsAmong, rows }: Store): void {
  conceptsAmong.value = conceptsAmong.peek().length > 0 ? [] : [...rows.peek()];
}

/** Shows one concept alone, or all of them again. */
export function toggleConcept({ conceptAlone }: Store, concept: number): void {
  conceptAlone.value = conceptAlone.peek() === concept ? null : concept;
}

export class ConceptRequests {
  /** The latest request, as text. */
  private request = "";
  private message: Up | null = null;
  private lostTimer: ReturnType<typeof setTimeout> | undefined;
  private readonly stopFollowing: () => void;

  constructor(
    private readonly store: Store,
    private readonly send: (message: Up) => void,
  ) {
    this.stopFollowing = effect(() => this.fetchMissing());
  }

  receive({ kind: _, done, ...message }: FoundConcepts, buffers: Binary[]): void {
    const { concepts, conceptAlone, conceptProgress } = this.store;
    const before = concepts.peek();
    conceptProgress.value = done < 1 ? done : null;
    if (done < 1) {
      this.wait();
      return;
    }
    clearTimeout(this.lostTimer);
    // Those that are here stay, with the reason for which there are no newer ones.
    if (message.problem && before) concepts.value = { ...before, problem: message.problem };
    else concepts.value = readConcepts(message, buffers, before);
    if (message.key !== before?.key) conceptAlone.value = null;
  }

  close(): void {
    this.stopFollowing();
    clearTimeout(this.lostTimer);
  }

  /** After each answer, whose layer or weights may be others, and for images that come into sight. */
  private fetchMissing(): void {
    const { store } = this;
    const [known, count, gen] = [store.concepts.value, store.conceptCount.value, store.answer.value?.gen];
    const among = [...store.conceptsAmong.value];
    const near = [focusedImage(store), ...store.inSight.value];
    const { images } = store.facts.value;
    if (!showsConcepts(store) || store.status.value !== "done") return;
    const missing = [...new Set(near)].filter((image) => image < images && !known?.maps.has(image));
    const question = `${gen} ${count} ${among}`;
    const request = `${question} ${missing}`;
    if (request === this.request || (missing.length === 0 && this.request.startsWith(`${question} `))) return;
    this.request = request;
    store.conceptProgress.value = 0;
    this.message = { kind: "find_concepts", have: known?.key ?? "", concepts: count, images: missing, among };
    this.ask();
  }

  private ask(): void {
    if (!this.message) return;
    this.send(this.message);
    this.wait();
  }

  private wait(): void {
    clearTimeout(this.lostTimer);
    this.lostTimer = setTimeout(() => this.ask(), LOST_MS);
  }
}
