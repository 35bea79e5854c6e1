import { isAvailable } from "../state/availableQuestions";
import { comparedText } from "../state/labels";
import { type Compare, chosenMethod, comparedValues } from "../state/store";
import { Select } from "./field";
import type { ViewProps } from "./props";

const CHOICES: readonly [Compare, string][] = [
  ["none", "none"],
  ["targets", "classes"],
  ["methods", "methods"],
  ["layers", "layers"],
];
const MORE: Readonly<Record<Compare, string>> = {
  none: "",
  targets: "choose another class to add it",
  methods: "choose another method to add it",
  layers: "choose another layer to add it",
};

export function CompareField({ store, actions }: ViewProps) {
  const unsuited = chosenMethod(store)?.sees === "input" ? "layers" : "";
  return (
    <Select
      id="kx-compare"
      label="Compare"
      value={store.traits.compare.value}
      disabled={!store.constants.value}
      onChoose={(value) => actions.compareBy(value as Compare)}
    >
      {CHOICES.map(([value, text]) => (
        <option key={value} value={value} disabled={value === unsuited || !isAvailable(store, "compare", value)}>
          {text}
        </option>
      ))}
    </Select>
  );
}

/** The columns of a comparison as chips. */
export function ColumnChips({ store, actions }: ViewProps) {
  const compare = store.traits.compare.value;
  if (compare === "none") return null;
  const isFixed = store.available.value !== null;
  return (
    <div class="columns">
      <span class="dim">Columns</span>
      {comparedValues(store).map((value) => {
        const text = comparedText(store, value);
        return (
          <span class="chip" key={String(value)}>
            <span>{text}</span>
            {!isFixed && (
              <button type="button" aria-label={`Remove column ${text}`} onClick={() => actions.removeColumn(value)}>
                ✕
              </button>
            )}
          </span>
        );
      })}
      {!isFixed && <span class="dim">{MORE[compare]}</span>}
    </div>
  );
}
