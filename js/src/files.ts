/** Files that come from the kernel in parts. */

import { type Binary, toBytes } from "./codec";
import type { Down, Up } from "./kernel/protocol";

/** So long the kernel may say nothing before a file is given up. */
const SILENCE_MS = 60_000;

type Part = Extract<Down, { kind: "file" }>;

export interface Files {
  fetch(format: string, column: number): Promise<Blob>;
  take(part: Part, buffers: Binary[]): void;
  close(): void;
}

interface Pending {
  parts: Map<number, Uint8Array<ArrayBuffer>>;
  resolve(file: Blob): void;
  reject(reason: Error): void;
  timer: ReturnType<typeof setTimeout>;
}

export function createFiles(send: (message: Up) => void): Files {
  /** All views of a widget hear all its messages: each knows its own files by their ids. */
  const pending = new Map<string, Pending>();

  const end = (id: string) => {
    clearTimeout(pending.get(id)?.timer);
    pending.delete(id);
  };
  const watch = (id: string) =>
    setTimeout(() => {
      pending.get(id)?.reject(new Error("the kernel does not answer: it is busy, or gone"));
      end(id);
    }, SILENCE_MS);

  return {
    fetch(format, column) {
      const id = Math.random().toString(36).slice(2);
      return new Promise((resolve, reject) => {
        pending.set(id, { parts: new Map(), resolve, reject, timer: watch(id) });
        send({ kind: "export", id, format, column });
      });
    },
    take({ id, part, parts, error }, buffers) {
      const file = pending.get(id);
      if (!file) return;
      if (error) {
        file.reject(new Error(error));
        end(id);
        return;
      }
      if (!(part >= 0 && part < parts)) {
        file.reject(new Error(`there is no part ${part} of ${parts}`));
        end(id);
        return;
      }
      // A host may reuse the buffer for its next message.
      file.parts.set(part, toBytes(buffers[0]).slice());
      clearTimeout(file.timer);
      if (file.parts.size < parts) {
        file.timer = watch(id);
        return;
      }
      const inOrder = Array.from({ length: parts }, (_, index) => file.parts.get(index));
      if (inOrder.every((bytes) => bytes !== undefined)) file.resolve(new Blob(inOrder));
      else file.reject(new Error("parts of the file are missing"));
      end(id);
    },
    close() {
      for (const id of [...pending.keys()]) {
        pending.get(id)?.reject(new Error("the view was closed"));
        end(id);
      }
    },
  };
}
