/** Targets as the kernel reads them: a class by index or name, "top", "top-2"…, or "A − B". */

import type { Target } from "./store";

const MINUS = " − ";
export const TOPS = ["top", "top-2", "top-3"];

/** Whether the kernel reads this text as a rank, whatever the classes are called. */
export const isRank = (text: string): boolean => /^top(-[1-9]\d*)?$/.test(text);

/** The two sides of a contrast; the second is null where the target is a single class. */
export function splitTarget(target: Target, names: readonly string[]): [Target, string | null] {
  if (typeof target === "number" || names.includes(target)) return [target, null];
  const at = target.indexOf(MINUS);
  return at < 0 ? [target, null] : [target.slice(0, at), target.slice(at + MINUS.length)];
}

/** A target as text that means only it, or null where two classes share a name. */
export function plainText(target: Target, names: readonly string[]): string | null {
  if (typeof target === "string") return target;
  const name = names[target];
  const unique = names.indexOf(name) === target && names.lastIndexOf(name) === target;
  return unique && !isRank(name) ? name : null;
}

/** "A − B", or A alone where there is nothing to subtract or a side cannot be told by name. */
export function joinTarget(a: Target, b: Target | null, names: readonly string[]): Target {
  const [left, right] = [plainText(a, names), b === null ? null : plainText(b, names)];
  return left === null || right === null ? a : left + MINUS + right;
}
