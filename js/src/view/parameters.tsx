import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { ParameterRecord } from "../kernel/protocol";
import { Field, options, Select } from "./field";

interface ParameterProps {
  id: string;
  param: ParameterRecord;
  value: unknown;
  onChange(value: unknown): void;
}

/** The number typed, held to the parameter's range; null when it is no number. */
export function readNumber(text: string, { kind, minimum, maximum }: ParameterRecord): number | null {
  const parsed = Number(text);
  if (text.trim() === "" || !Number.isFinite(parsed)) return null;
  const number = kind === "int" ? Math.round(parsed) : parsed;
  return Math.min(Math.max(number, minimum ?? Number.NEGATIVE_INFINITY), maximum ?? Number.POSITIVE_INFINITY);
}

/** Numbers of the parameter's range between commas or blanks; null where anything else is written. */
export function readNumbers(text: string, param: ParameterRecord): number[] | null {
  const parts = text.split(/[\s,;]+/).filter(Boolean);
  const numbers = parts.map(Number);
  const isValid = numbers.every((number, i) => readNumber(parts[i], param) === number);
  return numbers.length > 0 && isValid ? numbers : null;
}

function Control({ id, param, value, onChange }: ParameterProps) {
  const { kind, minimum, maximum, step } = param;
  if (kind === "bool") {
    const onSwitch = (event: { currentTarget: HTMLInputElement }) => onChange(event.currentTarget.checked);
    return <input id={id} type="checkbox" checked={value === true} onChange={onSwitch} />;
  }
  // A browser has none to give.
  if (kind === "images") {
    return <input id={id} type="text" readOnly value={value === null ? "none; set in Python" : String(value)} />;
  }
  const isList = kind === "numbers";
  const commit = (text: string) => {
    const read = isList ? readNumbers(text, param) : readNumber(text, param);
    if (read !== null) onChange(read);
  };
  if (isList) return <Typed id={id} type="text" text={(value as readonly number[]).join(", ")} onCommit={commit} />;
  return (
    <Typed
      id={id}
      type="number"
      text={String(value ?? "")}
      min={minimum ?? undefined}
      max={maximum ?? undefined}
      step={step ?? (kind === "int" ? 1 : "any")}
      onCommit={commit}
    />
  );
}

interface TypedProps {
  id: string;
  type: "text" | "number";
  text: string;
  min?: number;
  max?: number;
  step?: number | string;
  onCommit(text: string): void;
}

/** A field that keeps what is being typed, however often the form around it is drawn meanwhile. */
function Typed({ text, onCommit, ...attributes }: TypedProps) {
  const [draft, setDraft] = useState<string | null>(null);
  const removed = useRef(false);
  useLayoutEffect(
    () => () => {
      removed.current = true;
    },
    [],
  );
  const commit = ({ currentTarget }: { currentTarget: HTMLInputElement }) => {
    // Some browsers end the typing in a field that is removed.
    if (removed.current) return;
    setDraft(null);
    onCommit(currentTarget.value);
  };
  return (
    <input
      {...attributes}
      value={draft ?? text}
      onInput={(event) => setDraft(event.currentTarget.value)}
      onChange={commit}
      onKeyDown={(event) => {
        if (draft === null) return;
        // JupyterLab takes Enter for itself before it can end the typing.
        if (event.key === "Enter") commit(event);
        else if (event.key === "Escape") setDraft(null);
      }}
    />
  );
}

/** What a parameter does, and its range. */
function describe({ help, minimum, maximum }: ParameterRecord): string {
  if (minimum === null && maximum === null) return help;
  if (minimum === null) return `${help} At most ${maximum}.`;
  return `${help} ${maximum === null ? `At least ${minimum}` : `From ${minimum} to ${maximum}`}.`;
}

export function ParameterField(props: ParameterProps) {
  const { id, param, value, onChange } = props;
  const { kind, title, choices } = param;
  const field = { id, label: title, title: describe(param), class: "param" };
  if (kind !== "choice") {
    return (
      <Field {...field}>
        <Control {...props} />
      </Field>
    );
  }
  const texts = choices.map((choice, index) => [String(index), choice === null ? "none" : String(choice)] as const);
  return (
    <Select {...field} value={String(choices.indexOf(value))} onChoose={(index) => onChange(choices[Number(index)])}>
      {options(texts)}
    </Select>
  );
}
