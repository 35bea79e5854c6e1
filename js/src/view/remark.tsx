import { useComputed } from "@preact/signals";
import { imageName, notesOf } from "../naming";
import { focusedImage, type Store, tileKey } from "../store";

/** What is to be said of the map that is pointed at or chosen, or how many have something to be said of. */
export function Remark({ store }: { store: Store }) {
  const tiles = useComputed(() => [...(store.answer.value?.tiles.values() ?? [])]).value;
  const noted = tiles.filter(({ item }) => notesOf(store, item).length > 0).length;
  if (noted === 0) return null;
  const at = store.focus.value ?? { image: focusedImage(store), column: store.chosenColumn.value };
  const item = store.answer.value?.tiles.get(tileKey(at.image, at.column))?.item;
  const notes = item ? notesOf(store, item) : [];
  return (
    <div class="remark">
      {item && notes.length > 0 ? (
        <>
          <b>{[imageName(store, item.image), item.target_name].filter(Boolean).join(", ")}:</b>{" "}
          {notes.join(" ")}
        </>
      ) : (
        `${noted} of ${tiles.length} maps ${noted === 1 ? "has" : "have"} a note: point at one marked “!”.`
      )}
    </div>
  );
}
