import { useComputed } from "@preact/signals";
import { duration } from "../state/format";
import type { Status, Store } from "../state/store";
import type { ViewProps } from "./props";
import { useDelayed } from "./useDelayed";

const WORDS: Readonly<Record<Status, string>> = {
  idle: "ready",
  running: "computing",
  done: "done",
  cancelled: "cancelled",
  error: "error",
  "no-kernel": "no kernel",
};

function stateText(store: Store): string {
  const status = store.status.value;
  const available = store.available.value;
  if (available?.offline) return "";
  if (status === "no-kernel" && store.constants.value && !available) {
    return "the kernel no longer answers: run the cell again for new maps. What is here still takes colours and zoom.";
  }
  if (status === "no-kernel") {
    return "waiting for the kernel: it is not running, or a cell keeps it busy. Colours, zoom and kept answers still work.";
  }
  if (store.waiting.value) return "waiting for the kernel (a cell is running)";
  if (!store.constants.value && status === "idle") return "connecting";
  return status === "cancelled" ? `cancelled${cancelledAt(store)}` : WORDS[status];
}

/** How much of the answer had come. */
function cancelledAt(store: Store): string {
  const { columns = [], tiles } = store.answer.value ?? {};
  const count = columns.length * store.traits._images.value.length;
  if (!tiles || count === 0 || store.stale.value || store.stored.value) return "";
  const done = [...tiles.values()].reduce((sum, { item }) => sum + item.done, 0);
  return ` at ${Math.floor((100 * done) / count)} %`;
}

/** Apart from the state, which is read out: this changes several times a second. */
function progressText(store: Store): string {
  const progress = store.progress.value;
  if (store.status.value !== "running" || !progress || progress.total <= 0) return "";
  const left = progress.eta_s === null ? "" : `, ${duration(progress.eta_s)} left`;
  return `${progress.done} of ${progress.total}${left}`;
}

function detailsText(store: Store): string {
  const seconds = store.seconds.value;
  return [seconds === null ? "" : duration(seconds), store.constants.value?.inspection.preprocessing]
    .filter(Boolean)
    .join(" · ");
}

function ProgressBar({ store }: { store: Store }) {
  const running = useComputed(() => store.status.value === "running");
  const delayed = useDelayed(running);
  const { done = 0, total = 0 } = store.progress.value ?? {};
  const part = total > 0 ? done / total : undefined;
  const finished = store.status.value === "done" ? 100 : 0;
  return (
    <div
      class="progress"
      role="progressbar"
      aria-label="Progress"
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={running.value ? part && Math.round(part * 100) : finished}
      data-running={delayed || undefined}
      data-unknown={(delayed && part === undefined) || undefined}
      style={{ "--part": part ?? 0 }}
    />
  );
}

/** What the kernel does, and what stops it. */
export function StatusBar({ store, actions }: ViewProps) {
  const running = store.status.value === "running";
  const state = stateText(store);
  const details = detailsText(store);
  return (
    <div class="status">
      <ProgressBar store={store} />
      <span class="state" role="status">
        {state && <span class="dot" aria-hidden="true" />}
        {state}
      </span>
      {!store.available.value?.offline && (
        <button
          type="button"
          title="Stops computing; maps that have come stay"
          aria-disabled={!running}
          onClick={() => running && actions.cancel()}
        >
          Cancel
        </button>
      )}
      {store.traits.weights_changed.value && store.status.value !== "no-kernel" && (
        <span>
          the weights have changed:{" "}
          <button type="button" title="Asks again, of the model as it is now" onClick={() => actions.refresh()}>
            Refresh
          </button>
        </span>
      )}
      {store.progress.value && <span class="details">{progressText(store)}</span>}
      <span class="dim details" title={details}>
        {details}
      </span>
    </div>
  );
}
