import type { WrapperRecord } from "../kernel/protocol";
import { KEYS } from "./field";
import { ParamField } from "./params";

type Settings = Record<string, unknown>;

export const defaultsOf = ({ params }: WrapperRecord): Settings =>
  Object.fromEntries(params.map((param) => [param.name, param.default]));

/** The settings in force, or null where the wrapper is off. */
export function settingsOf(wrapper: WrapperRecord, params: Settings): Settings | null {
  const given = params[wrapper.id];
  if (given === undefined || given === null || given === false) return null;
  return given === true ? defaultsOf(wrapper) : { ...defaultsOf(wrapper), ...(given as Settings) };
}

interface Props {
  wrapper: WrapperRecord;
  params: Settings;
  onChange(settings: Settings | undefined): void;
}

/** A switch, and the wrapper's settings while it is on. */
export function WrapperSwitch({ wrapper, params, onChange }: Props) {
  const settings = settingsOf(wrapper, params);
  const id = `kx-${wrapper.id}`;
  return (
    <>
      <span class="param" title={wrapper.summary}>
        <label for={id}>{wrapper.title}</label>
        <input
          id={id}
          type="checkbox"
          role="switch"
          aria-checked={settings !== null}
          checked={settings !== null}
          {...KEYS}
          onChange={(event) => onChange(event.currentTarget.checked ? defaultsOf(wrapper) : undefined)}
        />
      </span>
      {settings &&
        wrapper.params.map((param) => (
          <ParamField
            key={param.name}
            id={`kx-${wrapper.id}-${param.name}`}
            param={param}
            value={settings[param.name]}
            onChange={(value) => onChange({ ...settings, [param.name]: value })}
          />
        ))}
    </>
  );
}
