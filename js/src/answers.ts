/** Whole answers that a page keeps, so that asking again what was answered takes no time. */

import type { Answer, Asked } from "./store";

export interface Kept extends Pick<Answer, "columns" | "tiles"> {
  /** The kernel's name of this answer; another one where the weights have changed since. */
  key: string;
}

export interface Answers {
  find(asked: Asked): Kept | undefined;
  keep(asked: Asked, answer: Kept): void;
  keys(): string[];
}

const LIMIT_BYTES = 64e6;
const MOST = 500;

/** The answers used least recently go first. */
export function createAnswers(limit = LIMIT_BYTES): Answers {
  const held = new Map<string, Kept>();
  return {
    find(asked) {
      const text = textOf(asked);
      const found = held.get(text);
      if (found) {
        held.delete(text);
        held.set(text, found);
      }
      return found;
    },
    keep(asked, answer) {
      const text = textOf(asked);
      held.delete(text);
      held.set(text, answer);
      let bytes = 0;
      for (const each of held.values()) bytes += sizeOf(each);
      for (const [oldest, each] of held) {
        if ((bytes <= limit && held.size <= MOST) || oldest === text) break;
        bytes -= sizeOf(each);
        held.delete(oldest);
      }
    },
    keys: () => [...held.values()].map(({ key }) => key),
  };
}

function sizeOf(answer: Kept): number {
  let bytes = 0;
  for (const tile of answer.tiles.values()) bytes += tile.values.byteLength;
  return bytes;
}

/** The same text for the same JSON, whatever the order of its keys. */
export function textOf(value: unknown): string {
  return JSON.stringify(value, (_, inner) =>
    inner && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
