/** Which traits make a question, and when two questions are the same. */

import type { QuestionRecord } from "./protocol";

export const QUESTION = ["layer", "method", "target", "params", "compare", "compare_with", "regions"] as const;

/** The same text for the same JSON, whatever the order of its keys. */
export function canonicalText(value: unknown): string {
  return JSON.stringify(value, (_, inner) =>
    inner && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

export const isEqual = (a: unknown, b: unknown) => canonicalText(a) === canonicalText(b);

export const isSameQuestion = (a: QuestionRecord, b: QuestionRecord) =>
  QUESTION.every((name) => isEqual(a[name], b[name]));
