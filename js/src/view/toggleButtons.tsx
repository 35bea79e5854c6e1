import type { Signal } from "@preact/signals";
import { setTo } from "./setTo";

interface ToggleButtonsProps<Value> {
  signal: Signal<Value>;
  choices: readonly (readonly [value: Value, label: string, title: string])[];
}

/** A button for each value that a signal may have, of which that of its value is pressed. */
export const ToggleButtons = <Value,>({ signal, choices }: ToggleButtonsProps<Value>) => (
  <>
    {choices.map(([value, label, title]) => (
      <button
        key={String(value)}
        type="button"
        title={title}
        aria-pressed={signal.value === value}
        onClick={setTo(signal, value)}
      >
        {label}
      </button>
    ))}
  </>
);
