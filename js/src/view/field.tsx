import type { ComponentChildren } from "preact";

/** JupyterLab and Notebook read single keys as commands unless the focused element itself carries this. */
export const KEYS = { "data-lm-suppress-shortcuts": "true" } as const;

export function Field(props: { id: string; label: string; class?: string; children: ComponentChildren }) {
  return (
    <div class={`field ${props.class ?? ""}`}>
      <label for={props.id}>{props.label}</label>
      {props.children}
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
