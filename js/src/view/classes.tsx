import { useComputed } from "@preact/signals";
import type { Actions } from "../actions";
import { percent } from "../format";
import { targetText } from "../naming";
import { focusedImage, probabilitiesOf, type Store, type Target } from "../store";
import { Combobox, type Option } from "./combobox";
import { Field } from "./field";

const TOPS = ["top", "top-2", "top-3"];

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
  return [...tops, ...all];
}

/** An option's key as a target: the class's name where it is unambiguous, else its index. */
export function targetOf(key: string, names: readonly string[]): Target {
  if (!key.startsWith("#")) return key;
  const index = Number(key.slice(1));
  const name = names[index];
  const unique = names.indexOf(name) === index && names.lastIndexOf(name) === index;
  return unique && !TOPS.includes(name) ? name : index;
}

export function keyOf(target: Target, names: readonly string[]): string {
  const index = typeof target === "number" ? target : names.indexOf(target);
  return index < 0 || TOPS.includes(String(target)) ? String(target) : `#${index}`;
}

export function Classes({ store, actions }: { store: Store; actions: Actions }) {
  const options = useComputed(() => classOptions(store)).value;
  const names = store.welcome.value?.class_names ?? [];
  const target = store.traits.target.value;
  return (
    <Field id="kx-class" label="Class" class="wide">
      <Combobox
        id="kx-class"
        value={targetText(target, names)}
        selected={keyOf(target, names)}
        options={options}
        placeholder={`search ${names.length} classes…`}
        disabled={names.length === 0}
        onChoose={(key) => actions.chooseTarget(targetOf(key, names))}
      />
    </Field>
  );
}
