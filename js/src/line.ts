/** The line to the kernel, and whether anybody is at its other end. */

import type { Up } from "./kernel/protocol";

/** What a host of anywidget gives; only this file and `session.ts` touch it. */
export interface Model {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  send(content: unknown): void;
  // biome-ignore lint/suspicious/noExplicitAny: hosts differ in what they pass to a callback.
  on(event: string, callback: (...args: any[]) => void): void;
  // biome-ignore lint/suspicious/noExplicitAny: see `on`.
  off(event: string, callback: (...args: any[]) => void): void;
}

export interface Line {
  send(message: Up): void;
  greet(): void;
  /** The kernel has answered the greeting. */
  answered(): void;
  /** The kernel has said something. */
  heard(): void;
  /** The kernel owes an answer from now on. */
  asked(): void;
  close(): void;
}

export interface Says {
  hello(): Up;
  /** Asks for what may not have arrived; null where the kernel owes nothing. */
  reminder(): Up | null;
  /** The kernel turned out to be gone, or left a greeting unanswered. */
  lost(): void;
}

/** So long a greeting waits for its answer at first; a host may have lost it, so others follow, each twice as long. */
const HELLO_MS = 5000;
const LONGEST_HELLO_MS = 40_000;
/** Hosts drop messages without a word. So long the kernel may be silent at first, each time twice as long. */
const SILENCE_MS = 10_000;

export function openLine(model: Model, { hello, reminder, lost }: Says): Line {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let silence: ReturnType<typeof setTimeout> | undefined;
  let isThere = false;
  let gaveUp = false;
  const answered = () => {
    clearTimeout(timer);
    gaveUp = false;
  };

  const send = (message: Up) => {
    try {
      model.send(message);
    } catch {
      // Hosts refuse to send to a kernel that was restarted since.
      answered();
      lost();
    }
  };

  const greetFor = (ms: number) => {
    answered();
    isThere = false;
    timer = setTimeout(() => {
      // Who speaks and does not answer has not heard the greeting, or was not heard.
      if (isThere) return greetFor(HELLO_MS);
      lost();
      if (ms < LONGEST_HELLO_MS) greetFor(2 * ms);
      gaveUp = true;
    }, ms);
    send(hello());
  };
  const greet = () => greetFor(HELLO_MS);

  const wait = (ms: number) => {
    clearTimeout(silence);
    if (!reminder()) return;
    silence = setTimeout(() => {
      const message = reminder();
      if (!message) return;
      wait(2 * ms);
      send(message);
    }, ms);
  };

  // What Jupyter's hosts say when the kernel is restarted, or found again.
  model.on("comm_live_update", greet);
  return {
    send,
    greet,
    answered,
    heard() {
      isThere = true;
      if (gaveUp) greet();
      wait(SILENCE_MS);
    },
    asked: () => wait(SILENCE_MS),
    close() {
      answered();
      clearTimeout(silence);
      model.off("comm_live_update", greet);
    },
  };
}
