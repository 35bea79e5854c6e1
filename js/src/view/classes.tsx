import { useComputed } from "@preact/signals";
import type { Actions } from "../actions";
import { percent } from "../format";
import { targetText } from "../naming";
import { focusedImage, probabilitiesOf, type Store, type Target } from "../store";
import { isRank, joinTarget, plainText, splitTarget, TOPS } from "../target";
import { Combobox, type Option } from "./combobox";
import { Field, KEYS } from "./field";

/** Class indices, the most probable of the image in focus first. */
function ranking(store: Store, classes: number): { order: number[]; probabilities: Float32Array | null } {
  const probabilities = probabilitiesOf(store, focusedImage(store));
  const order = Array.from({ length: classes }, (_, index) => index);
  if (probabilities) order.sort((a, b) => probabilities[b] - probabilities[a]);
  return { order, probabilities };
}

/** "top", "top-2", "top-3", then every class with the probability it has in the image in focus. */
export function classOptions(store: Store): Option[] {
  const names = store.welcome.value?.class_names ?? [];
  const { order, probabilities } = ranking(store, names.length);
  const figure = (index: number) => (probabilities ? percent(probabilities[index]) : undefined);
  const tops = TOPS.slice(0, names.length).map((key, rank) => ({
    key,
    text: key,
    note: probabilities ? names[order[rank]] : undefined,
    figure: figure(order[rank]),
  }));
  const all = order.map((index) => ({ key: `#${index}`, text: names[index], figure: figure(index) }));
  const { offer } = store;
  if (!offer.value) return [...tops, ...all];
  const kept = new Set(offer.value.asked.map(({ target }) => keyOf(target, names)));
  const known = [...tops, ...all].filter(({ key }) => kept.delete(key));
  return [...known, ...[...kept].map((key) => ({ key, text: key }))];
}

/** An option's key as a target: the class's name where it is unambiguous, else its index. */
export function targetOf(key: string, names: readonly string[]): Target {
  if (!key.startsWith("#")) return key;
  const index = Number(key.slice(1));
  return plainText(index, names) ?? index;
}

export function keyOf(target: Target, names: readonly string[]): string {
  if (typeof target !== "number" && isRank(target)) return target;
  const index = typeof target === "number" ? target : names.indexOf(target);
  return index < 0 ? String(target) : `#${index}`;
}

export function Classes({ store, actions }: { store: Store; actions: Actions }) {
  const options = useComputed(() => classOptions(store)).value;
  const names = store.welcome.value?.class_names ?? [];
  const target = store.traits.target.value;
  const offer = store.offer.value;
  const [a, b] = offer ? [target, null] : splitTarget(target, names);
  const choose = (left: Target, right: Target | null) => actions.chooseTarget(joinTarget(left, right, names));
  const byName =
    b === null ? options : options.filter(({ key }) => plainText(targetOf(key, names), names) !== null);
  const other = a === "top" ? "top-2" : "top";
  return (
    <>
      <Field id="kx-class" label="Class" class="wide">
        <Combobox
          id="kx-class"
          value={targetText(a, names)}
          selected={keyOf(a, names)}
          options={byName}
          placeholder={`search ${names.length} classes…`}
          among={offer ? "the kept answers" : undefined}
          disabled={names.length === 0}
          onChoose={(key) => {
            const kept = offer?.asked.find((asked) => keyOf(asked.target, names) === key);
            if (kept) actions.chooseTarget(kept.target);
            else choose(targetOf(key, names), b);
          }}
        />
        {b === null && !offer && (
          <button
            type="button"
            class="plain minus"
            aria-label="Subtract another class"
            title="Why this class rather than another: subtract the other's score"
            disabled={names.length < 2 || plainText(a, names) === null}
            {...KEYS}
            onClick={() => choose(a, other)}
          >
            another
          </button>
        )}
      </Field>
      {b !== null && (
        <Field id="kx-minus" label="Minus" class="wide">
          <Combobox
            id="kx-minus"
            value={b}
            selected={keyOf(b, names)}
            options={byName}
            placeholder={`search ${names.length} classes…`}
            onChoose={(key) => choose(a, targetOf(key, names))}
          />
          <button
            type="button"
            class="plain"
            aria-label="Subtract nothing"
            {...KEYS}
            onClick={() => choose(a, null)}
          >
            ✕
          </button>
        </Field>
      )}
    </>
  );
}
