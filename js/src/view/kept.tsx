import type { Actions } from "../actions";
import { textOf } from "../answers";
import { targetText } from "../naming";
import { type Asked, layerName, QUESTION, type Store } from "../store";
import { Field, Select } from "./field";

/** A question in words; what is compared is said by its columns. */
function text(store: Store, { layer, method, target, params, compare, compare_with }: Asked): string {
  const { catalogue = [], class_names = [] } = store.welcome.value ?? {};
  const entry = catalogue.find(({ id }) => id === method);
  const settings = Object.entries(params).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  const columns = compare_with.length > 0 ? ` (${compare_with.join(", ")})` : "";
  return [
    compare !== "methods" && (entry?.title ?? method),
    compare !== "layers" && (entry?.sees === "input" ? "the input" : layerName(store, layer)),
    compare !== "targets" && targetText(target, class_names),
    ...settings,
    compare !== "none" && `${compare === "targets" ? "classes" : compare} compared${columns}`,
  ]
    .filter(Boolean)
    .join(" · ");
}

/** What can still be looked at where no kernel answers, and what cannot. */
export function Kept({ store, actions }: { store: Store; actions: Actions }) {
  const offer = store.offer.value;
  // A kernel that is there answers within moments.
  if (!offer || (!offer.stored && store.status.value !== "no-kernel")) return null;
  const { asked, alone, stored, leftOut, side } = offer;
  const chosen = asked.findLastIndex((one) =>
    QUESTION.every((name) => textOf(one[name]) === textOf(store.traits[name].value)),
  );
  const notes = [
    stored
      ? "A new question needs the model: KxWidget.from_store(path, model)."
      : `A new question needs ${alone ? "Python" : "the kernel"}.`,
    side !== null && `Maps are averaged down to ${side} cells a side at most.`,
    leftOut > 0 && `${leftOut} older ${leftOut === 1 ? "answer" : "answers"} had no room.`,
  ];
  return (
    <div class="columns">
      <Field id="kx-kept" label={stored ? "Stored answers" : "Kept answers"}>
        <Select
          id="kx-kept"
          value={String(chosen)}
          onChoose={(index) => actions.recall(asked[Number(index)])}
        >
          {asked.map((one, index) => (
            <option key={String(index)} value={String(index)}>
              {text(store, one)}
            </option>
          ))}
        </Select>
      </Field>
      <span class="dim">{notes.filter(Boolean).join(" ")}</span>
    </div>
  );
}
