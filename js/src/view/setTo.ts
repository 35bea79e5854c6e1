import type { Signal } from "@preact/signals";

/** A handler that sets a signal to a value. */
export const setTo =
  <Value>(signal: Signal<Value>, value: Value) =>
  () => {
    signal.value = value;
  };
