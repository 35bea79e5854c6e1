import { useSignal } from "@preact/signals";
import type { Actions } from "../actions";
import { type Sort, sortsOf } from "../arrange";
import { className } from "../naming";
import type { Store } from "../store";
import { Select } from "./field";

const OUTCOMES: readonly [string, string][] = [
  ["all", "all images"],
  ["wrong", "wrong"],
  ["right", "right"],
  ["unlabelled", "without a label"],
];
const BY_CLASS: readonly [string, string][] = [
  ["predicted", "Predicted as"],
  ["true", "True class"],
];
const SORTS: Readonly<Record<Sort, string>> = {
  given: "as given",
  wrong: "wrong first",
  unsure: "least sure first",
  sure: "most sure first",
  high: "highest score first",
  low: "lowest score first",
};

/** Which rows are shown, and in which order. */
export function Arrange({ store, actions }: { store: Store; actions: Actions }) {
  const known = store.known.value;
  const filters = store.filters.value;
  /** Classes are listed once somebody reaches for the list: there may be a thousand. */
  const reached = useSignal(false);
  if (known.images < 2) return null;
  const reach = () => {
    reached.value = true;
  };
  const shown = store.rows.value.length;
  const options = (choices: readonly (readonly [string, string])[]) =>
    choices
      .filter(([filter]) => filters.has(filter))
      .map(([filter, text]) => (
        <option key={filter} value={filter}>
          {text} ({filters.get(filter)})
        </option>
      ));
  const classesOf = (kind: string) =>
    [...filters.keys()]
      .filter((filter) => filter.startsWith(`${kind} `) && (reached.value || filter === store.filter.value))
      .map((filter) => [filter, className(store, Number(filter.split(" ")[1]))] as const)
      .sort(([, a], [, b]) => a.localeCompare(b));
  return (
    <div class="arrange" role="group" aria-label="Rows">
      <span class="control" onFocusCapture={reach} onPointerEnter={reach}>
        <label for="kx-show">Show</label>
        <Select
          id="kx-show"
          value={filters.has(store.filter.value) ? store.filter.value : "all"}
          onChoose={actions.showRows}
        >
          {options(OUTCOMES)}
          {BY_CLASS.map(([kind, title]) => {
            const classes = classesOf(kind);
            return (
              classes.length > 0 && (
                <optgroup key={kind} label={title}>
                  {options(classes)}
                </optgroup>
              )
            );
          })}
        </Select>
      </span>
      <span class="control">
        <label for="kx-sort">Sort</label>
        <Select
          id="kx-sort"
          value={sortsOf(known).includes(store.sort.value) ? store.sort.value : "given"}
          onChoose={(sort) => actions.sortRows(sort as Sort)}
        >
          {sortsOf(known).map((sort) => (
            <option key={sort} value={sort}>
              {SORTS[sort]}
            </option>
          ))}
        </Select>
      </span>
      <span class="dim" role="status">
        {shown < known.images && `${shown} of ${known.images} images`}
      </span>
    </div>
  );
}
