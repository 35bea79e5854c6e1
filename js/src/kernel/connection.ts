/** The connection to the kernel, and whether there is a kernel at its other end. */

import type { Binary } from "./decode";
import { parse } from "./parse";
import type { Down, Up } from "./protocol";

/** What a host of anywidget gives to a view. */
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

export interface Listener {
  /** The greeting that the kernel answers with `welcome`. */
  hello(): Up;
  /** Asks the kernel again for what it owes; null where it owes nothing. */
  reminder(): Up | null;
  receive(message: Down, buffers: Binary[]): void;
  /** A message cannot be read. */
  fail(error: unknown): void;
  /** The kernel is gone, or has not answered the greeting. */
  lost(): void;
}

/** Milliseconds until an unanswered greeting is repeated, for a host may have lost it; each time twice as long. */
const HELLO_MS = 5000;
const LONGEST_HELLO_MS = 40_000;
/** Milliseconds until a kernel that owes something is reminded, for hosts drop messages; each time twice as long. */
const SILENCE_MS = 10_000;

export class Connection {
  private greeting: ReturnType<typeof setTimeout> | undefined;
  private silence: ReturnType<typeof setTimeout> | undefined;
  /** Something has come since the last greeting. */
  private isAlive = false;
  private isGivenUp = false;

  constructor(
    private readonly model: Model,
    private readonly listener: Listener,
  ) {
    model.on("msg:custom", this.onMessage);
    // Jupyter's hosts announce by this event that the kernel was restarted, or found again.
    model.on("comm_live_update", this.greet);
  }

  send(message: Up): void {
    try {
      this.model.send(message);
    } catch {
      // Hosts refuse to send to a kernel that was restarted since.
      this.welcomed();
      this.listener.lost();
    }
  }

  greet = () => this.greetFor(HELLO_MS);

  /** The kernel has answered the greeting. */
  welcomed(): void {
    clearTimeout(this.greeting);
    this.isGivenUp = false;
  }

  /** Reminds the kernel, from now on, of what it owes. */
  expectAnswer(ms = SILENCE_MS): void {
    clearTimeout(this.silence);
    if (!this.listener.reminder()) return;
    this.silence = setTimeout(() => {
      const message = this.listener.reminder();
      if (!message) return;
      this.expectAnswer(2 * ms);
      this.send(message);
    }, ms);
  }

  close(): void {
    this.welcomed();
    clearTimeout(this.silence);
    this.model.off("msg:custom", this.onMessage);
    this.model.off("comm_live_update", this.greet);
  }

  private greetFor(ms: number): void {
    this.welcomed();
    this.isAlive = false;
    this.greeting = setTimeout(() => {
      // A kernel that sends, but no welcome, has not received the greeting, or its welcome was lost.
      if (this.isAlive) return this.greetFor(HELLO_MS);
      this.listener.lost();
      if (ms < LONGEST_HELLO_MS) this.greetFor(2 * ms);
      this.isGivenUp = true;
    }, ms);
    this.send(this.listener.hello());
  }

  private onMessage = (content: unknown, buffers: Binary[] = []) => {
    try {
      const message = parse(content);
      if (message && "seq" in message) this.send({ kind: "ack", seq: message.seq });
      if (message) this.listener.receive(message, buffers);
    } catch (error) {
      this.listener.fail(error);
    }
    this.isAlive = true;
    if (this.isGivenUp) this.greet();
    this.expectAnswer();
  };
}
