import { useComputed } from "@preact/signals";
import { noun, predictedFigure, tellsValues } from "../state/figures";
import { isRight, labelOf } from "../state/filterSort";
import { className, sideText, targetText } from "../state/labels";
import { factsAt } from "../state/models";
import { chosenTile, focusedImage, predictionsOf, type Store, type Target } from "../state/store";
import {
  isReserved,
  joinTarget,
  placeOf,
  plainText,
  readTarget,
  rivalMean,
  splitTarget,
  TOPS,
  TRUE,
} from "../state/target";
import { Combobox, type Option } from "./combobox";
import { addsColumn } from "./compare";
import { CloseButton, Field } from "./field";
import type { ViewProps } from "./props";

/** What is said of a target of the user's own that has no unit. */
const OWN = "a target of your own";

/** Class indices, the most probable of the image in focus first. */
function ranking(store: Store, classes: number): { order: number[]; numbers: Float32Array | null } {
  const numbers = predictionsOf(store, focusedImage(store));
  const order = Array.from({ length: classes }, (_, index) => index);
  if (numbers && !tellsValues(store)) order.sort((a, b) => numbers[b] - numbers[a]);
  return { order, numbers };
}

/** "predicted", "2nd", "3rd", the true class, then every class with its probability, or what else is predicted, in the image in focus. */
export function classOptions(store: Store): Option[] {
  const names = store.constants.value?.class_names ?? [];
  const { order, numbers } = ranking(store, names.length);
  const figure = (index: number) => (numbers ? predictedFigure(store, index, numbers[index]) : undefined);
  // Of values none is first.
  const targets = tellsValues(store) ? [] : TOPS.slice(0, names.length);
  for (const side of splitTarget(store.traits.target.value, names)) {
    // A rank that was typed.
    if (typeof side === "string" && placeOf(side) !== null && !targets.includes(side)) targets.push(side);
  }
  const tops = targets.map((key) => {
    const index = order[(placeOf(key) ?? 1) - 1];
    return {
      key,
      text: targetText(store, key),
      note: numbers ? names[index] : undefined,
      figure: figure(index),
    };
  });
  const classes = order.map((index) => ({ key: `#${index}`, text: names[index], figure: figure(index) }));
  const ownTargets = store.traits._own_targets.value;
  const all = [
    ...ownTargets.map(({ name, unit }) => ({ key: name, text: name, note: unit || OWN })),
    ...tops,
    ...trueOptions(store, figure),
    ...classes,
  ];
  const available = store.available.value;
  if (!available) return all;
  const keys = new Set(available.questions.map(({ target }) => keyOf(target, names)));
  const listed = all.filter(({ key }) => keys.delete(key));
  return [...listed, ...[...keys].map((key) => ({ key, text: targetText(store, key) }))];
}

/** The true class, where any is known. */
function trueOptions(store: Store, figure: (index: number) => string | undefined): Option[] {
  const facts = store.facts.value;
  if (!store.filters.value.has("right") && !store.filters.value.has("wrong")) return [];
  const label = labelOf(facts, focusedImage(store));
  const about = label === null ? { note: "no label" } : { note: className(store, label), figure: figure(label) };
  return [{ key: TRUE, text: targetText(store, TRUE), ...about }];
}

/** An option's key as a target: the class's name where it is unambiguous, else its index. */
export function targetOf(key: string, names: readonly string[]): Target {
  if (!key.startsWith("#")) return key;
  const index = Number(key.slice(1));
  return plainText(index, names) ?? index;
}

export function keyOf(target: Target, names: readonly string[]): string {
  if (typeof target !== "number" && isReserved(target)) return target;
  const index = typeof target === "number" ? target : names.indexOf(target);
  return index < 0 ? String(target) : `#${index}`;
}

/** The option that is meant by a class's index or by a rank. */
export function readOption(store: Store, options: readonly Option[], text: string): Option | undefined {
  const names = store.constants.value?.class_names ?? [];
  const target = readTarget(text, names.length);
  if (target === null) return undefined;
  const key = keyOf(target, names);
  const listed = options.find((option) => option.key === key);
  if (listed || store.available.value || typeof target === "number") return listed;
  const { order, numbers } = ranking(store, names.length);
  const note = numbers ? names[order[(placeOf(target) ?? 1) - 1]] : undefined;
  return { key, text: targetText(store, target), note };
}

/** What the field of the other class offers first: the mean of those with the highest scores. */
function rivalOptions(store: Store, a: Target): Option[] {
  const key = tellsValues(store) ? null : rivalMean(a, store.constants.value?.class_names.length ?? 0);
  return key === null ? [] : [{ key, text: sideText(store, key), note: "what tells it from those that look alike" }];
}

/** What the field of one class offers beside the other class of a contrast, null where there is none. */
function fieldOptions(store: Store, options: readonly Option[], other: Target | null) {
  const names = store.constants.value?.class_names ?? [];
  /** Of two classes each has a name of its own, and none is the other one. */
  const isFit = ({ key }: Option) =>
    other === null || (key !== keyOf(other, names) && plainText(targetOf(key, names), names) !== null);
  const read = (text: string) => {
    const option = readOption(store, options, text);
    return option && isFit(option) ? option : undefined;
  };
  return {
    options: options.filter(isFit),
    read,
    placeholder: `search ${names.length} ${tellsValues(store) ? "outputs" : "classes"}…`,
  };
}

/** The class that is explained, and the one whose score is subtracted from it. */
export function ClassPicker({ store, actions }: ViewProps) {
  const options = useComputed(() => classOptions(store)).value;
  const names = store.constants.value?.class_names ?? [];
  const target = store.traits.target.value;
  const available = store.available.value;
  const isOwn = store.traits._own_targets.value.some(({ name }) => name === target);
  const [a, b] = available || isOwn ? [target, null] : splitTarget(target, names);
  const choose = (left: Target, right: Target | null) => actions.chooseTarget(joinTarget(left, right, names));
  return (
    <>
      <Field
        id="kx-class"
        title={`The ${noun(store)} whose evidence is drawn`}
        label={noun(store).replace(/^./, (letter) => letter.toUpperCase())}
        class={addsColumn(store, "targets") ? "field wide adds" : "field wide"}
      >
        <Combobox
          id="kx-class"
          value={targetText(store, a)}
          selected={keyOf(a, names)}
          {...fieldOptions(store, options, b)}
          among={available ? "the kept answers" : undefined}
          disabled={names.length === 0}
          onChoose={(key) => {
            const question = available?.questions.find((each) => keyOf(each.target, names) === key);
            if (question) actions.chooseTarget(question.target);
            else choose(targetOf(key, names), b);
          }}
        />
        {b === null && !available && !isOwn && names.length > 1 && (
          <VersusButton store={store} target={a} onChoose={(other) => choose(a, other)} />
        )}
      </Field>
      {b !== null && (
        <Field id="kx-versus" label="vs" class="field wide">
          <Combobox
            id="kx-versus"
            value={sideText(store, b)}
            selected={keyOf(b, names)}
            {...fieldOptions(store, [...rivalOptions(store, a), ...options], a)}
            onChoose={(key) => choose(a, targetOf(key, names))}
          />
          <CloseButton label="vs no other class" onClick={() => choose(a, null)} />
        </Field>
      )}
    </>
  );
}

interface VersusProps {
  store: Store;
  target: Target;
  onChoose(other: Target): void;
}

/** Begins a contrast: with the truth where the prediction is wrong, else with the next best class. */
function VersusButton({ store, target, onChoose }: VersusProps) {
  const names = store.constants.value?.class_names ?? [];
  const isWrong = isRight(factsAt(store, chosenTile(store).column), focusedImage(store)) === false;
  // Of values none is first.
  const [best, second] = tellsValues(store) ? names : TOPS;
  return (
    <button
      type="button"
      class="plain versus"
      aria-label="vs another class"
      title="Why this class rather than another: what speaks for it, less what speaks for the other"
      disabled={names.length < 2 || plainText(target, names) === null}
      onClick={() => onChoose(target !== best ? best : isWrong ? TRUE : second)}
    >
      vs …
    </button>
  );
}
