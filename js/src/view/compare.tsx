import type { Actions } from "../actions";
import { offered } from "../archive";
import { targetText } from "../naming";
import { type Compare, chosenMethod, comparedValues, layerName, type Store, type Target } from "../store";
import { Field, KEYS, Select } from "./field";

const CHOICES: readonly [Compare, string][] = [
  ["none", "none"],
  ["targets", "classes"],
  ["methods", "methods"],
  ["layers", "layers"],
];

export function CompareField({ store, actions }: { store: Store; actions: Actions }) {
  const unsuited = chosenMethod(store)?.sees === "input" ? "layers" : "";
  return (
    <Field id="kx-compare" label="Compare">
      <Select
        id="kx-compare"
        value={store.traits.compare.value}
        disabled={!store.welcome.value}
        onChoose={(value) => actions.compareBy(value as Compare)}
      >
        {CHOICES.map(([value, text]) => (
          <option
            key={value}
            value={value}
            disabled={value === unsuited || !offered(store, "compare", value)}
          >
            {text}
          </option>
        ))}
      </Select>
    </Field>
  );
}

const MORE: Readonly<Record<Compare, string>> = {
  none: "",
  targets: "choose another class to add it",
  methods: "choose another method to add it",
  layers: "choose another layer to add it",
};

function columnText(store: Store, value: Target): string {
  const known = store.welcome.value;
  switch (store.traits.compare.value) {
    case "methods":
      return known?.catalogue.find((entry) => entry.id === value)?.title ?? String(value);
    case "layers":
      return layerName(store, String(value));
    default:
      return targetText(value, known?.class_names ?? []);
  }
}

/** The columns of a comparison as chips. */
export function Columns({ store, actions }: { store: Store; actions: Actions }) {
  const { compare } = store.traits;
  if (compare.value === "none") return null;
  return (
    <div class="columns">
      <span class="dim">Columns</span>
      {comparedValues(store).map((value) => {
        const text = columnText(store, value);
        return (
          <span class="chip" key={String(value)}>
            <span>{text}</span>
            {!store.offer.value && (
              <button
                type="button"
                aria-label={`Remove column ${text}`}
                {...KEYS}
                onClick={() => actions.removeColumn(value)}
              >
                ✕
              </button>
            )}
          </span>
        );
      })}
      {!store.offer.value && <span class="dim">{MORE[compare.value]}</span>}
    </div>
  );
}
