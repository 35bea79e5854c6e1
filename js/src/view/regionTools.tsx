import { useEffect } from "preact/hooks";
import type { RegionRecord } from "../kernel/protocol";
import { canResetRegion, NEEDS_KERNEL } from "../state/availableQuestions";
import { explainedText } from "../state/labels";
import { REGION_TOOLS, type RegionTool, takeTool } from "../state/regionPicker";
import { type RegionKind, regionOf, regionText, WINS } from "../state/regions";
import { chosenTile, focusedImage, mapOf, type Store, type TilePlace } from "../state/store";
import type { ViewProps } from "./props";

const TITLES: Readonly<Record<RegionTool, string>> = {
  pixel: "Why this pixel? Click one in any picture, or press Enter at the crosshair",
  object: "Click an object: the part of the picture around it where one class wins",
  box: "Drag a box in any picture, or press Enter at two corners",
};
const HINTS: Readonly<Record<RegionTool, string>> = {
  pixel: "Click a pixel to ask why.",
  object: "Click an object to ask why.",
  box: "Drag a box to ask why.",
};

/** Which part of the picture is explained, where a model has scores for several; a page without Python cannot ask. */
export function RegionTools({ store, actions }: ViewProps) {
  const kinds: readonly RegionKind[] = store.constants.value?.regions ?? [];
  const { regionPicker } = store;
  const tool = regionPicker.tool.value;
  const isShown = kinds.length > 0 && store.available.value === null;
  // What is not seen must not catch clicks.
  useEffect(() => {
    if (!isShown) takeTool(regionPicker, null);
  }, [isShown]);
  if (!isShown) return null;
  const image = focusedImage(store);
  const { kind } = regionOf(store.traits.regions.value, image);
  const regionButton = (region: RegionRecord, text: string, title: string) =>
    kinds.includes(region.kind) && (
      <button
        type="button"
        title={title}
        aria-pressed={tool === null && kind === region.kind}
        onClick={() => {
          takeTool(regionPicker, null);
          actions.chooseRegion(image, region);
        }}
      >
        {text}
      </button>
    );
  return (
    <div class="regions button-row" role="group" aria-label="What is explained">
      <span class="dim">Explain</span>
      {regionButton(WINS, "where it wins", "The part of the picture in focus where the class wins")}
      {regionButton({ kind: "whole", at: [] }, "whole picture", "The whole picture in focus")}
      {REGION_TOOLS.filter((name) => kinds.includes(name)).map((name) => (
        <button
          key={name}
          type="button"
          title={TITLES[name]}
          aria-pressed={tool === name}
          data-drags={name === "box" || undefined}
          onClick={() => takeTool(regionPicker, tool === name ? null : name)}
        >
          {name}
        </button>
      ))}
      {tool && <span class="dim hint">{HINTS[tool]}</span>}
    </div>
  );
}

/** The region that a tile's map is about, or that its first map will be; "" where it is the default. */
export function tileRegionText(store: Store, place: TilePlace): string {
  const map = mapOf(store, place);
  const region = regionOf(store.traits.regions.value, place.image);
  const { kind, words } = map ? (map.item.region ?? WINS_TEXT) : { kind: region.kind, words: regionText(region) };
  return kind === "wins" ? "" : words;
}

/** Of a model of one score per class there is nothing to say. */
const WINS_TEXT = { kind: "wins", words: "" } as const;

/** Says which region a tile's map is about; a click resets it. */
export function RegionChip({ store, actions, ...place }: ViewProps & TilePlace) {
  const text = tileRegionText(store, place);
  if (!text) return null;
  const item = mapOf(store, place)?.item;
  const full = [item && explainedText(store, item), text].filter(Boolean).join(" · ");
  const canReset = canResetRegion(store, place.image);
  const use = canReset ? "A click, or Esc in the picture, resets it" : `Where the class wins ${NEEDS_KERNEL}`;
  return (
    <button
      type="button"
      class="region-chip"
      aria-label={`Explained: ${full}. ${canReset ? "Explain where the class wins again" : use}`}
      aria-disabled={!canReset || undefined}
      title={`Explained: ${full}. ${use}`}
      onClick={() => actions.resetRegion(place.image)}
    >
      <span>{full}</span>
      {canReset && <span aria-hidden="true">✕</span>}
    </button>
  );
}

/** The region of the map in focus, in the panel. */
export function RegionLine({ store, actions }: ViewProps) {
  const place = chosenTile(store);
  const item = mapOf(store, place)?.item;
  if (!item?.region) return null;
  const text = tileRegionText(store, place);
  return (
    <p class="region-line">
      {`Explained: ${explainedText(store, item)} ${text || item.region.words}.`}
      {text && canResetRegion(store, place.image) && (
        <button
          type="button"
          title="Explain where the class wins again"
          onClick={() => actions.resetRegion(place.image)}
        >
          Reset
        </button>
      )}
    </p>
  );
}
