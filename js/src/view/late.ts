import { type ReadonlySignal, useSignal, useSignalEffect } from "@preact/signals";

const LATE_MS = 150;

/** Whether it has been true for a while: what is over sooner would only flicker. */
export function useLate(condition: ReadonlySignal<boolean>): boolean {
  const late = useSignal(false);
  useSignalEffect(() => {
    late.value = false;
    if (!condition.value) return;
    const timer = setTimeout(() => {
      late.value = true;
    }, LATE_MS);
    return () => clearTimeout(timer);
  });
  return late.value;
}
