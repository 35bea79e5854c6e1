import { useComputed } from "@preact/signals";
import type { Actions } from "../actions";
import { duration } from "../format";
import type { Status, Store } from "../store";
import { KEYS } from "./field";
import { useLate } from "./late";

const WORDS: Readonly<Record<Status, string>> = {
  idle: "ready",
  running: "computing",
  done: "done",
  cancelled: "cancelled",
  error: "error",
  "no-kernel": "no kernel",
};

function state(store: Store): string {
  const status = store.status.value;
  if (store.offer.value?.alone) return "a page of its own: it shows what was answered before";
  if (status === "no-kernel" && store.welcome.value && !store.offer.value) {
    return "the kernel no longer answers: run the cell again for new maps. What is here still takes colours and zoom.";
  }
  if (status === "no-kernel") {
    return "waiting for the kernel: it is not running, or a cell keeps it busy. Colours, zoom and kept answers still work.";
  }
  if (store.waiting.value) return "waiting for the kernel (a cell is running)";
  if (!store.welcome.value && status === "idle") return "connecting";
  return WORDS[status];
}

/** Apart from the state, which is read out: this changes several times a second. */
function counted(store: Store): string {
  const progress = store.progress.value;
  if (store.status.value !== "running" || !progress || progress.total <= 0) return "";
  const left = progress.eta_s === null ? "" : `, ${duration(progress.eta_s)} left`;
  return `${progress.done} of ${progress.total}${left}`;
}

function details(store: Store): string {
  const images = store.traits._images.value.length;
  const column = store.answer.value?.columns[0];
  const seconds = store.seconds.value;
  const preprocessing = store.welcome.value?.inspection.preprocessing;
  return [
    `${images} image${images === 1 ? "" : "s"}`,
    seconds === null ? "" : duration(seconds),
    column?.layer ?? "",
    preprocessing,
  ]
    .filter(Boolean)
    .join(" · ");
}

/** What the mouse can do in the tiles, or what they say under the crosshair. */
function Hint({ store }: { store: Store }) {
  const reading = useComputed(() => store.crosshair.value !== null).value;
  return (
    <span class="dim hint">
      {reading ? "in every tile: pixel, value, rank" : "zoom: Ctrl + wheel, double click, + or −"}
    </span>
  );
}

export function StatusBar({ store, actions }: { store: Store; actions: Actions }) {
  const running = store.status.value === "running";
  const late = useLate(useComputed(() => store.status.value === "running"));
  const progress = store.progress.value;
  const part = progress && progress.total > 0 ? progress.done / progress.total : undefined;
  const finished = store.status.value === "done" ? 100 : 0;
  const percentDone = running ? part && Math.round(part * 100) : finished;
  return (
    <div class="status">
      <div
        class="progress"
        role="progressbar"
        aria-label="Progress"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={percentDone}
        data-running={late || undefined}
        data-unknown={(late && part === undefined) || undefined}
        style={{ "--part": part ?? 0 }}
      />
      <span class="state" role="status">
        <span class="dot" aria-hidden="true" />
        {state(store)}
      </span>
      {progress && <span class="details">{counted(store)}</span>}
      <span class="dim details">{details(store)}</span>
      <div class="end">
        <Hint store={store} />
        <button type="button" {...KEYS} aria-disabled={!running} onClick={() => running && actions.cancel()}>
          Cancel
        </button>
      </div>
    </div>
  );
}
