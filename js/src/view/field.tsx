import type { ComponentChildren } from "preact";

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

interface SelectProps extends FieldProps {
  /** What it is called for those who do not see what is beside it. */
  name?: string;
  value: string;
  disabled?: boolean;
  onChoose(value: string): void;
}

/** A labelled choice; `children` are its options. */
export function Select({ value, name, disabled, onChoose, children, ...field }: SelectProps) {
  return (
    <Field {...field}>
      <select
        id={field.id}
        aria-label={name}
        value={value}
        disabled={disabled}
        onChange={(event) => {
          const chosen = event.currentTarget.value;
          // A choice that is refused must not stay on the screen.
          event.currentTarget.value = value;
          onChoose(chosen);
        }}
      >
        {children}
      </select>
    </Field>
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
  <button type="button" class="plain" aria-label={label} title={label} onClick={onClick}>
    ✕
  </button>
);
