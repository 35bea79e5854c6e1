/** Which places of the output a map is asked about: where its class wins, or what somebody points at in a picture. */

import type { LocatedRegionRecord, QuestionRecord, RegionRecord } from "../kernel/protocol";
import { canonicalText, isEqual } from "../kernel/question";
import { base64, type Mask, pack } from "../math/mask";
import { type Point, within } from "../math/transform";
import type { RegionTool } from "./regionPicker";
import { isRank } from "./target";

export type Regions = QuestionRecord["regions"];
export type RegionKind = RegionRecord["kind"];

/** Of all images that have no region of their own. */
export const OTHERS = "others";
export const WINS: RegionRecord = { kind: "wins", at: [] };

export const regionOf = (regions: Regions, image: number): RegionRecord =>
  regions[String(image)] ?? regions[OTHERS] ?? WINS;

/** The regions where an image has another one; null is that of all others, or where the class wins. */
export function withRegion(regions: Regions, image: number, region: RegionRecord | null): Regions {
  const { [String(image)]: imageRegion, ...rest } = regions;
  const others = rest[OTHERS] ?? WINS;
  const chosen = region ?? (imageRegion ? others : WINS);
  return isEqual(chosen, others) ? rest : { ...rest, [String(image)]: chosen };
}

/**
 * What a question about an image's region asks for: in the first one, the class that wins there; one that is chosen
 * since then stays.
 */
export function askRegion(question: Pick<QuestionRecord, "regions" | "target">, image: number, region: RegionRecord) {
  const isFirst = Object.keys(question.regions).every((name) => name === OTHERS);
  const target = isFirst && region.at.length > 0 && !isRank(question.target) ? { target: "top" } : {};
  return { ...target, regions: withRegion(question.regions, image, region) };
}

/** A point of a picture, in fractions of it, as a pixel of the original. */
function pixelAt({ x, y }: Point, { width, height }: { width: number; height: number }): [number, number] {
  const pixel = (part: number, size: number) => within(Math.floor(part * size), 0, size - 1);
  return [pixel(x, width), pixel(y, height)];
}

/** The region that a point, or the two corners of a box, mean in an original of this size; null where it is empty. */
export function regionAt(
  tool: RegionTool,
  points: readonly Point[],
  size: { width: number; height: number },
): RegionRecord | null {
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last) return null;
  if (tool !== "box") return { kind: tool, at: pixelAt(last, size) };
  const edges = (a: number, b: number, length: number) =>
    [Math.min(a, b), Math.max(a, b)].map((part) => within(Math.round(part * length), 0, length));
  const [left, right] = edges(first.x, last.x, size.width);
  const [top, bottom] = edges(first.y, last.y, size.height);
  return right > left && bottom > top ? { kind: "box", at: [left, top, right, bottom] } : null;
}

export const regionOfMask = ({ width, height, pixels }: Mask): RegionRecord => ({
  kind: "mask",
  at: [],
  mask: [[height, width], base64(pack(pixels))],
});

/** A region in words, as Python has them. */
export function regionText(region: RegionRecord): string {
  const { kind } = region;
  const at = region.at.map((number) => Math.round(10 * number) / 10);
  const point = `(${at.slice(0, 2).join(", ")})`;
  const words: Readonly<Record<RegionKind, string>> = {
    wins: "where it wins",
    whole: "in the whole output",
    pixel: `at pixel ${point}`,
    box: `in the box ${point} to (${at.slice(2).join(", ")})`,
    object: `in the object at ${point}`,
    mask: "in a mask",
  };
  return words[kind];
}

/** The regions of a question in words, "" where all images have the default. */
export function regionsText(regions: Regions, nameOf: (image: number) => string): string {
  const all = Object.entries(regions);
  const texts = all.map(([name, region]) =>
    name === OTHERS ? regionText(region) : `${nameOf(Number(name))} ${regionText(region)}`,
  );
  return texts.join(", ");
}

/** What is drawn of an image's region: what its map is about, or before that has come what was asked. */
export function drawnRegion(
  asked: RegionRecord,
  located: LocatedRegionRecord | null | undefined,
): LocatedRegionRecord | RegionRecord {
  const isSame = located?.kind === asked.kind && canonicalText(located.at) === canonicalText(asked.at);
  return located && isSame ? located : asked;
}
