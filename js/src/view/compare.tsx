import { useComputed } from "@preact/signals";
import type { Actions } from "../actions";
import { lastSegment, shape } from "../format";
import type { Compare, Store, Target } from "../store";
import { classOptions, targetOf, targetText } from "./classes";
import { Combobox, type Option } from "./combobox";
import { Field, KEYS, Select } from "./field";

const CHOICES: readonly [Compare, string][] = [
  ["none", "none"],
  ["targets", "classes"],
  ["methods", "methods"],
  ["layers", "layers"],
];

export function CompareField({ store, actions }: { store: Store; actions: Actions }) {
  return (
    <Field id="kx-compare" label="Compare">
      <Select
        id="kx-compare"
        value={store.traits.compare.value}
        disabled={!store.welcome.value}
        onChoose={(value) => actions.compareBy(value as Compare)}
      >
        {CHOICES.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </Select>
    </Field>
  );
}

function optionsFor(store: Store): Option[] {
  const known = store.welcome.value;
  if (!known) return [];
  switch (store.traits.compare.value) {
    case "targets":
      return classOptions(store);
    case "methods":
      return known.catalogue.map(({ id, title, cost }) => ({ key: id, text: title, figure: cost }));
    case "layers":
      return known.inspection.layers
        .filter((layer) => layer.is_candidate)
        .map((layer) => ({ key: layer.path, text: layer.path, figure: shape(layer.shape) }));
    default:
      return [];
  }
}

function columnText(store: Store, value: Target): string {
  const known = store.welcome.value;
  switch (store.traits.compare.value) {
    case "methods":
      return known?.catalogue.find((entry) => entry.id === value)?.title ?? String(value);
    case "layers":
      return lastSegment(String(value));
    default:
      return targetText(value, known?.class_names ?? []);
  }
}

/** The columns of a comparison as chips, and a field that adds one. */
export function Columns({ store, actions }: { store: Store; actions: Actions }) {
  const options = useComputed(() => optionsFor(store)).value;
  const { compare, compare_with } = store.traits;
  if (compare.value === "none") return null;
  const names = store.welcome.value?.class_names ?? [];
  return (
    <div class="columns">
      <span class="dim">Columns</span>
      {compare_with.value.map((value) => {
        const text = columnText(store, value);
        return (
          <span class="chip" key={String(value)}>
            <span>{text}</span>
            <button
              type="button"
              aria-label={`Remove column ${text}`}
              {...KEYS}
              onClick={() => actions.removeColumn(value)}
            >
              ✕
            </button>
          </span>
        );
      })}
      <Combobox
        id="kx-column"
        label="Add column"
        value=""
        selected=""
        options={options}
        placeholder="add…"
        disabled={!store.welcome.value}
        onChoose={(key) => actions.addColumn(compare.value === "targets" ? targetOf(key, names) : key)}
      />
    </div>
  );
}
