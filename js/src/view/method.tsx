import type { Actions } from "../actions";
import { offered } from "../archive";
import type { MethodRecord } from "../kernel/protocol";
import { cautionOf } from "../naming";
import { chosenMethod, type Store } from "../store";
import { chosenColumn } from "../thumbnails";
import { Field, Select } from "./field";
import { ParamField } from "./params";
import { WrapperSwitch } from "./wrappers";

export function families(catalogue: readonly MethodRecord[]): Map<string, MethodRecord[]> {
  const groups = new Map<string, MethodRecord[]>();
  for (const entry of catalogue) {
    const group = groups.get(entry.family);
    if (group) group.push(entry);
    else groups.set(entry.family, [entry]);
  }
  return groups;
}

export function MethodField({ store, actions }: { store: Store; actions: Actions }) {
  const catalogue = store.welcome.value?.catalogue ?? [];
  const method = store.traits.method.value;
  const entry = chosenMethod(store);
  return (
    <Field id="kx-method" label="Method">
      <Select id="kx-method" value={method} disabled={catalogue.length === 0} onChoose={actions.chooseMethod}>
        {!entry && <option value={method}>{method}</option>}
        {[...families(catalogue)].map(([family, entries]) => (
          <optgroup key={family} label={family}>
            {entries.map(({ id, title, cost }) => (
              <option key={id} value={id} disabled={!offered(store, "method", id)}>
                {cost ? `${title} · ${cost}` : title}
              </option>
            ))}
          </optgroup>
        ))}
      </Select>
    </Field>
  );
}

/** What the chosen method does, and its parameters as the catalogue describes them. */
export function MethodForm({ store, actions }: { store: Store; actions: Actions }) {
  const entry = chosenMethod(store);
  if (!entry) return null;
  const params = store.traits.params.value;
  return (
    <div class="form">
      <span class="summary" title={entry.reference}>
        {entry.summary}
      </span>
      <fieldset class="params" aria-label="Parameters" disabled={store.offer.value !== null}>
        {entry.params.map((param) => (
          <ParamField
            key={`${entry.id}/${param.name}`}
            id={`kx-param-${param.name}`}
            param={param}
            value={params[param.name] ?? param.default}
            onChange={(value) => actions.setParam(param.name, value)}
          />
        ))}
        {store.welcome.value?.wrappers.map((wrapper) => (
          <WrapperSwitch
            key={wrapper.id}
            wrapper={wrapper}
            params={params}
            onChange={(settings) => actions.setParam(wrapper.id, settings)}
          />
        ))}
      </fieldset>
      <Caution store={store} />
    </div>
  );
}

/** How far the maps of the chosen method can be trusted, or of the column chosen where methods are compared. */
function Caution({ store }: { store: Store }) {
  const isCompared = store.traits.compare.value === "methods";
  const column = isCompared ? store.answer.value?.columns[chosenColumn(store)] : undefined;
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
