import { isAvailable } from "../state/availableQuestions";
import { comparedText } from "../state/labels";
import { type Compare, chosenMethod, comparedValues } from "../state/store";
import { Select } from "./field";
import type { ViewProps } from "./props";

/** What can be compared, in the plural and in the singular. */
const DIMENSIONS: Readonly<Record<Compare, readonly [string, string]>> = {
  none: ["none", ""],
  targets: ["classes", "class"],
  methods: ["methods", "method"],
  layers: ["layers", "layer"],
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
      {(Object.entries(DIMENSIONS) as [Compare, readonly [string, string]][]).map(([value, [text]]) => (
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
      {!isFixed && <span class="dim">choose another {DIMENSIONS[compare][1]} to add it</span>}
    </div>
  );
}
