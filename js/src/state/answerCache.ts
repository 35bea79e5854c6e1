/** Complete answers that a page keeps, so that a question asked again is answered at once. */

import type { Answer } from "../kernel/decode";
import type { QuestionRecord } from "../kernel/protocol";
import { canonicalText } from "../kernel/question";

const LIMIT_BYTES = 64e6;
const LIMIT_ANSWERS = 500;

/** Holds answers up to a number of bytes; those used least recently go first. */
export class AnswerCache {
  private readonly answers = new Map<string, Answer>();

  constructor(private readonly limit = LIMIT_BYTES) {}

  find(question: QuestionRecord): Answer | undefined {
    const text = canonicalText(question);
    const answer = this.answers.get(text);
    if (answer) {
      this.answers.delete(text);
      this.answers.set(text, answer);
    }
    return answer;
  }

  add(question: QuestionRecord, answer: Answer): void {
    const text = canonicalText(question);
    this.answers.delete(text);
    this.answers.set(text, answer);
    let bytes = this.list().reduce((sum, each) => sum + sizeOf(each), 0);
    for (const [oldest, each] of this.answers) {
      if ((bytes <= this.limit && this.answers.size <= LIMIT_ANSWERS) || oldest === text) break;
      bytes -= sizeOf(each);
      this.answers.delete(oldest);
    }
  }

  keys = () => this.list().map(({ key }) => key);

  private list = () => [...this.answers.values()];
}

const sizeOf = ({ tiles }: Answer) => [...tiles.values()].reduce((sum, { values }) => sum + values.byteLength, 0);
