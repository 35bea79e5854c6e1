import { useComputed } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { cautionOf, columnHeading } from "../state/labels";
import type { Store } from "../state/store";
import type { StageProps } from "./props";
import { Tile } from "./tile";
import { useDelayed } from "./useDelayed";
import { useVirtualGrid } from "./useVirtualList";

/** One aspect ratio for all tiles keeps the rows even; pictures of other shapes are centred in it. */
function aspectOf(store: Store): number {
  // Pictures that are still to come must not move the rows.
  if (store.stored.value) return 1;
  const ratios = store.traits._images.value.map((picture) => picture.width / picture.height);
  const same = ratios.every((ratio) => Math.abs(ratio - ratios[0]) < 0.01);
  return same && ratios.length > 0 ? Math.min(Math.max(ratios[0], 0.6), 1.8) : 1;
}

const Space = ({ height }: { height: number }) =>
  height > 0 ? <div class="space" style={{ height: `${height}px` }} /> : null;

export function Grid({ store, actions, stage }: StageProps) {
  const pictures = store.traits._images.value;
  const columns = Math.max(1, store.answer.value?.columns.length ?? 1);
  const compared = columns > 1;
  const zoomed = !useComputed(() => store.view.value.isIdentity).value;
  const stale = useDelayed(store.stale);
  const images = store.rows.value;
  const rows = useVirtualGrid(images.length, columns, `${store.filter.value}, ${store.sort.value}`);
  const rendered = images.slice(rows.first, rows.last);
  useEffect(() => actions.fetchVisible(rendered), [images, rows.first, rows.last]);
  return (
    <div
      class="sheet"
      ref={rows.box}
      // Has the focus when the tile that had it is scrolled away.
      tabIndex={rows.many ? -1 : undefined}
      onScroll={rows.many ? rows.onScroll : undefined}
      data-many={rows.many || undefined}
      data-compared={compared || undefined}
      data-several={pictures.length > 1 || undefined}
      data-stale={stale || undefined}
      data-few={(!compared && pictures.length < 3) || undefined}
      data-zoomed={zoomed || undefined}
      style={{ "--columns": columns, "--few": pictures.length, "--aspect": aspectOf(store) }}
    >
      {compared && <Headings store={store} />}
      <div class="grid">
        <Space key="above" height={rows.above} />
        <Tiles {...{ store, actions, stage, columns }} images={rendered} many={rows.many} />
        <Space key="below" height={rows.below} />
        {pictures.length === 0 && <div class="nothing">No images yet.</div>}
      </div>
    </div>
  );
}

/** The tiles of some images, row by row; flat, so that a tile is found by its key wherever its row has gone. */
function Tiles(props: StageProps & { images: number[]; columns: number; many: boolean }) {
  const { store, images, columns, many, ...view } = props;
  const pictures = store.traits._images.value;
  const named = store.stored.value !== null || pictures.some((picture) => picture.name !== "");
  const marked = many && store.facts.value.labels.length > 0;
  return images.flatMap((image) =>
    Array.from({ length: columns }, (_, column) => (
      <Tile
        key={`${image}/${column}`}
        {...{ store, ...view, image, column, named, marked }}
        picture={pictures[image]}
      />
    )),
  );
}

/** The headings of compared columns; a mark says that there is a caution about a method. */
function Headings({ store }: { store: Store }) {
  const isByMethod = store.traits.compare.value === "methods";
  return (
    <div class="headings">
      {(store.answer.value?.columns ?? []).map(({ layer, method }, column) => {
        const caution = isByMethod && cautionOf(store, method);
        return (
          <div class="heading" key={String(column)} title={layer}>
            <span class="name">{columnHeading(store, column)}</span>
            {caution && (
              <span class="mark" role="img" aria-label={caution} title={caution}>
                !
              </span>
            )}
          </div>
        );
      })}
    </div>
  );
}
