import { classColour } from "../canvas/classColours";
import { isAvailable, NEEDS_KERNEL } from "../state/availableQuestions";
import { percent } from "../state/format";
import { briefName, className, imageName } from "../state/labels";
import { isSegmenter, NO_CLASS, segmentationOf, showsPrediction } from "../state/segmentations";
import { focusedImage, type Store } from "../state/store";
import { plainText } from "../state/target";
import { options, Select } from "./field";
import type { ViewProps } from "./props";

const OVERLAYS: readonly [string, string][] = [
  ["map", "map"],
  ["prediction", "prediction"],
  ["both", "both"],
];

/** What lies over the pictures of a segmenter. */
export function OverlayChoice({ store, actions }: ViewProps) {
  if (!isSegmenter(store)) return null;
  return (
    <Select
      id="kx-overlay"
      label="Overlay"
      title="The map, which class wins at each place, or the map with the prediction outlined"
      class="control"
      value={store.traits.overlay.value}
      onChoose={(overlay) => actions.commit({ overlay: overlay as typeof store.traits.overlay.value })}
    >
      {options(store.traits.overlay.value === "concepts" ? [...OVERLAYS, ["concepts", "concepts"]] : OVERLAYS)}
    </Select>
  );
}

export const Swatch = ({ index }: { index: number }) => (
  <span class="swatch" style={{ "--colour": classColour(index) }} aria-hidden="true" />
);

/** The classes that win somewhere in the image in focus, with their part of it; a click explains one. */
export function SegmentationLegend({ store, actions }: ViewProps) {
  if (!showsPrediction(store)) return null;
  const image = focusedImage(store);
  const segmentation = segmentationOf(store, image);
  const problem = store.segmentations.value.get(image)?.problem;
  const name = imageName(store, image);
  return (
    <div class="segments" role="group" aria-label={`Prediction of ${name}`}>
      <span class="dim">{name}</span>
      {segmentation?.shares.map(([index, share]) => (
        <SegmentButton key={index} {...{ store, actions, index, share }} />
      ))}
      {!segmentation && <span class="dim">{problem || absence(store)}</span>}
    </div>
  );
}

function absence(store: Store): string {
  if (store.status.value === "no-kernel") return "what the model sees was not kept, and needs the kernel";
  return "what the model sees is on its way…";
}

function SegmentButton({ store, actions, index, share }: ViewProps & { index: number; share: number }) {
  const names = store.constants.value?.class_names ?? [];
  if (index >= names.length) {
    return <span title="Where no class is probable">{`${NO_CLASS} ${percent(share)}`}</span>;
  }
  const plain = plainText(index, names) ?? index;
  const target = store.traits.target.value;
  const isExplained = target === plain || target === index;
  const canAsk = isAvailable(store, "target", plain);
  const use = isExplained ? "the map explains it" : canAsk ? "explain it" : NEEDS_KERNEL;
  return (
    <button
      type="button"
      class="segment"
      aria-pressed={isExplained}
      aria-disabled={!(isExplained || canAsk) || undefined}
      title={`${className(store, index)} wins ${percent(share)} of the picture: ${use}`}
      onClick={() => canAsk && actions.chooseTarget(plain)}
    >
      <Swatch index={index} />
      {briefName(store, index)} <span class="figure">{percent(share)}</span>
    </button>
  );
}
