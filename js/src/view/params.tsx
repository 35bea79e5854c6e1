import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { ParameterRecord } from "../kernel/protocol";
import { KEYS, Select } from "./field";

interface Props {
  id: string;
  param: ParameterRecord;
  value: unknown;
  onChange(value: unknown): void;
}

/** The number typed, held to the parameter's range; null when it is no number. */
export function readNumber(text: string, param: ParameterRecord): number | null {
  const parsed = Number(text);
  if (text.trim() === "" || !Number.isFinite(parsed)) return null;
  const whole = param.kind === "int" ? Math.round(parsed) : parsed;
  return Math.min(
    Math.max(whole, param.minimum ?? Number.NEGATIVE_INFINITY),
    param.maximum ?? Number.POSITIVE_INFINITY,
  );
}

/** Numbers of the parameter's range between commas or blanks; null where anything else is written. */
export function readNumbers(text: string, param: ParameterRecord): number[] | null {
  const written = text.split(/[\s,;]+/).filter(Boolean);
  const numbers = written.map(Number);
  const good = numbers.every((number, i) => readNumber(written[i], param) === number);
  return numbers.length > 0 && good ? numbers : null;
}

function Control({ id, param, value, onChange }: Props) {
  if (param.kind === "bool") {
    return (
      <input
        id={id}
        type="checkbox"
        checked={value === true}
        {...KEYS}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
    );
  }
  if (param.kind === "choice") {
    const choices = param.choices ?? [];
    return (
      <Select
        id={id}
        value={String(choices.indexOf(value))}
        onChoose={(index) => onChange(choices[Number(index)])}
      >
        {choices.map((choice, index) => (
          <option key={String(choice)} value={String(index)}>
            {choice === null ? "none" : String(choice)}
          </option>
        ))}
      </Select>
    );
  }
  if (param.kind === "numbers") {
    return (
      <Typed
        id={id}
        type="text"
        text={(value as readonly number[]).join(", ")}
        onCommit={(text) => {
          const numbers = readNumbers(text, param);
          if (numbers) onChange(numbers);
        }}
      />
    );
  }
  return (
    <Typed
      id={id}
      type="number"
      text={value === null || value === undefined ? "" : String(value)}
      min={param.minimum ?? undefined}
      max={param.maximum ?? undefined}
      step={param.step ?? (param.kind === "int" ? 1 : "any")}
      onCommit={(text) => {
        const number = readNumber(text, param);
        if (number !== null) onChange(number);
      }}
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
function Typed({ text, onCommit, ...rest }: TypedProps) {
  const [draft, setDraft] = useState<string | null>(null);
  const gone = useRef(false);
  useLayoutEffect(
    () => () => {
      gone.current = true;
    },
    [],
  );
  const commit = ({ currentTarget }: { currentTarget: HTMLInputElement }) => {
    // Some browsers end the typing in a field that is taken away.
    if (gone.current) return;
    setDraft(null);
    onCommit(currentTarget.value);
  };
  return (
    <input
      {...rest}
      value={draft ?? text}
      {...KEYS}
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

/** What a parameter does, and from where to where it goes. */
function help({ help, minimum, maximum }: ParameterRecord): string {
  const range = [minimum ?? "", maximum ?? ""].filter((end) => end !== "");
  if (range.length === 0) return help;
  return `${help} ${range.length === 2 ? `From ${range.join(" to ")}` : minimum == null ? `At most ${maximum}` : `At least ${minimum}`}.`;
}

export function ParamField(props: Props) {
  return (
    <span class="param" title={help(props.param)}>
      <label for={props.id}>{props.param.title}</label>
      <Control {...props} />
    </span>
  );
}
