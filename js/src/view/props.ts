import type { Signal } from "@preact/signals";
import type { Stage } from "../canvas/stage";
import type { Actions } from "../state/actions";
import type { Store } from "../state/store";

/** What nearly every part of a view needs. */
export interface ViewProps {
  store: Store;
  actions: Actions;
}

export interface StageProps extends ViewProps {
  stage: Stage;
}

/** A handler that sets a signal to a value. */
export const setTo =
  <Value>(signal: Signal<Value>, value: Value) =>
  () => {
    signal.value = value;
  };
