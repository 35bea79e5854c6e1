import { type ReadonlySignal, useSignal, useSignalEffect } from "@preact/signals";
import { setTo } from "./setTo";

const DELAY_MS = 150;

/** Whether a condition has held for a while: what is over sooner would only flicker. */
export function useDelayed(condition: ReadonlySignal<boolean>): boolean {
  const delayed = useSignal(false);
  useSignalEffect(() => {
    delayed.value = false;
    if (!condition.value) return;
    const timer = setTimeout(setTo(delayed, true), DELAY_MS);
    return () => clearTimeout(timer);
  });
  return delayed.value;
}
