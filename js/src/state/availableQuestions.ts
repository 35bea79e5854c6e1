/** What can be asked while no kernel answers: only what was answered before. */

import type { Archive, ArchivedAnswer } from "../kernel/archive";
import type { QuestionRecord } from "../kernel/protocol";
import { isEqual, isSameQuestion, QUESTION } from "../kernel/question";
import { withRegion } from "./regions";
import type { Store, Traits } from "./store";

/** Whether a value can be chosen: any where a kernel answers, else those of the available questions. */
export const isAvailable = <Name extends keyof QuestionRecord>(store: Store, name: Name, value: QuestionRecord[Name]) =>
  store.available.value?.questions.some((question) => isEqual(question[name], value)) ?? true;

/** Whether a map of an image can be had that is about no region of its own. */
export const canResetRegion = (store: Store, image: number): boolean =>
  isAvailable(store, "regions", withRegion(store.traits.regions.value, image, null));

/** What is said of a value that cannot. */
export const NEEDS_KERNEL = "needs the kernel, for it was not asked before";

/** The archived answer to exactly this question, or undefined. */
export const exact = (archive: Archive, question: QuestionRecord) =>
  archive.answers.findLast((archived) => isSameQuestion(archived.question, question));

/** How much it counts that a part of the question stays as it is. */
const WEIGHTS: Readonly<Record<keyof QuestionRecord, number>> = {
  compare: 16,
  method: 8,
  target: 8,
  layer: 8,
  params: 4,
  compare_with: 1,
  regions: 8,
};

/**
 * The archived answer nearest to a question with some traits changed. The first changed trait must hold, and the rest
 * as far as it can.
 */
export function nearest(
  archive: Archive,
  question: QuestionRecord,
  changes: Partial<Traits>,
): ArchivedAnswer | undefined {
  const names = QUESTION.filter((name) => name in changes);
  const wanted: QuestionRecord = { ...question, ...changes };
  const must = names.find((name) => !isEqual(wanted[name], question[name])) ?? names[0];
  let best: ArchivedAnswer | undefined;
  let highest = -1;
  for (const archived of archive.answers) {
    if (must && !isEqual(archived.question[must], wanted[must])) continue;
    const equal = QUESTION.filter((name) => isEqual(archived.question[name], wanted[name]));
    const score = equal.reduce((sum, name) => sum + WEIGHTS[name], 0);
    if (score >= highest) [best, highest] = [archived, score];
  }
  return best;
}
