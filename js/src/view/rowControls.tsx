import { useSignal } from "@preact/signals";
import {
  columnFilter,
  columnSort,
  countColumn,
  isSort,
  NOT_TOLD,
  type Numbers,
  type Sort,
  sortsOf,
  suspicionFilter,
} from "../state/filterSort";
import { className } from "../state/labels";
import { comparesModels, firstModel, hasModels } from "../state/models";
import type { Store } from "../state/store";
import { suspicionName } from "../state/suspects";
import { Field, options, Select } from "./field";
import { LEAST_HEIGHT, MOST_HEIGHT } from "./gridLayout";
import { DifferenceButtons } from "./modelsSection";
import type { ViewProps } from "./props";
import { setTo } from "./setTo";

const OUTCOMES: readonly [string, string][] = [
  ["all", "all images"],
  ["wrong", "wrong"],
  ["right", "right"],
  ["unlabelled", "without a label"],
  ["changed", "predicted differently"],
  ["same", "predicted alike"],
  ["broken", "right, then wrong"],
  ["mended", "wrong, then right"],
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

/** Which rows are shown, in which order, and how high. */
export function RowControls({ store, actions }: ViewProps) {
  const facts = store.facts.value;
  if (facts.images < 2) return comparesModels(store) ? <DifferenceButtons store={store} /> : null;
  const sorts = sortsOf(facts);
  return (
    <div class="arrange" role="group" aria-label="Rows">
      <FilterField store={store} actions={actions} />
      <Select
        id="kx-sort"
        label="Sort"
        title="In which order images are shown"
        class={columnSort(facts, store.traits.sort.value) ? LONG : "control"}
        value={isSort(facts, store.traits.sort.value) ? store.traits.sort.value : "given"}
        onChoose={(sort) => actions.arrange({ sort })}
      >
        {options(sorts.map((sort) => [sort, SORTS[sort]]))}
        {facts.columns.filter(isTold).map(({ name, title }) => (
          <optgroup key={name} label={title}>
            {options([
              [`${name} low`, `lowest ${title}`],
              [`${name} high`, `highest ${title}`],
            ])}
          </optgroup>
        ))}
      </Select>
      {comparesModels(store) && <DifferenceButtons store={store} />}
      <SizeSlider store={store} />
      <span class="dim count" role="status">
        {countText(store)}
      </span>
    </div>
  );
}

function countText(store: Store): string {
  const { images, predicted } = store.facts.value;
  const [shown, show] = [store.rows.value.length, store.traits.show.value];
  if (shown < images) return `${shown} of ${images} images`;
  if (predicted.length === 0 || show === store.filter.value) return `${shown} images`;
  const [kind, label] = show.split(" ");
  const isClass = BY_CLASS.some(([name]) => name === kind);
  return `none is “${isClass ? `${kind} ${className(store, Number(label))}` : show}”: all ${images} images`;
}

/** Of a choice whose text is a phrase. */
const LONG = "control long";

const isTold = ({ values }: Numbers) => values.some((value) => !Number.isNaN(value));

/** What a filter by a column asks, after its name. */
function conditionText(condition: string): string {
  if (condition === NOT_TOLD) return NOT_TOLD;
  return `${condition[0] === "<" ? "below" : "above"} ${condition.slice(2)}`;
}

const SIZE = { id: "kx-size", label: "Size", title: "How high the pictures are; a double click lets them fit" };

function SizeSlider({ store }: { store: Store }) {
  const { tileHeight, fittingHeight } = store;
  const height = tileHeight.value ?? fittingHeight.value;
  return (
    <Field {...SIZE} class="control">
      <input
        id={SIZE.id}
        type="range"
        min={LEAST_HEIGHT}
        max={MOST_HEIGHT}
        value={height}
        aria-valuetext={`${height} pixels`}
        onInput={(event) => {
          tileHeight.value = event.currentTarget.valueAsNumber;
        }}
        onDblClick={setTo(tileHeight, null)}
      />
    </Field>
  );
}

function FilterField({ store, actions }: ViewProps) {
  const filters = store.filters.value;
  const filter = store.traits.show.value;
  /** Classes are listed once somebody reaches for the list: there may be a thousand. */
  const reached = useSignal(false);
  const reach = setTo(reached, true);
  const counted = (choices: readonly (readonly [string, string])[]) =>
    options(
      choices.filter(([name]) => filters.has(name)).map(([name, text]) => [name, `${text} (${filters.get(name)})`]),
    );
  const classesOf = (kind: string) =>
    [...filters.keys()]
      .filter((name) => name.startsWith(`${kind} `) && (reached.value || name === filter))
      .map((name) => [name, className(store, Number(name.split(" ")[1]))] as const)
      .sort(([, a], [, b]) => a.localeCompare(b));
  const isByColumn = columnFilter(store.facts.value, filter) !== null;
  return (
    <div onFocusCapture={reach} onPointerEnter={reach}>
      <Select
        id="kx-show"
        label="Show"
        title="Which images are shown"
        class={isByColumn ? LONG : "control"}
        value={filters.has(filter) || isByColumn ? filter : "all"}
        onChoose={(show) => actions.arrange({ show })}
      >
        {counted(OUTCOMES.map(([name, text]) => [name, outcomeText(store, name, text)]))}
        {BY_CLASS.map(([kind, title]) => {
          const classes = classesOf(kind);
          return (
            classes.length > 0 && (
              <optgroup key={kind} label={title}>
                {counted(classes)}
              </optgroup>
            )
          );
        })}
        <ColumnFilters store={store} />
        <SuspicionFilters store={store} />
      </Select>
    </div>
  );
}

/** Which outcome, and of which model where there are several. */
const outcomeText = (store: Store, name: string, text: string) =>
  hasModels(store) && ["wrong", "right"].includes(name) ? `${text} by ${firstModel(store)}` : text;

/** Filters by what stands apart from its class. */
function SuspicionFilters({ store }: { store: Store }) {
  const items = store.constants.value?.suspicions?.items ?? [];
  if (items.length === 0) return null;
  const named = items.map((item, place) => {
    const filter = suspicionFilter(place);
    return [filter, `${suspicionName(item, place)} (${store.filters.value.get(filter) ?? 0})`] as const;
  });
  return <optgroup label="Suspicions">{options(named)}</optgroup>;
}

/** Filters by what is stored of each image, one that nobody offered among them where it is in effect. */
function ColumnFilters({ store }: { store: Store }) {
  const [facts, filters, filter] = [store.facts.value, store.filters.value, store.traits.show.value];
  const isOwn = !filters.has(filter) && columnFilter(facts, filter) !== null;
  const offered = [...filters, ...(isOwn ? [[filter, countColumn(facts, filter)] as const] : [])];
  return facts.columns.map(({ name, title }) => (
    <optgroup key={name} label={title}>
      {options(
        offered
          .filter(([one]) => one.startsWith(`${name} `))
          .map(([one, count]) => [one, `${conditionText(one.slice(name.length + 1))}: ${title} (${count})`]),
      )}
    </optgroup>
  ));
}
