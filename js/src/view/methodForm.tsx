import type { MethodRecord } from "../kernel/protocol";
import { isAvailable } from "../state/availableQuestions";
import { cautionOf, costText } from "../state/labels";
import { chosenMethod, chosenTile, type Store } from "../state/store";
import { addsColumn } from "./compare";
import { Select } from "./field";
import { ParameterField } from "./parameters";
import type { ViewProps } from "./props";
import { WrapperSwitch } from "./wrapperSwitch";

/** The methods by family, in the order of the catalogue. */
function families(catalogue: readonly MethodRecord[]): Map<string, MethodRecord[]> {
  const groups = new Map<string, MethodRecord[]>();
  for (const method of catalogue) groups.set(method.family, [...(groups.get(method.family) ?? []), method]);
  return groups;
}

export function MethodField({ store, actions }: ViewProps) {
  const catalogue = store.constants.value?.catalogue ?? [];
  const method = store.traits.method.value;
  const chosen = chosenMethod(store);
  return (
    <Select
      id="kx-method"
      label="Method"
      class={addsColumn(store, "methods") ? "field adds" : "field"}
      title={[chosen?.summary, chosen?.reference].filter(Boolean).join("\n")}
      value={method}
      disabled={catalogue.length === 0}
      onChoose={actions.chooseMethod}
    >
      {!chosen && <option value={method}>{method}</option>}
      {[...families(catalogue)].map(([family, entries]) => (
        <optgroup key={family} label={family}>
          {entries.map((entry) => (
            <option
              key={entry.id}
              value={entry.id}
              title={[entry.summary, entry.cost].filter(Boolean).join("\n")}
              disabled={!isAvailable(store, "method", entry.id)}
            >
              {[entry.title, costText(store, entry)].filter(Boolean).join(" · ")}
            </option>
          ))}
        </optgroup>
      ))}
    </Select>
  );
}

/** The parameters of the chosen method, as the catalogue describes them, and what it can be wrapped in. */
export function MethodForm({ store, actions }: ViewProps) {
  const method = chosenMethod(store);
  if (!method) return null;
  const params = store.traits.params.value;
  return (
    <fieldset class="params" aria-label="Parameters" disabled={store.available.value !== null}>
      {store.traits.compare.value === "methods" && <b>{method.title}</b>}
      {method.params.map((param) => (
        <ParameterField
          key={`${method.id}/${param.name}`}
          id={`kx-param-${param.name}`}
          param={param}
          value={params[param.name] ?? param.default}
          onChange={(value) => actions.setParam(param.name, value)}
        />
      ))}
      {store.constants.value?.wrappers.map((wrapper) => (
        <WrapperSwitch
          key={wrapper.id}
          wrapper={wrapper}
          params={params}
          onChange={(settings) => actions.setParam(wrapper.id, settings)}
        />
      ))}
    </fieldset>
  );
}

/** How far the maps of the chosen method can be trusted, or of the column chosen where methods are compared. */
export function Caution({ store }: { store: Store }) {
  const isCompared = store.traits.compare.value === "methods";
  const column = isCompared ? store.answer.value?.columns[chosenTile(store).column] : undefined;
  const caution = cautionOf(store, column?.method ?? store.traits.method.value);
  if (!caution) return null;
  return (
    <p class="caution">
      <span class="mark" aria-hidden="true">
        !
      </span>
      <span>
        {column && <b>{column.method_title}: </b>}
        {caution}
      </span>
    </p>
  );
}
