import { useComputed } from "@preact/signals";
import { explainedText, imageName, notesOf } from "../state/labels";
import { mapOf, type Store, tileInFocus } from "../state/store";

/** The notes on the map that is pointed at or chosen, or how many maps have notes. */
export function MapNotes({ store }: { store: Store }) {
  const tiles = useComputed(() => [...(store.answer.value?.tiles.values() ?? [])]).value;
  const noted = tiles.filter(({ item }) => notesOf(store, item).length > 0).length;
  if (noted === 0) return null;
  const item = mapOf(store, tileInFocus(store))?.item;
  const notes = item ? notesOf(store, item) : [];
  return (
    <div class="remark">
      {item && notes.length > 0 ? (
        <>
          <b>{[imageName(store, item.image), explainedText(store, item)].filter(Boolean).join(", ")}:</b>{" "}
          {notes.join(" ")}
        </>
      ) : (
        `${noted} of ${tiles.length} maps ${noted === 1 ? "has" : "have"} a note: point at one marked “!”.`
      )}
    </div>
  );
}
