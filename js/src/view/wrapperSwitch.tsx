import type { WrapperRecord } from "../kernel/protocol";
import { Field } from "./field";
import { ParameterField } from "./parameters";

type Settings = Record<string, unknown>;

const defaultsOf = ({ params }: WrapperRecord): Settings =>
  Object.fromEntries(params.map((param) => [param.name, param.default]));

/** The settings in force, or null where the wrapper is off. */
export function settingsOf(wrapper: WrapperRecord, params: Settings): Settings | null {
  const settings = params[wrapper.id];
  if (settings === undefined || settings === null || settings === false) return null;
  return settings === true ? defaultsOf(wrapper) : { ...defaultsOf(wrapper), ...(settings as Settings) };
}

interface WrapperProps {
  wrapper: WrapperRecord;
  params: Settings;
  onChange(settings: Settings | undefined): void;
}

/** A switch, and the wrapper's settings while it is on. */
export function WrapperSwitch({ wrapper, params, onChange }: WrapperProps) {
  const settings = settingsOf(wrapper, params);
  const id = `kx-${wrapper.id}`;
  return (
    <>
      <Field id={id} label={wrapper.title} title={wrapper.summary} class="param">
        <input
          id={id}
          type="checkbox"
          role="switch"
          aria-checked={settings !== null}
          checked={settings !== null}
          onChange={(event) => onChange(event.currentTarget.checked ? defaultsOf(wrapper) : undefined)}
        />
      </Field>
      {settings &&
        wrapper.params.map((param) => (
          <ParameterField
            key={param.name}
            id={`${id}-${param.name}`}
            param={param}
            value={settings[param.name]}
            onChange={(value) => onChange({ ...settings, [param.name]: value })}
          />
        ))}
    </>
  );
}
