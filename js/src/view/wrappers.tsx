import type { Param } from "../messages";
import type { Wrapper } from "../store";
import { KEYS } from "./field";
import { ParamField } from "./params";

type Settings = Record<string, unknown>;

interface Kind {
  name: Wrapper;
  title: string;
  help: string;
  /** What an option that is not given stands for. */
  defaults: Settings;
}

/** What any method can be wrapped in; the twin of `kx_widget/engine/wrappers`. */
export const WRAPPINGS: readonly Kind[] = [
  {
    name: "smooth",
    title: "Smooth",
    help: "SmoothGrad: the mean over noisy copies of the image.",
    defaults: { repetitions: 20, noise: 0.15 },
  },
  {
    name: "tta",
    title: "TTA",
    help: "Test-time augmentation: the mean over zoomed and mirrored copies of the image.",
    defaults: { scales: [0.5, 1.0, 1.5], hflip: true },
  },
];

const FIELDS: Readonly<Record<string, Omit<Param, "name" | "default">>> = {
  repetitions: {
    title: "Repetitions",
    help: "How many noisy copies are averaged.",
    kind: "int",
    minimum: 1,
    maximum: 1000,
  },
  noise: {
    title: "Noise",
    help: "Standard deviation, as a part of the image's range.",
    kind: "float",
    minimum: 0,
    maximum: 1,
    step: 0.01,
  },
  hflip: { title: "Mirror", help: "Also look at the mirrored image.", kind: "bool" },
};

/** Numbers from 0.1 to 10 between commas or blanks; null where anything else is written. */
export function readScales(text: string): number[] | null {
  const numbers = text
    .split(/[\s,;]+/)
    .filter(Boolean)
    .map(Number);
  return numbers.length > 0 && numbers.every((n) => n >= 0.1 && n <= 10) ? numbers : null;
}

/** The settings in force, or null where the wrapper is off. */
export function settingsOf(kind: Kind, params: Settings): Settings | null {
  const given = params[kind.name];
  if (given === undefined || given === null || given === false) return null;
  return given === true ? kind.defaults : { ...kind.defaults, ...(given as Settings) };
}

interface Props {
  kind: Kind;
  params: Settings;
  onChange(settings: Settings | undefined): void;
}

/** A switch, and the wrapper's settings while it is on. */
export function WrapperSwitch({ kind, params, onChange }: Props) {
  const settings = settingsOf(kind, params);
  const id = `kx-${kind.name}`;
  return (
    <>
      <span class="param" title={kind.help}>
        <label for={id}>{kind.title}</label>
        <input
          id={id}
          type="checkbox"
          role="switch"
          aria-checked={settings !== null}
          checked={settings !== null}
          {...KEYS}
          onChange={(event) => onChange(event.currentTarget.checked ? { ...kind.defaults } : undefined)}
        />
      </span>
      {settings &&
        Object.keys(kind.defaults).map((name) =>
          name in FIELDS ? (
            <ParamField
              key={name}
              param={{ ...FIELDS[name], name: `${kind.name}-${name}`, default: kind.defaults[name] }}
              value={settings[name]}
              onChange={(value) => onChange({ ...settings, [name]: value })}
            />
          ) : (
            <Scales
              key={name}
              value={settings[name] as number[]}
              onChange={(value) => onChange({ ...settings, [name]: value })}
            />
          ),
        )}
    </>
  );
}

function Scales({ value, onChange }: { value: readonly number[]; onChange(value: number[]): void }) {
  const text = value.join(", ");
  return (
    <span class="param" title="How much larger or smaller the content is shown to the model, from 0.1 to 10.">
      <label for="kx-param-scales">Scales</label>
      <input
        id="kx-param-scales"
        type="text"
        value={text}
        {...KEYS}
        onChange={(event) => {
          const scales = readScales(event.currentTarget.value);
          if (scales) onChange(scales);
          else event.currentTarget.value = text;
        }}
      />
    </span>
  );
}
