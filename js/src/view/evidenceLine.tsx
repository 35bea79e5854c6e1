import { useComputed } from "@preact/signals";
import type { EvidenceRecord } from "../kernel/protocol";
import { type EvidenceState, evidenceOf, headlineOf, SHAPES, STATES } from "../state/evidence";
import type { Store, TilePlace } from "../state/store";

export const EvidenceMark = ({ state }: { state: EvidenceState }) => (
  <svg class="evidence-mark" data-state={state} viewBox="0 0 12 12" aria-hidden="true">
    <path d={SHAPES[state]} />
  </svg>
);

/** How far the map of a tile can be believed, in one line, which is drawn anew only where this tile's evidence changes. */
export function EvidenceLine({ store, ...place }: { store: Store } & TilePlace) {
  const record = useComputed(() => evidenceOf(store, place)).value;
  const text = useComputed(() => headlineOf(store, place)).value;
  return <EvidenceText record={record} text={text} />;
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
