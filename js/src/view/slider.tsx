import type { Signal } from "@preact/signals";
import { Field } from "./field";

/** A control's place and words, without its value. */
export interface ControlText {
  id: string;
  label: string;
  title: string;
}

interface SliderProps extends ControlText {
  /** From 0 to 1; set while the slider moves. */
  value: Signal<number>;
  onMove?(value: number): void;
  onRelease?(value: number): void;
}

/** A labelled part of a whole, in percent. */
export function Slider({ value, onMove, onRelease, ...text }: SliderProps) {
  const figure = `${Math.round(value.value * 100)} %`;
  return (
    <Field {...text} class="control">
      <input
        id={text.id}
        type="range"
        min="0"
        max="1"
        step="0.01"
        value={value.value}
        aria-valuetext={figure}
        onInput={(event) => {
          value.value = event.currentTarget.valueAsNumber;
          onMove?.(value.value);
        }}
        onChange={(event) => onRelease?.(event.currentTarget.valueAsNumber)}
      />
      <span class="reading" aria-hidden="true">
        {figure}
      </span>
    </Field>
  );
}
