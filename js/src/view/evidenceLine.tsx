import { useComputed } from "@preact/signals";
import type { EvidenceRecord } from "../kernel/protocol";
import { evidenceOf, headlineOf } from "../state/evidence";
import type { Store, TilePlace } from "../state/store";

export type EvidenceState = EvidenceRecord["state"];

/** What a mark means, for those who do not know its shape. */
export const STATES: Readonly<Record<EvidenceState, string>> = {
  holds: "holds",
  weak: "weak",
  unknown: "cannot be told",
  unmeasured: "not measured",
};

/** Each state has a shape of its own, beside its colour. */
const SHAPES: Readonly<Record<EvidenceState, string>> = {
  holds: "M6 .5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11Zm2.6 3.4L5.3 8.2 3.3 6.3",
  weak: "M6 .8 11.6 11H.4ZM6 4.4v3.2M6 8.9v.9",
  unknown: "M6 .4 11.6 6 6 11.6.4 6ZM4.5 5a1.5 1.5 0 1 1 2 1.4q-.5.2-.5.8M6 8.4v.8",
  unmeasured: "M6 1a5 5 0 1 0 0 10A5 5 0 0 0 6 1Z",
};

export const EvidenceMark = ({ state }: { state: EvidenceState }) => (
  <svg class="evidence-mark" data-state={state} viewBox="0 0 12 12" aria-hidden="true">
    <path d={SHAPES[state]} />
  </svg>
);

/** How far the map of a tile can be believed, in one line. */
export function EvidenceLine({ store, ...place }: { store: Store } & TilePlace) {
  const record = useComputed(() => evidenceOf(store, place)).value;
  return <EvidenceText record={record} text={headlineOf(store, place)} />;
}

export function EvidenceText({ record, text }: { record: EvidenceRecord | undefined; text: string }) {
  const state = record?.state ?? "unmeasured";
  return (
    <div class="evidence-line" data-state={state} title={record && `${STATES[state]}: ${record.verdict}`}>
      {text && <EvidenceMark state={state} />}
      <span>{text || "\u00a0"}</span>
    </div>
  );
}
