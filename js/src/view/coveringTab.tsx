import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { CurvesRecord, EvidenceRecord, Item } from "../kernel/protocol";
import { coveredAt, coveredKey } from "../state/covered";
import { whyNotMeasured } from "../state/evidence";
import { percent, quantity, wholePercent } from "../state/format";
import { briefExplainedText, briefName } from "../state/labels";
import { type CoveredPicture, chosenTile, mapOf, type Store } from "../state/store";
import { CoveredView, coveredFigure } from "./coveredView";
import { CoverSelect } from "./coverSelect";
import { CurveChart, type CurveName } from "./curveChart";
import type { ViewProps } from "./props";
import { ToggleButtons } from "./toggleButtons";

/** Which part of the picture a curve begins with. */
const FIRST_STEP = 2;

const CURVES: readonly [CurveName, string, string][] = [
  ["deletion", "cover it", "Cover what the map marks most"],
  ["insertion", "show it alone", "Show what the map marks most, on what covers"],
];

interface CoveringProps extends ViewProps {
  record: EvidenceRecord;
}

/** What becomes of the score as what the map marks most is covered, or shown, with the pictures that were scored. */
export function CoveringTab({ store, actions, record }: CoveringProps) {
  const curve = useSignal<CurveName>("deletion");
  const step = useSignal(FIRST_STEP);
  const { image, column } = chosenTile(store);
  const { curves } = record;
  const at = Math.min(step.value, curves ? curves.covered.length - 1 : 0);
  const place = { image, column, curve: curve.value, step: at, cover: record.cover };
  const key = coveredKey(store, place);
  const canAsk = curves !== null && !whyNotMeasured(store) && store.status.value === "done";
  useEffect(() => {
    if (canAsk) actions.fetchCovered(place);
  }, [key, canAsk]);
  if (!curves) return <p class="dim">No curves of this map yet.</p>;
  const picture = coveredAt(store, place);
  return (
    <>
      <div class="button-row" role="group" aria-label="Curve">
        <ToggleButtons signal={curve} choices={CURVES} />
        <CoverSelect store={store} disabled={whyNotMeasured(store) !== ""} onChoose={actions.coverWith} />
      </div>
      <CurveChart
        curves={curves}
        curve={curve.value}
        step={step}
        at={at}
        words={stepText(store, curves, curve.value, at, picture)}
      />
      <Legend curves={curves} />
      <EndsText store={store} curves={curves} />
      {curves.shares.length > 0 && (
        <ul class="shares" aria-label="Where the prediction changes">
          {curves.shares.map((sentence) => (
            <li key={sentence}>{sentence}</li>
          ))}
        </ul>
      )}
      {canAsk || picture ? (
        <CoveredView store={store} picture={picture} caption={captionOf(curves, curve.value, at)} />
      ) : (
        <p class="dim">{shareText(curves, curve.value, at)}; the picture takes the kernel, and was not kept.</p>
      )}
    </>
  );
}

/** How much of the picture a step of a curve covers or shows. */
const shareText = (curves: CurvesRecord, curve: CurveName, step: number) =>
  curve === "deletion" ? `${wholePercent(curves.covered[step])} covered` : `${wholePercent(curves.shown[step])} shown`;

const captionOf = (curves: CurvesRecord, curve: CurveName, step: number) =>
  `${shareText(curves, curve, step)}: the very picture that was scored`;

/** What a value is in a picture that was scored, "" where that is not here. */
function valueText(store: Store, item: Item, picture?: CoveredPicture): string {
  const record = picture?.classes.find(({ index }) => index === item.target);
  return record ? `${briefExplainedText(store, item)} ${coveredFigure(store, record, item)}` : "";
}

/** What a value is at a point of a curve, "" where that is not known. */
function valueAt({ ends }: CurvesRecord, rescaled: number | null, unit: string): string {
  // Pages that an earlier version saved have none.
  const [blank, whole] = ends ?? [];
  if (blank === undefined || rescaled === null) return "";
  return quantity(blank + rescaled * (whole - blank), unit);
}

/** What a value is at both ends of its curves. */
export function EndsText({ store, curves }: { store: Store; curves: CurvesRecord }) {
  const item = mapOf(store, chosenTile(store))?.item;
  const [blank, whole] = [0, 1].map((end) => (item && item.unit !== null ? valueAt(curves, end, item.unit) : ""));
  if (!item || !blank) return null;
  return <p class="dim">{`${briefExplainedText(store, item)}: ${whole}, with all of it covered ${blank}`}</p>;
}

/** A step of a curve for those who do not see it. */
export function stepText(
  store: Store,
  curves: CurvesRecord,
  curve: CurveName,
  step: number,
  picture?: CoveredPicture,
): string {
  const value = curves[curve][step];
  const figure =
    value === null ? "" : curves.value === "probability" ? percent(value) : `${value.toFixed(2)} of the score`;
  const item = mapOf(store, chosenTile(store))?.item;
  if (item && item.unit !== null) {
    const inUnit = valueAt(curves, value, item.unit);
    const text = inUnit ? `${briefExplainedText(store, item)} ${inUnit}` : valueText(store, item, picture) || figure;
    return `${shareText(curves, curve, step)}, ${text}`;
  }
  const best = picture?.classes[0];
  const top = best ? `${briefName(store, best.index)} first` : "";
  return [shareText(curves, curve, step), figure, top].filter(Boolean).join(", ");
}

export const Legend = ({ curves }: { curves: CurvesRecord }) => (
  <ul class="legend" aria-label="Curves">
    <li data-curve="deletion">what the map marks most is covered</li>
    <li data-curve="insertion">it alone is shown</li>
    {curves.random_low.length > 0 && <li data-curve="random">covered in random orders, as smooth</li>}
  </ul>
);
