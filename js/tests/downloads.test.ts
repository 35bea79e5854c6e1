import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Downloads } from "../src/kernel/downloads";
import type { Up } from "../src/kernel/protocol";

let sent: Up[];
let files: Downloads;

const part = (number: number, parts: number, error = "") => {
  const { id } = sent[0] as Extract<Up, { kind: "export" }>;
  return { kind: "file", id, part: number, parts, error } as const;
};

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  files = new Downloads((message) => sent.push(message));
});
afterEach(() => vi.useRealTimers());

it("puts parts together in their order, whatever order they come in", async () => {
  const file = files.fetch("npz", 2);
  expect(sent[0]).toMatchObject({ kind: "export", format: "npz", column: 2 });
  files.receive(part(1, 2), [new DataView(Uint8Array.of(9, 3, 4).buffer, 1)]);
  files.receive(part(0, 2), [Uint8Array.of(1, 2).buffer]);
  expect([...new Uint8Array(await (await file).arrayBuffer())]).toEqual([1, 2, 3, 4]);
  expect(vi.getTimerCount()).toBe(0);
});

it("knows its own files", async () => {
  const file = files.fetch("html", 0);
  files.receive({ ...part(0, 1), id: "another view's" }, [Uint8Array.of(1)]);
  files.receive(part(0, 1), [Uint8Array.of(2)]);
  expect((await file).size).toBe(1);
  files.receive(part(0, 1), [Uint8Array.of(2)]);
});

it("says why there is no file", async () => {
  const refused = expect(files.fetch("html", 0)).rejects.toThrow("nothing yet");
  files.receive(part(0, 1, "nothing yet"), [new Uint8Array()]);
  await refused;
});

it("gives up when the kernel falls silent, also after the first part", async () => {
  const silent = expect(files.fetch("html", 0)).rejects.toThrow("does not answer");
  vi.advanceTimersByTime(59_000);
  files.receive(part(0, 2), [Uint8Array.of(2)]);
  vi.advanceTimersByTime(59_000);
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(1000);
  await silent;
});

it("ends with its view", async () => {
  const ended = expect(files.fetch("html", 0)).rejects.toThrow("closed");
  files.close();
  await ended;
  expect(vi.getTimerCount()).toBe(0);
});
