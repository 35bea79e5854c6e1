import type { Binary } from "../src/kernel/decode";
import type { Item, Up } from "../src/kernel/protocol";
import { type FakeModel, item, running, welcome } from "./helpers";

export const IMAGES = 2;
const MS_A_MESSAGE = 40;
type Message = [content: unknown, buffer?: Uint8Array<ArrayBuffer>];

/** What a target's map of an image is, with so many trainings of the model behind it. */
export function truth(target: string, image: number, trainings: number): Float32Array {
  const start = [...target].reduce((sum, letter) => 31 * sum + letter.charCodeAt(0), 7 * image + trainings);
  return Float32Array.of(start % 97, (start * 7) % 89);
}

function frame(maps: [fields: Partial<Item>, values: Float32Array][]): [Item[], Uint8Array<ArrayBuffer>] {
  const buffer = new Uint8Array(maps.length * 8);
  const items = maps.map(([fields, values], i) => {
    buffer.set(new Uint8Array(values.buffer), 8 * i);
    return item({ ...fields, byte_offset: 8 * i, partial: values.some(Number.isNaN) });
  });
  return [items, buffer];
}

/** Answers as Python does, one message after the other, over whatever line `deliver` is. */
export class FakeKernel {
  gen = 0;
  seq = 0;
  trainings = 0;
  target = "";
  done = false;
  private told = new Set<string>();
  private waiting: Message[] = [];

  constructor(
    private model: FakeModel,
    private deliver: (content: unknown, buffers: Uint8Array<ArrayBuffer>[]) => void,
  ) {
    model.send = (message) => this.hear(message as Up);
    const work = () => {
      const [content, buffer] = this.waiting.shift() ?? [];
      if (content) this.deliver(content, buffer ? [buffer] : []);
      this.done = this.waiting.length === 0;
      setTimeout(work, MS_A_MESSAGE);
    };
    work();
  }

  /** The question that the traits ask. */
  ask() {
    this.gen += 1;
    this.target = String(this.model.state.target);
    this.tell();
  }

  private hear(message: Up) {
    if (message.kind === "miss") {
      if (message.gen === this.gen) this.told.delete(this.key);
      this.tell();
    }
    if (message.kind !== "hello") return;
    this.told = new Set(message.have);
    this.deliver({ kind: "welcome", version: 1, gen: this.gen, ...welcome() }, []);
    this.tell();
  }

  private get key() {
    return `${this.target}@${this.trainings}`;
  }

  private tell() {
    const { gen, key, target } = this;
    const held = this.told.has(key);
    const maps = (...all: [number, Float32Array][]): Message => {
      const [items, buffer] = frame(all.map(([image, values]) => [{ image }, values]));
      this.seq += 1;
      return [{ kind: "maps", gen, seq: this.seq, items }, buffer];
    };
    const whole = Array.from({ length: IMAGES }, (_, image) => truth(target, image, this.trainings));
    const answer = [
      maps([0, Float32Array.of(whole[0][0], Number.NaN)]),
      [{ kind: "progress", gen, done: 1, total: 2, eta_s: null }] as Message,
      maps([0, whole[0]]),
      maps([1, whole[1]]),
    ];
    this.waiting = [
      [{ kind: "queued", gen }],
      [{ ...running(gen, target), key, held }],
      ...(held ? [] : answer),
      [{ kind: "done", gen, seconds: 1, maps: IMAGES }],
    ];
    this.told.add(key);
    this.done = false;
  }
}

/** Repeatable numbers from 0 to 1. */
export function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

/** The ways in which hosts hand over a buffer. */
export const HOSTS: [name: string, hand: (bytes: Uint8Array<ArrayBuffer>) => Binary][] = [
  ["JupyterLab's DataView", (bytes) => new DataView(bytes.slice().buffer)],
  ["Colab's Uint8Array", (bytes) => bytes.slice()],
  ["Shiny's ArrayBuffer", (bytes) => bytes.slice().buffer],
  [
    "marimo's DataView in the middle of a buffer",
    (bytes) => {
      const room = new Uint8Array(bytes.length + 11).fill(255);
      room.set(bytes, 5);
      return new DataView(room.buffer, 5, bytes.length);
    },
  ],
];
