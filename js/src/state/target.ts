/** Targets as the kernel reads them: a class by index or name, "top", "top-2"…, "true", "A − B", or "A − 0.6 mean(B; C)". */

import type { Target } from "./store";

const MINUS = " − ";
const MEAN = /^(?:(\d+(?:\.\d+)?) )?mean\((.+)\)$/;
const AND = "; ";
const RANK = /^top(?:-([1-9]\d*))?$/;
export const TRUE = "true";
export const TOPS = ["top", "top-2", "top-3"];

/** Whether the kernel reads this text as a rank or as the true class, whatever the classes are called. */
export const isReserved = (text: string): boolean => text === TRUE || RANK.test(text);

export const isRank = (target: Target): boolean => typeof target === "string" && RANK.test(target);

/** The two sides of a contrast; the second is null where the target is a single class. */
export function splitTarget(target: Target, names: readonly string[]): [Target, string | null] {
  if (typeof target === "number" || names.includes(target)) return [target, null];
  const at = target.indexOf(MINUS);
  return at < 0 ? [target, null] : [target.slice(0, at), target.slice(at + MINUS.length)];
}

/** Of the second side of a contrast, the classes whose mean is subtracted and its weight; null where it is one class. */
export function meanOf(side: Target, names: readonly string[]): { weight: string; classes: string[] } | null {
  const match = names.includes(String(side)) ? null : MEAN.exec(String(side));
  return match && { weight: match[1] ?? "1", classes: match[2].split(AND) };
}

/** What is subtracted to tell a class from its rivals, those with the highest scores; null where there are too few. */
export function rivalMean(a: Target, classes: number): string | null {
  const first = a === TOPS[0] ? 2 : 1;
  const ranks = [first, first + 1, first + 2].filter((place) => place <= classes).map(rankAt);
  return ranks.length > 1 ? `0.6 mean(${ranks.join(AND)})` : null;
}

const rankAt = (place: number): string => (place === 1 ? "top" : `top-${place}`);

/** A target as text that means only it, or null where two classes share a name. */
export function plainText(target: Target, names: readonly string[]): string | null {
  if (typeof target === "string") return target;
  const name = names[target];
  const unique = names.indexOf(name) === target && names.lastIndexOf(name) === target;
  return unique && !isReserved(name) ? name : null;
}

/** "A − B", or A alone where there is nothing to subtract or a side cannot be told by name. */
export function joinTarget(a: Target, b: Target | null, names: readonly string[]): Target {
  const [left, right] = [plainText(a, names), b === null ? null : plainText(b, names)];
  return left === null || right === null ? a : left + MINUS + right;
}

/** What people call a rank or the true class: "predicted", "2nd"…; null for any other text. */
export function spokenTarget(text: string): string | null {
  if (text === TRUE) return "true class";
  const match = RANK.exec(text);
  if (!match) return null;
  const place = Number(match[1] ?? 1);
  if (place === 1) return "predicted";
  const isTeen = place % 100 > 10 && place % 100 < 14;
  return `${place}${(!isTeen && ["", "st", "nd", "rd"][place % 10]) || "th"}`;
}

/** The place of a rank, 1 for "top"; null for any other text. */
export function placeOf(text: string): number | null {
  const match = RANK.exec(text);
  return match && Number(match[1] ?? 1);
}

/** What somebody types for a class or a rank beside its name: "24", "top-4" or "4th"; null for any other text. */
export function readTarget(text: string, classes: number): Target | null {
  const word = text.trim().toLowerCase();
  if (/^\d+$/.test(word)) return Number(word) < classes ? Number(word) : null;
  const ordinal = /^([1-9]\d*)(?:st|nd|rd|th)$/.exec(word);
  const rank = ordinal ? `top-${ordinal[1]}`.replace(/^top-1$/, "top") : word;
  const place = placeOf(rank);
  return place !== null && place <= classes ? rank : null;
}
