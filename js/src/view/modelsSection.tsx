import { predictedWord } from "../state/figures";
import { isRight } from "../state/filterSort";
import { briefName, className } from "../state/labels";
import { agreementLine, factsAt, isOtherClass, modelOf } from "../state/models";
import { chosenTile, type Store } from "../state/store";
import { bestFigure } from "../state/topClasses";
import { Mark } from "./mark";
import type { ViewProps } from "./props";
import { ToggleButtons } from "./toggleButtons";

const SHOWN = [
  [false, "maps", "The map of each model"],
  [true, "difference", "Where the other models look more, and where less, than the first: each map on its own scale"],
] as const;

/** Between the maps of all models, and how those of the others differ from the first one's. */
export const DifferenceButtons = ({ store }: { store: Store }) => (
  <div class="button-row columns-show" role="group" aria-label="Columns show">
    <ToggleButtons signal={store.showsDifference} choices={SHOWN} />
  </div>
);

/** What each model says of the image in focus, and how far its map agrees with that of the first. */
export function ModelsSection({ store, actions }: ViewProps) {
  const { image, column: chosen } = chosenTile(store);
  const columns = store.answer.value?.columns ?? [];
  return (
    <ul class="models">
      {columns.map(({ model, matched }, column) => (
        <li key={model}>
          <button
            type="button"
            class="bar-row"
            aria-pressed={column === chosen}
            title={`Look at the map of ${model}`}
            onClick={() => actions.selectTile({ image, column })}
          >
            <span class="name">{model}</span>
            <ModelVerdict store={store} image={image} column={column} />
          </button>
          {matched && <p class="dim">{matched}</p>}
          {column > 0 && <p class="dim">{agreementLine(store, image, column)}</p>}
        </li>
      ))}
    </ul>
  );
}

/** What a model predicts, with a sign where that is another class than the first model's. */
function ModelVerdict({ store, image, column }: { store: Store; image: number; column: number }) {
  const facts = factsAt(store, column);
  const predicted = facts.predicted[image];
  if (predicted === undefined) return null;
  const right = isRight(facts, image);
  const isOther = isOtherClass(store, image, column);
  const outcome = right === null ? "" : right ? ", right" : ", wrong";
  return (
    <span class="figure" title={`${predictedWord(store)} ${className(store, predicted)}${outcome}`}>
      {isOther && <Mark text={`Another class than ${modelOf(store, 0)}`} sign="≠" />}
      {right !== null && <span data-right={right || undefined}>{right ? "✓ " : "✗ "}</span>}
      {briefName(store, predicted)} {bestFigure(store, image, column)}
    </span>
  );
}
