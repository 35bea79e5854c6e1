import { useSignal } from "@preact/signals";
import type { EvidenceRecord } from "../kernel/protocol";
import { chosenEvidence, measuringText, STATES, unmeasured, whyNotMeasured } from "../state/evidence";
import { toHundredths, value } from "../state/format";
import { focusedImage, type Store } from "../state/store";
import { CellsTab } from "./cellsTab";
import { CoveringTab } from "./coveringTab";
import { EvidenceMark } from "./evidenceLine";
import { PaintTab } from "./paintTab";
import type { ViewProps } from "./props";
import { RankingTab } from "./rankingTab";
import { Tabs, type TabText } from "./tabs";

const TABS: readonly TabText[] = [
  { id: "covering", label: "Covering", title: "What the model says as the picture is covered" },
  { id: "cells", label: "Cells", title: "What covering each part costs, beside what the map has there" },
  { id: "paint", label: "Paint", title: "Cover what you paint on the large picture, and see what the model says" },
  { id: "ranking", label: "Which map here?", title: "Other methods beside this one" },
];

/** How far the map in focus can be believed: in a sentence, and to be seen. */
export function EvidenceSection({ store, actions }: ViewProps) {
  const tab = useSignal(TABS[0].id);
  const record = chosenEvidence(store);
  const state = record?.state ?? "unmeasured";
  return (
    <>
      <div class="evidence-verdict" data-state={state} role="status">
        <EvidenceMark state={state} />
        <p>
          <b>{STATES[state].replace(/^./, (letter) => letter.toUpperCase())}.</b> {record?.verdict}
        </p>
      </div>
      <Measuring store={store} actions={actions} />
      {store.answer.value && store.epochShown.value === null && (
        <Tabs tabs={TABS} chosen={tab} label="Evidence">
          <TabContent store={store} actions={actions} tab={tab.value} record={record} />
        </Tabs>
      )}
      {record && <MetricNumbers record={record} />}
    </>
  );
}

interface TabProps extends ViewProps {
  tab: string;
  record: EvidenceRecord | undefined;
}

function TabContent({ tab, record, ...view }: TabProps) {
  if (tab === "paint") return <PaintTab {...view} />;
  if (tab === "ranking") return <RankingTab {...view} />;
  if (!record) return <p class="dim">Nothing of this map is measured yet.</p>;
  return tab === "cells" ? <CellsTab record={record} /> : <CoveringTab {...view} record={record} />;
}

/** What each metric says, with its value and that of random maps. */
export function MetricNumbers({ record }: { record: EvidenceRecord }) {
  const text = ({ value: measured, control }: EvidenceRecord["metrics"][number]) =>
    value(measured) + (control ? `, random ${control.map(toHundredths).join(" ± ")}` : "");
  return (
    <details class="numbers">
      <summary>All numbers</summary>
      <dl class="facts">
        {record.metrics.map((metric) => (
          <div key={metric.title}>
            <dt>{metric.title}</dt>
            <dd title={metric.sentence}>
              {text(metric)}
              <span class="dim">{` · ${metric.better} is better`}</span>
            </dd>
          </div>
        ))}
      </dl>
    </details>
  );
}

const WHAT = "Covers parts of the picture, and compares with random maps; any question goes first";

/** What can be measured still, and how long that takes. */
export function Measuring({ store, actions }: ViewProps) {
  const why = whyNotMeasured(store);
  const image = focusedImage(store);
  // Of a store the kernel holds the maps of the image in focus alone.
  const inSight = store.stored.value ? [] : store.inSight.value;
  const [isMissing, missingInSight] = [unmeasured(store, [image]).length > 0, unmeasured(store, inSight)];
  if (why) return isMissing ? <p class="dim">{why}</p> : null;
  const left = unmeasured(store, store.measuring.value).length;
  if (left > 0) {
    return (
      <p class="measuring">
        <span class="dim">{progressOf(store, left)}</span>
        <button type="button" title="What is measured stays" onClick={actions.stopMeasuring}>
          Stop
        </button>
      </p>
    );
  }
  if (store.status.value !== "done" || (!isMissing && missingInSight.length === 0)) return null;
  return (
    <p class="measuring">
      {isMissing && (
        <button type="button" title={WHAT} onClick={() => actions.measure([image])}>
          Measure this{measuringText(store, 1)}
        </button>
      )}
      {missingInSight.length > 1 && (
        <button type="button" title={WHAT} onClick={() => actions.measure(inSight)}>
          Measure all in sight{measuringText(store, missingInSight.length)}
        </button>
      )}
    </p>
  );
}

const progressOf = (store: Store, left: number) => {
  const { length } = store.measuring.value;
  return length > 1 ? `measuring, ${length - left} of ${length} done` : "measuring…";
};
