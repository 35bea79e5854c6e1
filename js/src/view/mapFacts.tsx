import { explainedFigure } from "../state/figures";
import { duration, percent, value } from "../state/format";
import { explainedText, methodTitle, notesOf, partialText } from "../state/labels";
import { modelOf } from "../state/models";
import { chosenTile, mapOf, type Store } from "../state/store";

const words = (name: string) => name.replaceAll("_", " ").replace(/^./, (letter) => letter.toUpperCase());

/** What is known of the map of the chosen tile, as terms and values. */
export function factsOfMap(store: Store): [term: string, fact: string][] {
  const item = mapOf(store, chosenTile(store))?.item;
  if (!item) return [];
  const model = modelOf(store, item.column);
  const { target, probability, unit, shape, checks } = item;
  const isOwn = store.answer.value?.columns[item.column]?.own ?? false;
  const term =
    unit !== null ? (target < 0 && !isOwn ? "Difference" : "Value") : target < 0 ? "Score difference" : "Score";
  const params = Object.entries(store.traits.params.value).map(([name, set]) => `${name} ${JSON.stringify(set)}`);
  const seconds = store.seconds.value;
  const facts: [string, string][] = [
    ["Model", model],
    [isOwn ? "Target" : unit === null ? "Class" : "Output", explainedText(store, item)],
    ["Probability", probability === null ? "" : percent(probability)],
    [term, item.score === null ? "" : explainedFigure({ ...item, probability: null })],
    ["Method", methodTitle(store, item.method)],
    ["Parameters", params.join(", ")],
    ["Layer", item.layer ? store.layerName(item.layer) : "the input"],
    ["Map", `${shape[1]} × ${shape[0]} values${item.partial ? `, ${partialText(item)}` : ""}`],
    ...Object.entries(checks).map(([name, number]): [string, string] => [words(name), value(number)]),
    ["Images", preprocessingOf(store, model).replace(/^preprocess: /, "")],
    ["Time", seconds === null ? "" : `${duration(seconds)} for all maps`],
  ];
  return facts.filter(([, fact]) => fact !== "");
}

/** What becomes of images before a model sees them. */
function preprocessingOf(store: Store, model: string): string {
  const { models = [], inspection } = store.constants.value ?? {};
  return models.find(({ name }) => name === model)?.preprocessing ?? inspection?.preprocessing ?? "";
}

export function MapFacts({ store }: { store: Store }) {
  const item = mapOf(store, chosenTile(store))?.item;
  if (!item) return <p class="dim">There is no map of this image yet.</p>;
  const notes = notesOf(store, item);
  return (
    <>
      {notes.length > 0 && (
        <ul class="notes" aria-label="Notes on the map">
          {notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
      <dl class="facts">
        {factsOfMap(store).map(([term, fact]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd title={fact}>{fact}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}
