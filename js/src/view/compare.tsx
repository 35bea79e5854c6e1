import { isAvailable } from "../state/availableQuestions";
import { tellsValues } from "../state/figures";
import { comparedText } from "../state/labels";
import { firstModel, hasModels } from "../state/models";
import { COMPARED, type Compare, chosenMethod, comparedValues, type Store } from "../state/store";
import { Select } from "./field";
import type { ViewProps } from "./props";

/** What can be compared, in the plural and in the singular. */
const DIMENSIONS: Readonly<Record<Compare, readonly [string, string]>> = {
  none: ["none", ""],
  targets: ["classes", "class"],
  methods: ["methods", "method"],
  layers: ["layers", "layer"],
  models: ["models", "model"],
};

/** Whether what is chosen in a picker becomes one more column. */
export const addsColumn = (store: Store, compare: Compare) =>
  store.traits.compare.value === compare && store.available.value === null;

export function CompareField({ store, actions }: ViewProps) {
  const unsuited = chosenMethod(store)?.sees === "input" ? "layers" : "";
  const dimensions = (Object.entries(DIMENSIONS) as [Compare, readonly [string, string]][]).filter(
    ([value]) => value !== "models" || hasModels(store),
  );
  // Only the columns of models are of all of them.
  const alone = hasModels(store) ? ` (${firstModel(store)})` : "";
  return (
    <Select
      id="kx-compare"
      label="Compare"
      title={`Puts classes, methods${hasModels(store) ? ", layers or models" : " or layers"} side by side`}
      value={store.traits.compare.value}
      disabled={!store.constants.value}
      onChoose={(value) => actions.compareBy(value as Compare)}
    >
      {dimensions.map(([value, [text]]) => (
        <option key={value} value={value} disabled={value === unsuited || !isAvailable(store, "compare", value)}>
          {value === "targets" && tellsValues(store) ? "outputs" : text}
          {value !== "models" && alone}
        </option>
      ))}
    </Select>
  );
}

/** The columns of a comparison as chips; that which the pickers show is marked. */
export function ColumnChips({ store, actions }: ViewProps) {
  const compare = store.traits.compare.value;
  if (compare === "none" || compare === "models") return null;
  const isFixed = store.available.value !== null;
  const chosen = store.traits[COMPARED[compare]].value;
  const what = compare === "methods" ? ", whose parameters are shown" : "";
  return (
    <div class="columns">
      <span class="dim">Columns</span>
      {comparedValues(store).map((value) => {
        const text = comparedText(store, value);
        const isChosen = value === chosen && !isFixed;
        return (
          <span
            class="chip"
            key={String(value)}
            aria-current={isChosen || undefined}
            title={isChosen ? `The ${DIMENSIONS[compare][1]} chosen last${what}` : undefined}
          >
            <span>{text}</span>
            {!isFixed && (
              <button
                type="button"
                aria-label={`Remove column ${text}`}
                title={`Remove column ${text}`}
                onClick={() => actions.removeColumn(value)}
              >
                ✕
              </button>
            )}
          </span>
        );
      })}
      {!isFixed && <span class="dim hint">+ choose a {DIMENSIONS[compare][1]} to add a column</span>}
    </div>
  );
}
