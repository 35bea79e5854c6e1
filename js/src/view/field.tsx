import type { ComponentChildren } from "preact";

/** JupyterLab and Notebook read single keys as commands unless the focused element itself carries this. */
export const KEYS = { "data-lm-suppress-shortcuts": "true" } as const;

interface FieldProps {
  id: string;
  label: string;
  title?: string;
  class?: string;
  children: ComponentChildren;
}

export function Field({ id, label, title, class: name = "field", children }: FieldProps) {
  return (
    <div class={name} title={title}>
      <label for={id}>{label}</label>
      {children}
    </div>
  );
}

interface SelectProps {
  id: string;
  value: string;
  disabled?: boolean;
  onChoose(value: string): void;
  children: ComponentChildren;
}

export function Select({ id, value, disabled, onChoose, children }: SelectProps) {
  return (
    <select
      id={id}
      value={value}
      disabled={disabled}
      {...KEYS}
      onChange={(event) => {
        const chosen = event.currentTarget.value;
        // A choice that is refused must not stay on the screen.
        event.currentTarget.value = value;
        onChoose(chosen);
      }}
    >
      {children}
    </select>
  );
}

/** The options of a `Select`, as pairs of value and text. */
export const options = (choices: readonly (readonly [value: string, text: string])[]) =>
  choices.map(([value, text]) => (
    <option key={value} value={value}>
      {text}
    </option>
  ));

/** A small cross that takes something away. */
export const CloseButton = ({ label, onClick }: { label: string; onClick(): void }) => (
  <button type="button" class="plain" aria-label={label} {...KEYS} onClick={onClick}>
    ✕
  </button>
);
