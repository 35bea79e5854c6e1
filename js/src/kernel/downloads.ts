/** Files that the kernel makes and sends in parts. */

import { type Binary, toBytes } from "./decode";
import type { File, Up } from "./protocol";

/** Milliseconds of silence after which a file is given up. */
const SILENCE_MS = 60_000;

interface Download {
  parts: Map<number, Uint8Array<ArrayBuffer>>;
  resolve(file: Blob): void;
  reject(reason: Error): void;
  timer: ReturnType<typeof setTimeout>;
}

export class Downloads {
  /** By id: all views of a widget hear all its messages, and each knows its own files. */
  private readonly pending = new Map<string, Download>();

  constructor(private readonly send: (message: Up) => void) {}

  /** Asks for a file, `"html"` or `"npz"` of one column; rejects with the reason where there is none. */
  fetch(format: string, column: number): Promise<Blob> {
    const id = Math.random().toString(36).slice(2);
    return new Promise((resolve, reject) => {
      this.pending.set(id, { parts: new Map(), resolve, reject, timer: this.watch(id) });
      this.send({ kind: "export", id, format, column });
    });
  }

  receive({ id, part, parts, error }: File, buffers: Binary[]) {
    const download = this.pending.get(id);
    if (!download) return;
    if (error) return this.end(id, error);
    if (!(part >= 0 && part < parts)) return this.end(id, `there is no part ${part} of ${parts}`);
    // A host may reuse the buffer for its next message.
    download.parts.set(part, toBytes(buffers[0]).slice());
    clearTimeout(download.timer);
    if (download.parts.size < parts) {
      download.timer = this.watch(id);
      return;
    }
    const inOrder = Array.from({ length: parts }, (_, index) => download.parts.get(index));
    if (inOrder.every((bytes) => bytes !== undefined)) download.resolve(new Blob(inOrder));
    this.end(id, "parts of the file are missing");
  }

  close(): void {
    for (const id of [...this.pending.keys()]) this.end(id, "the view was closed");
  }

  private watch(id: string) {
    return setTimeout(() => this.end(id, "the kernel does not answer: it is busy, or gone"), SILENCE_MS);
  }

  /** Forgets a file; its promise is rejected unless it was resolved before. */
  private end(id: string, reason: string): void {
    const download = this.pending.get(id);
    clearTimeout(download?.timer);
    download?.reject(new Error(reason));
    this.pending.delete(id);
  }
}
