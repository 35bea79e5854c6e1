import { useComputed } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { cautionOf, columnHeading } from "../naming";
import type { Store } from "../store";
import type { Parts } from "./app";
import { KEYS } from "./field";
import { useLate } from "./late";
import { useRows } from "./rows";
import { Tile } from "./tile";

/** One aspect ratio for all tiles keeps the rows even; pictures of other shapes are centred in it. */
function aspectOf(store: Store): number {
  // Pictures that are still to come must not move the rows.
  if (store.shelf.value) return 1;
  const ratios = store.traits._images.value.map((picture) => picture.width / picture.height);
  const same = ratios.every((ratio) => Math.abs(ratio - ratios[0]) < 0.01);
  return same && ratios.length > 0 ? Math.min(Math.max(ratios[0], 0.6), 1.8) : 1;
}

export function Grid({ store, actions, stage }: Parts) {
  const images = store.traits._images.value;
  const columns = Math.max(1, store.answer.value?.columns.length ?? 1);
  const indices = Array.from({ length: columns }, (_, column) => column);
  const compared = columns > 1;
  const named = store.shelf.value !== null || images.some((picture) => picture.name !== "");
  const zoomed = !useComputed(() => store.view.value.isIdentity).value;
  const stale = useLate(store.stale);
  const shown = store.rows.value;
  const rows = useRows(shown.length, columns, `${store.filter.value}, ${store.sort.value}`);
  const marked = rows.many && store.known.value.labels.length > 0;
  useEffect(() => actions.look(shown.slice(rows.first, rows.last)), [shown, rows.first, rows.last]);
  return (
    <div
      class="sheet"
      ref={rows.box}
      // Has the focus when the tile that had it is scrolled away.
      tabIndex={rows.many ? -1 : undefined}
      {...KEYS}
      onScroll={rows.many ? rows.onScroll : undefined}
      data-many={rows.many || undefined}
      data-compared={compared || undefined}
      data-several={images.length > 1 || undefined}
      data-stale={stale || undefined}
      data-few={(!compared && images.length < 3) || undefined}
      data-zoomed={zoomed || undefined}
      style={{ "--columns": columns, "--few": images.length, "--aspect": aspectOf(store) }}
    >
      {compared && (
        <div class="headings">
          {indices.map((column) => (
            <div class="heading" key={column} title={store.answer.value?.columns[column]?.layer}>
              <span class="name">{columnHeading(store, column)}</span>
              <Mark store={store} column={column} />
            </div>
          ))}
        </div>
      )}
      <div class="grid">
        {rows.above > 0 && <div class="space" key="above" style={{ height: `${rows.above}px` }} />}
        {shown
          .slice(rows.first, rows.last)
          // Flat, so that a tile is found by its key wherever its row has gone.
          .flatMap((image) =>
            indices.map((column) => (
              <Tile
                key={`${image}/${column}`}
                store={store}
                actions={actions}
                stage={stage}
                picture={images[image]}
                image={image}
                column={column}
                named={named}
                marked={marked}
              />
            )),
          )}
        {rows.below > 0 && <div class="space" key="below" style={{ height: `${rows.below}px` }} />}
        {images.length === 0 && <div class="nothing">No images yet.</div>}
      </div>
    </div>
  );
}

/** Where methods are compared, that there is something to be said of this one. */
function Mark({ store, column }: { store: Store; column: number }) {
  const method = store.answer.value?.columns[column]?.method ?? "";
  const caution = store.traits.compare.value === "methods" && cautionOf(store, method);
  return caution ? (
    <span class="mark" role="img" aria-label={caution} title={caution}>
      !
    </span>
  ) : null;
}
