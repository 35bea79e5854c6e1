import { isBlank } from "../canvas/drawStyle";
import { duration, percent, value } from "../state/format";
import { explainedText, methodTitle, notesOf, partialText } from "../state/labels";
import { chosenTile, mapOf, type Store } from "../state/store";
import { colourMeaning } from "./colourMeaning";

const words = (name: string) => name.replaceAll("_", " ").replace(/^./, (letter) => letter.toUpperCase());

/** What is known of the map of the chosen tile, as terms and values. */
export function factsOfMap(store: Store): [term: string, fact: string][] {
  const item = mapOf(store, chosenTile(store))?.item;
  if (!item) return [];
  const { target, score, probability, shape, checks } = item;
  const params = Object.entries(store.traits.params.value).map(([name, set]) => `${name} ${JSON.stringify(set)}`);
  const seconds = store.seconds.value;
  const facts: [string, string][] = [
    ["Class", explainedText(store, item)],
    ["Probability", probability === null ? "" : percent(probability)],
    [target < 0 ? "Score difference" : "Score", score === null ? "" : value(score)],
    ["Method", methodTitle(store, item.method)],
    ["Parameters", params.join(", ")],
    ["Layer", item.layer ? store.layerName(item.layer) : "the input"],
    ["Map", `${shape[1]} × ${shape[0]} values${item.partial ? `, ${partialText(item)}` : ""}`],
    ...Object.entries(checks).map(([name, number]): [string, string] => [words(name), value(number)]),
    ["Time", seconds === null ? "" : `${duration(seconds)} for all maps`],
  ];
  return facts.filter(([, fact]) => fact !== "");
}

export function MapFacts({ store }: { store: Store }) {
  const map = mapOf(store, chosenTile(store));
  if (!map) return <p class="dim">There is no map of this image yet.</p>;
  const notes = notesOf(store, map.item);
  return (
    <>
      {notes.length > 0 && (
        <ul class="notes" aria-label="Notes on the map">
          {notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
      {!isBlank(store, map) && <p class="meaning">{colourMeaning(store, map)}</p>}
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
