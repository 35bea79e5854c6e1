/** Methods beside each other. */

import type { RankableMethod, RankedMethod, RankingRecord } from "../kernel/protocol";
import { roughly } from "./format";
import { chosenTile, focusedImage, type RankingTables, type Store } from "./store";

/** The table for a target; undefined where nothing was compared. */
export const rankingOf = (store: Store, target: string | null | undefined): RankingRecord | undefined =>
  store.rankings.value?.items.find((each) => each.target === target);

/** The table for the target of the tile that was chosen last. */
export const chosenRanking = (store: Store): RankingRecord | undefined =>
  rankingOf(store, store.answer.value?.columns[chosenTile(store).column]?.target);

/** The methods that are to be compared. */
export function chosenContenders(store: Store): readonly string[] {
  const rankable = store.rankings.value?.rankable ?? [];
  const proposed = rankable.filter(({ chosen }) => chosen).map(({ method }) => method);
  const usable = new Set(rankable.filter(({ problem }) => !problem).map(({ method }) => method));
  return (store.contenders.value ?? proposed).filter((method) => usable.has(method));
}

/** About how many seconds it takes to compare these methods on so many images; null where nobody knows. */
export function rankingSeconds(
  { rankable, image_seconds, size_seconds }: RankingTables,
  methods: readonly string[],
  images: number,
): number | null {
  const records = rankable.filter(({ method }) => methods.includes(method));
  const seconds = records.map((record) => record.seconds);
  if (image_seconds === null || size_seconds === null || seconds.includes(null)) return null;
  const sizes = new Set(records.map(({ size }) => size.join("×")));
  const methodSeconds = seconds.reduce<number>((sum, each) => sum + (each ?? 0), 0);
  return images * (image_seconds + size_seconds * sizes.size + methodSeconds);
}

/** What a click will do, and what it takes. */
export function compareText(store: Store, methods: readonly string[], images: number): string {
  const tables = store.rankings.value;
  const seconds = tables && rankingSeconds(tables, methods, images);
  const where = images > 1 ? ` on ${images} images` : "";
  return `Compare ${methods.length} ${methods.length === 1 ? "method" : "methods"}${where}${seconds === null ? "" : ` · ${roughly(Math.max(0.5, seconds))}`}`;
}

/** Whether all that would be compared is in the table. */
export const isRanked = (
  ranking: RankingRecord | undefined,
  { images, methods, cover }: { images: readonly number[]; methods: readonly string[]; cover: string },
): boolean =>
  ranking !== undefined &&
  ranking.done === ranking.total &&
  ranking.cover === cover &&
  images.join() === ranking.images.join() &&
  methods.every((method) => ranking.methods.some((row) => row.method === method)) &&
  ranking.methods.length === methods.length;

/** Rows with the best by a metric first; those without a value come last, in their own order. */
export function sortedMethods({ methods, metrics }: RankingRecord, metric: number): RankedMethod[] {
  const sign = metrics[metric]?.better === "lower" ? 1 : -1;
  const keyOf = ({ cells }: RankedMethod) => {
    const value = cells[metric]?.value ?? null;
    return value === null ? Number.POSITIVE_INFINITY : sign * value;
  };
  const keys = methods.map(keyOf);
  const order = methods.map((_, index) => index);
  return order.sort((a, b) => (keys[a] === keys[b] ? a - b : keys[a] - keys[b])).map((index) => methods[index]);
}

/** The image, or those in sight. */
export function rankedImages(store: Store, scope: "image" | "rows"): readonly number[] {
  return scope === "rows" && store.inSight.value.length > 1 ? store.inSight.value : [focusedImage(store)];
}

/** Methods by their family, in the order of the catalogue. */
export function byFamily(store: Store, rankable: readonly RankableMethod[]): [string, RankableMethod[]][] {
  const families = new Map<string, RankableMethod[]>();
  for (const { id, family } of store.constants.value?.catalogue ?? []) {
    const record = rankable.find(({ method }) => method === id);
    if (record) families.set(family, [...(families.get(family) ?? []), record]);
  }
  return [...families];
}
