import { useComputed } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { cautionOf, columnHeading } from "../state/labels";
import { pictureAt, type Store } from "../state/store";
import { Caption, captionHeight, captionLines, RowCaption } from "./caption";
import { EvidenceLine } from "./evidenceLine";
import { GAP, rowAt } from "./gridLayout";
import { Mark } from "./mark";
import type { StageProps } from "./props";
import { Shortened } from "./shortened";
import { Tile } from "./tile";
import { useDelayed } from "./useDelayed";
import { useVirtualGrid } from "./useVirtualGrid";

export function Grid({ store, actions, stage }: StageProps) {
  const pictures = store.traits._images.value;
  const columns = Math.max(1, store.answer.value?.columns.length ?? 1);
  const lines = useComputed(() => captionLines(store)).value;
  const grid = useVirtualGrid(store, { columns, caption: captionHeight(lines) });
  const stale = useDelayed(store.stale);
  const { layout } = grid;
  const compared = columns > 1;
  const rendered = store.rows.value.slice(grid.first, grid.last);
  useEffect(() => actions.fetchVisible(rendered), [store.rows.value, grid.first, grid.last]);
  return (
    <div
      class="sheet"
      ref={grid.box}
      // Has the focus when the tile that had it is scrolled away.
      tabIndex={-1}
      onScroll={grid.follow}
      data-compared={compared || undefined}
      data-several={pictures.length > 1 || undefined}
      data-stale={stale || undefined}
    >
      {compared && <Headings store={store} track={layout.track} />}
      <div
        class="grid"
        style={{
          height: `${grid.length}px`,
          width: compared ? `${columns * layout.track - GAP}px` : undefined,
          "--row": `${columns * layout.track - GAP}px`,
        }}
      >
        {rendered.flatMap((image, i) => {
          const index = grid.first + i;
          const row = rowAt(layout.starts, index);
          const at = { top: layout.tops[row] + grid.offset, width: layout.widths[index], height: layout.heights[row] };
          return Array.from({ length: columns }, (_, column) => (
            <Tile
              key={`${image}/${column}`}
              {...{ store, actions, stage, image, column }}
              picture={pictureAt(store, { image, column })}
              place={{ ...at, left: layout.lefts[index] + column * layout.track }}
            >
              <Caption {...{ store, lines, image, column }} width={at.width} />
              {lines.evidence && <EvidenceLine {...{ store, image, column }} />}
              {compared && column === 0 && <RowCaption {...{ store, lines, image }} width={columns * layout.track} />}
            </Tile>
          ));
        })}
        {pictures.length === 0 && <div class="nothing">No images yet.</div>}
      </div>
    </div>
  );
}

/** The headings of compared columns; a mark says that there is a caution about a method, or a layer of another name. */
function Headings({ store, track }: { store: Store; track: number }) {
  const isByMethod = store.traits.compare.value === "methods";
  return (
    <div class="headings" style={{ "--track": `${track}px` }}>
      {(store.answer.value?.columns ?? []).map(({ layer, method, matched }, column) => {
        const caution = (isByMethod && cautionOf(store, method)) || matched;
        return (
          <div class="heading" key={String(column)} title={layer}>
            <span class="name">
              <Shortened text={columnHeading(store, column)} title={null} />
            </span>
            {caution && <Mark text={caution} />}
          </div>
        );
      })}
    </div>
  );
}
