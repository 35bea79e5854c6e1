import type { Constants } from "../src/kernel/archive";
import type { Model } from "../src/kernel/connection";
import type { PredictionTable } from "../src/kernel/decode";
import type { Column, CurvesRecord, Item, ParameterRecord, WrapperRecord } from "../src/kernel/protocol";
import { Actions } from "../src/state/actions";
import type { Session } from "../src/state/session";
import { currentQuestion, Store, type Traits } from "../src/state/store";

export function item(fields: Partial<Item> = {}): Item {
  return {
    image: 0,
    column: 0,
    layer: "conv",
    method: "cam",
    target: 1,
    target_name: "cat",
    score: 2.5,
    probability: 0.9,
    unit: null,
    shape: [1, 2],
    dtype: "float32",
    scale: 1,
    offset: 0,
    signed: true,
    partial: false,
    done: 1,
    notes: [],
    evidence: "some",
    checks: {},
    region: null,
    byte_offset: 0,
    byte_length: 8,
    whole_shape: fields.shape ?? [1, 2],
    ...fields,
  };
}

/** Of a method that sees a layer. */
export const COLUMN: Omit<Column, "target"> = {
  layer: "conv",
  method: "cam",
  method_title: "CAM",
  signed: true,
  own: false,
  ...{ input: "", model: "", matched: "" },
  display: { clip: 100, origin: "zero", sign: "positive", borders: false },
};

type Named = Partial<ParameterRecord> & Pick<ParameterRecord, "name" | "title" | "kind" | "default">;
const parameter = (fields: Named): ParameterRecord => ({
  ...{ help: "", choices: [], minimum: null, maximum: null, step: null },
  ...fields,
});

const WRAPPERS: WrapperRecord[] = [
  {
    ...{ id: "smooth", title: "Smooth", summary: "" },
    params: [
      parameter({ name: "repetitions", title: "Repetitions", kind: "int", default: 20 }),
      parameter({ name: "noise", title: "Noise", kind: "float", default: 0.15 }),
    ],
  },
  {
    ...{ id: "tta", title: "TTA", summary: "" },
    params: [
      parameter({ name: "scales", title: "Scales", kind: "numbers", default: [0.5, 1, 1.5] }),
      parameter({ name: "hflip", title: "Mirror", kind: "bool", default: true }),
    ],
  },
];

export function welcome(fields: Partial<Constants> = {}): Constants {
  return {
    catalogue: [],
    wrappers: WRAPPERS,
    inspection: {} as never,
    class_names: [],
    arguments: ["model", "images"],
    columns: [],
    suspicions: null,
    ...{ predicts: "probability", units: [], places: [], regions: [] },
    ...{ unmeasurable: null, models: [] },
    ...fields,
  };
}

/** Of a map that marks what counts: half of the picture covered takes the prediction. */
export const CURVES: CurvesRecord = {
  ...{ value: "probability", covered: [0, 0.5, 1], shown: [0, 0.5, 1], deletion: [0.9, 0.2, 0.1] },
  ...{ insertion: [0.1, 0.7, 0.9], random_low: [0.9, 0.3, 0.1], random_high: [0.9, 0.8, 0.1] },
  ...{ flips_at: 0.5, keeps_at: null, shares: ["Covering 50% takes the prediction.", "No part keeps it."], ends: [] },
};

/** One row of probabilities an image. */
export function predictions(...rows: number[][]): PredictionTable {
  return {
    images: rows.length,
    classes: rows[0].length,
    predicted: rows.map((row) => Math.max(0, row.indexOf(Math.max(...row)))),
    values: Float32Array.from(rows.flat()),
  };
}

/** The kernel begins to answer; what it asks goes by the targets. */
export function running(gen: number, ...targets: string[]) {
  const names = targets.length > 0 ? targets : ["top"];
  const columns = names.map((target) => ({ ...COLUMN, target }));
  const question = { ...currentQuestion(new Store({ ...COLUMN, target: names.join() } as never)) };
  return { kind: "running", gen, key: names.join(), asked: question, columns, held: false };
}

export interface FakeModel extends Model {
  sent: Record<string, unknown>[];
  saved: number;
  state: Record<string, unknown>;
  /** What Python does: a message, or a trait's new value. */
  down(content: unknown, buffers?: unknown[]): void;
  assign(name: string, value: unknown): void;
  /** What Jupyter's hosts do when the kernel is restarted. */
  lose(): void;
  listeners(): number;
}

export function fakeModel(state: Record<string, unknown> = {}): FakeModel {
  const handlers = new Map<string, Set<(...args: unknown[]) => void>>();
  const emit = (event: string, ...args: unknown[]) => {
    for (const handler of [...(handlers.get(event) ?? [])]) handler(...args);
  };
  return {
    sent: [],
    saved: 0,
    state,
    get: (name) => state[name],
    set(name, value) {
      state[name] = value;
    },
    save_changes() {
      this.saved += 1;
    },
    send(content) {
      this.sent.push(content as Record<string, unknown>);
    },
    on(event, callback) {
      handlers.set(event, (handlers.get(event) ?? new Set()).add(callback));
    },
    off(event, callback) {
      handlers.get(event)?.delete(callback);
    },
    down: (content, buffers = []) => emit("msg:custom", content, buffers),
    assign(name, value) {
      state[name] = value;
      emit(`change:${name}`);
    },
    lose() {
      this.send = () => {
        throw new Error("Cannot send");
      };
      emit("comm_live_update");
    },
    listeners: () => [...handlers.values()].reduce((sum, set) => sum + set.size, 0),
  };
}

/** Actions of a session that sets what it is asked for, and tells nobody; and all that was asked. */
export function silentActions(store: Store): { actions: Actions; requests: Partial<Traits>[] } {
  const requests: Partial<Traits>[] = [];
  const set = (values: Partial<Traits>) => {
    requests.push(values);
    for (const [name, value] of Object.entries(values)) store.traits[name as "layer"].value = value as string;
  };
  const session = { set, crops: { fetchAtRest: () => {} } };
  return { actions: new Actions(store, session as unknown as Session), requests };
}
