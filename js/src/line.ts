/** The line to the kernel, and whether anybody is at its other end. */

import type { Up } from "./messages";

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
  close(): void;
}

const HELLO_MS = 5000;

/** `lost` is called whenever the kernel turns out to be gone, or leaves a greeting unanswered. */
export function openLine(model: Model, hello: () => Up, lost: () => void): Line {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const answered = () => clearTimeout(timer);

  const send = (message: Up) => {
    try {
      model.send(message);
    } catch {
      // Hosts refuse to send to a kernel that was restarted since.
      answered();
      lost();
    }
  };

  const greet = () => {
    clearTimeout(timer);
    timer = setTimeout(lost, HELLO_MS);
    send(hello());
  };

  // What Jupyter's hosts say when the kernel is restarted, or found again.
  model.on("comm_live_update", greet);
  return {
    send,
    greet,
    answered,
    close() {
      answered();
      model.off("comm_live_update", greet);
    },
  };
}
