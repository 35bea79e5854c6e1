import type { Param } from "../messages";
import { KEYS, Select } from "./field";

interface Props {
  param: Param;
  value: unknown;
  onChange(value: unknown): void;
}

/** The number typed, held to the parameter's range; null when it is no number. */
export function readNumber(text: string, param: Param): number | null {
  const parsed = Number(text);
  if (text.trim() === "" || !Number.isFinite(parsed)) return null;
  const whole = param.kind === "int" ? Math.round(parsed) : parsed;
  return Math.min(
    Math.max(whole, param.minimum ?? Number.NEGATIVE_INFINITY),
    param.maximum ?? Number.POSITIVE_INFINITY,
  );
}

function Control({ id, param, value, onChange }: Props & { id: string }) {
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
  return (
    <input
      id={id}
      type="number"
      value={value === null || value === undefined ? "" : String(value)}
      min={param.minimum ?? undefined}
      max={param.maximum ?? undefined}
      step={param.step ?? (param.kind === "int" ? 1 : "any")}
      {...KEYS}
      onChange={(event) => {
        const number = readNumber(event.currentTarget.value, param);
        if (number === null) event.currentTarget.value = String(value ?? "");
        else onChange(number);
      }}
    />
  );
}

export function ParamField(props: Props) {
  const id = `kx-param-${props.param.name}`;
  return (
    <span class="param" title={props.param.help}>
      <label for={id}>{props.param.title}</label>
      <Control id={id} {...props} />
    </span>
  );
}
