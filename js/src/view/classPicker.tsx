import { useComputed } from "@preact/signals";
import { percent } from "../state/format";
import { className } from "../state/labels";
import { focusedImage, probabilitiesOf, type Store, type Target } from "../state/store";
import { isRank, joinTarget, plainText, splitTarget, TOPS } from "../state/target";
import { Combobox, type Option } from "./combobox";
import { CloseButton, Field } from "./field";
import type { ViewProps } from "./props";

/** Class indices, the most probable of the image in focus first. */
function ranking(store: Store, classes: number): { order: number[]; probabilities: Float32Array | null } {
  const probabilities = probabilitiesOf(store, focusedImage(store));
  const order = Array.from({ length: classes }, (_, index) => index);
  if (probabilities) order.sort((a, b) => probabilities[b] - probabilities[a]);
  return { order, probabilities };
}

/** "top", "top-2", "top-3", then every class with the probability it has in the image in focus. */
export function classOptions(store: Store): Option[] {
  const names = store.constants.value?.class_names ?? [];
  const { order, probabilities } = ranking(store, names.length);
  const figure = (index: number) => (probabilities ? percent(probabilities[index]) : undefined);
  const tops = TOPS.slice(0, names.length).map((key, rank) => ({
    key,
    text: key,
    note: probabilities ? names[order[rank]] : undefined,
    figure: figure(order[rank]),
  }));
  const classes = order.map((index) => ({ key: `#${index}`, text: names[index], figure: figure(index) }));
  const available = store.available.value;
  if (!available) return [...tops, ...classes];
  const keys = new Set(available.questions.map(({ target }) => keyOf(target, names)));
  const listed = [...tops, ...classes].filter(({ key }) => keys.delete(key));
  return [...listed, ...[...keys].map((key) => ({ key, text: key }))];
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

/** The class that is explained, and the one whose score is subtracted from it. */
export function ClassPicker({ store, actions }: ViewProps) {
  const options = useComputed(() => classOptions(store)).value;
  const names = store.constants.value?.class_names ?? [];
  const target = store.traits.target.value;
  const available = store.available.value;
  const [a, b] = available ? [target, null] : splitTarget(target, names);
  const choose = (left: Target, right: Target | null) => actions.chooseTarget(joinTarget(left, right, names));
  const isNamed = ({ key }: Option) => plainText(targetOf(key, names), names) !== null;
  const listed = {
    options: b === null ? options : options.filter(isNamed),
    placeholder: `search ${names.length} classes…`,
  };
  return (
    <>
      <Field id="kx-class" label="Class" class="field wide">
        <Combobox
          id="kx-class"
          value={className(store, a)}
          selected={keyOf(a, names)}
          {...listed}
          among={available ? "the kept answers" : undefined}
          disabled={names.length === 0}
          onChoose={(key) => {
            const question = available?.questions.find((each) => keyOf(each.target, names) === key);
            if (question) actions.chooseTarget(question.target);
            else choose(targetOf(key, names), b);
          }}
        />
        {b === null && !available && (
          <button
            type="button"
            class="plain minus"
            aria-label="Subtract another class"
            title="Why this class rather than another: subtract the other's score"
            disabled={names.length < 2 || plainText(a, names) === null}
            onClick={() => choose(a, a === "top" ? "top-2" : "top")}
          >
            another
          </button>
        )}
      </Field>
      {b !== null && (
        <Field id="kx-minus" label="Minus" class="field wide">
          <Combobox
            id="kx-minus"
            value={b}
            selected={keyOf(b, names)}
            {...listed}
            onChoose={(key) => choose(a, targetOf(key, names))}
          />
          <CloseButton label="Subtract nothing" onClick={() => choose(a, null)} />
        </Field>
      )}
    </>
  );
}
