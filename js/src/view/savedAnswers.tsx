import { isEqual, QUESTION } from "../kernel/question";
import { questionText } from "../state/labels";
import { Select } from "./field";
import type { ViewProps } from "./props";

/** Where no kernel answers: a choice of the saved answers, and what else is missing. */
export function SavedAnswers({ store, actions }: ViewProps) {
  const available = store.available.value;
  // A kernel that is there answers within moments.
  if (!available || (!available.fromStore && store.status.value !== "no-kernel")) return null;
  const { questions, offline, fromStore, leftOut, side } = available;
  const chosen = questions.findLastIndex((question) =>
    QUESTION.every((name) => isEqual(question[name], store.traits[name].value)),
  );
  const notes = [
    fromStore
      ? "A new question needs the model: KxWidget.from_store(path, model)."
      : `A new question needs ${offline ? "Python" : "the kernel"}.`,
    side !== null && `Maps are averaged down to ${side} cells a side at most.`,
    leftOut > 0 && `${leftOut} older ${leftOut === 1 ? "answer" : "answers"} had no room.`,
  ];
  return (
    <div class="columns">
      <Select
        id="kx-saved"
        label={fromStore ? "Stored answers" : "Kept answers"}
        value={String(chosen)}
        onChoose={(index) => actions.openAnswer(questions[Number(index)])}
      >
        {questions.map((question, index) => (
          <option key={String(index)} value={String(index)}>
            {questionText(store, question)}
          </option>
        ))}
      </Select>
      <span class="dim">{notes.filter(Boolean).join(" ")}</span>
    </div>
  );
}
