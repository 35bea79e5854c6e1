/** The classes that a segmenter sees, or the concepts, with their colours, at the foot of an exported picture. */

import { conceptName } from "../state/concepts";
import { percent } from "../state/format";
import { labelText, segmentationOf, showsMap, showsPrediction } from "../state/segmentations";
import type { Store } from "../state/store";
import { type ExportContext, font, INK, LINE, PALE } from "./captions";
import { classColour } from "./classColours";
import { conceptColour } from "./conceptBitmaps";

const TEXT = 13;
const SWATCH = 11;
const SPACE = 6;
const BETWEEN = 16;
/** Of more classes, the others have too little of the pictures to be told apart by colour. */
const MOST = 32;

interface LegendEntry {
  text: string;
  /** Null where no class is probable, and of those that are left out. */
  colour: string | null;
  x: number;
  row: number;
}

/** Which part of several images each class wins, the largest first. */
function meanShares(store: Store, images: readonly number[]): [index: number, share: number][] {
  const seen = images.map((image) => segmentationOf(store, image)).filter((each) => each !== undefined);
  const shares = new Map<number, number>();
  for (const [index, share] of seen.flatMap((each) => each.shares)) {
    shares.set(index, (shares.get(index) ?? 0) + share / seen.length);
  }
  return [...shares].sort(([, a], [, b]) => b - a);
}

/** What has a colour, by name. */
function namedColours(store: Store, images: readonly number[]): Pick<LegendEntry, "text" | "colour">[] {
  if (!showsPrediction(store)) {
    const alone = store.conceptAlone.peek();
    return (store.concepts.peek()?.typical ?? [])
      .map((_, concept) => ({ text: conceptName(concept), colour: conceptColour(concept) }))
      .filter((_, concept) => alone === null || concept === alone);
  }
  const classes = store.constants.peek()?.class_names.length ?? 0;
  const shares = meanShares(store, [...new Set(images)]);
  const entries = shares.slice(0, MOST).map(([index, share]) => ({
    text: `${labelText(store, index)} ${percent(share)}`,
    colour: index < classes ? classColour(index) : null,
  }));
  if (shares.length > MOST) entries.push({ text: `and ${shares.length - MOST} more`, colour: null });
  return entries;
}

/** Entries in rows of a width. */
export function legendOf(
  context: ExportContext,
  store: Store,
  images: readonly number[],
  width: number,
  unit: number,
): LegendEntry[] {
  if (showsMap(store) && !showsPrediction(store)) return [];
  context.font = font(TEXT * unit);
  let [x, row] = [0, 0];
  return namedColours(store, images).map(({ text, colour }) => {
    const length = (SWATCH + SPACE) * unit + context.measureText(text).width;
    if (x > 0 && x + length > width) [x, row] = [0, row + 1];
    const entry = { text, colour, x, row };
    x += length + BETWEEN * unit;
    return entry;
  });
}

/** How high the rows of a legend are. */
export const legendHeight = (entries: readonly LegendEntry[], unit: number): number =>
  entries.length > 0 ? (entries[entries.length - 1].row + 1) * LINE * unit : 0;

export function drawLegend(
  context: ExportContext,
  entries: readonly LegendEntry[],
  { x, y }: { x: number; y: number },
  unit: number,
): void {
  context.font = font(TEXT * unit);
  context.textAlign = "left";
  for (const { text, colour, x: left, row } of entries) {
    const top = y + row * LINE * unit;
    if (colour) {
      context.fillStyle = colour;
      context.fillRect(x + left, top, SWATCH * unit, SWATCH * unit);
      context.strokeStyle = PALE;
      context.lineWidth = unit / 2;
      context.strokeRect(x + left, top, SWATCH * unit, SWATCH * unit);
    }
    context.fillStyle = INK;
    context.fillText(text, x + left + (SWATCH + SPACE) * unit, top + (SWATCH - 1) * unit);
  }
}
