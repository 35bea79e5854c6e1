import { showsConcepts } from "../state/concepts";
import { cautionOf } from "../state/labels";
import { chosenMethod, chosenTile, type Store } from "../state/store";
import { ParameterField } from "./parameters";
import type { ViewProps } from "./props";
import { WrapperSwitch } from "./wrapperSwitch";

/** The parameters of the chosen method, as the catalogue describes them, and what it can be wrapped in; not of concepts. */
export function MethodForm({ store, actions }: ViewProps) {
  const method = chosenMethod(store);
  if (!method || showsConcepts(store)) return null;
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
  if (!caution || showsConcepts(store)) return null;
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
