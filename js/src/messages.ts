/** The protocol between kernel and page, version 1; the twin of `kx_widget/widget/messages.py`. */

import type { Asked } from "./store";

export const VERSION = 1;

export interface Param {
  name: string;
  title: string;
  help: string;
  kind: "choice" | "int" | "float" | "bool" | "numbers";
  default: unknown;
  choices?: unknown[];
  minimum?: number | null;
  maximum?: number | null;
  step?: number | null;
}

export interface Method {
  id: string;
  title: string;
  family: string;
  summary: string;
  sees: "layer" | "input" | "attention";
  cost: string;
  reference: string;
  params: Param[];
}

/** What any method can be wrapped in; its settings lie in `params` under its id. */
export interface Wrapper {
  id: string;
  title: string;
  summary: string;
  params: Param[];
}

export interface Layer {
  path: string;
  type: string;
  shape: (number | null)[];
  spatial: [number, number] | null;
  is_candidate: boolean;
  reason: string;
}

export interface Inspection {
  layers: Layer[];
  /** Null where no layer has a map; `why` then says so. */
  recommended: string | null;
  why: string;
  /** Where methods that look at attention start, null where there is none that tells where it looks. */
  attention_start: string | null;
  recommended_method: string;
  why_method: string;
  /** How far maps can be trusted on this model, by the method's id or by what it sees; earlier pages have none. */
  cautions?: Readonly<Record<string, string>>;
  head: string;
  classes: number;
  input_shape: (number | null)[];
  preprocessing: string;
}

export interface Column {
  layer: string;
  method: string;
  method_title: string;
  target: string | number;
  signed: boolean;
}

export interface Item {
  image: number;
  column: number;
  layer: string;
  method: string;
  target: number;
  target_name: string;
  score: number | null;
  probability: number | null;
  shape: [number, number];
  dtype: "float32" | "uint16";
  scale: number;
  offset: number;
  vmin: number;
  vmax: number;
  signed: boolean;
  partial: boolean;
  /** Sentences on what the map fails to say. */
  notes: string[];
  /** "none": there is nothing to draw; "against": nothing that is positive. */
  evidence: "some" | "against" | "none";
  byte_offset: number;
  byte_length: number;
}

export interface Whole {
  key: string;
  asked: Asked;
  columns: Column[];
  items: Item[];
}

export interface Thumbnail {
  layer: string;
  shape: [number, number];
  dtype: "float32" | "uint16";
  scale: number;
  offset: number;
  vmin: number;
  vmax: number;
  byte_offset: number;
  byte_length: number;
}

/** A picture of a store, or why there is none; `box` is the part of it that the model sees. */
export interface Photo {
  image: number;
  name: string;
  width: number;
  height: number;
  box: [number, number, number, number];
  mime: string;
  problem: string;
  byte_offset: number;
  byte_length: number;
}

export type Down =
  | {
      kind: "welcome";
      version: number;
      gen: number;
      catalogue: Method[];
      wrappers: Wrapper[];
      inspection: Inspection;
      class_names: string[];
      arguments: string[];
      offer: Asked[] | null;
    }
  | { kind: "predictions"; shape: [number, number]; first: number; best: number[] }
  | { kind: "shelf"; images: number; first: number; count: number }
  | { kind: "pictures"; seq: number; items: Photo[] }
  | { kind: "queued"; gen: number }
  | { kind: "running"; gen: number; key: string; asked: Asked; columns: Column[]; held: boolean }
  | { kind: "progress"; gen: number; done: number; total: number; eta_s: number | null }
  | { kind: "maps"; gen: number; seq: number; final: boolean; items: Item[] }
  | { kind: "ahead"; seq: number; answers: Whole[] }
  | {
      kind: "thumbnails";
      gen: number;
      image: number;
      column: number;
      key: string;
      method_title: string;
      signed: boolean;
      items: Thumbnail[];
    }
  | { kind: "done"; gen: number; seconds: number; maps: number }
  | { kind: "cancelled"; gen: number }
  | { kind: "error"; gen: number; message: string; hint: string; traceback: string }
  | { kind: "file"; id: string; part: number; parts: number; error: string };

export type Up =
  | { kind: "hello"; version: number; view: string; have: string[] }
  | { kind: "seen"; view: string; visible: boolean }
  | { kind: "miss"; gen: number }
  | { kind: "cancel"; gen: number }
  | { kind: "want"; gen: number; image: number; column: number; have: string }
  | { kind: "look"; gen: number; pictures: number[]; maps: number[] }
  | { kind: "export"; id: string; format: string; column: number }
  | { kind: "ack"; seq: number };

type Check = (value: unknown) => boolean;
const isNumber: Check = (value) => typeof value === "number";
const isText: Check = (value) => typeof value === "string";
const isList: Check = Array.isArray;
const isRecord: Check = (value) => typeof value === "object" && value !== null;

const FIELDS: Record<Down["kind"], Record<string, Check>> = {
  welcome: {
    version: isNumber,
    gen: isNumber,
    catalogue: isList,
    wrappers: isList,
    inspection: isRecord,
    class_names: isList,
    arguments: isList,
  },
  predictions: { shape: isList, first: isNumber, best: isList },
  shelf: { images: isNumber, first: isNumber, count: isNumber },
  pictures: { seq: isNumber, items: isList },
  queued: { gen: isNumber },
  running: { gen: isNumber, key: isText, asked: isRecord, columns: isList },
  progress: { gen: isNumber, done: isNumber, total: isNumber },
  maps: { gen: isNumber, seq: isNumber, items: isList },
  ahead: { seq: isNumber, answers: isList },
  thumbnails: { gen: isNumber, key: isText, items: isList },
  done: { gen: isNumber, seconds: isNumber, maps: isNumber },
  cancelled: { gen: isNumber },
  error: { gen: isNumber, message: isText },
  file: { id: isText, part: isNumber, parts: isNumber, error: isText },
};

/** The message, or null when its kind is not ours; throws when a known kind lacks a field. */
export function parse(content: unknown): Down | null {
  if (typeof content !== "object" || content === null) return null;
  const record = content as Record<string, unknown>;
  if (typeof record.kind !== "string" || !Object.hasOwn(FIELDS, record.kind)) return null;
  for (const [name, check] of Object.entries(FIELDS[record.kind as Down["kind"]])) {
    if (!check(record[name]))
      throw new Error(`message "${record.kind}": field "${name}" is missing or wrong`);
  }
  return record as Down;
}
