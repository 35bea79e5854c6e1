import { isAvailable, NEEDS_KERNEL } from "../state/availableQuestions";
import { predictedFigure, predictedKind, tellsValues } from "../state/figures";
import { isRight, labelOf } from "../state/filterSort";
import { briefName, className } from "../state/labels";
import { factsAt } from "../state/models";
import { showsPrediction } from "../state/segmentations";
import { chosenTile, type Store, type Target } from "../state/store";
import { joinTarget, plainText, TOPS, TRUE } from "../state/target";
import { type PredictedClass, predictionOf, topClasses } from "../state/topClasses";
import type { ViewProps } from "./props";
import { Swatch } from "./segmentationLegend";

const MOST = 5;
/** Values are not sorted: none of the first is less told than another. */
const MOST_VALUES = 12;
const BARS = {
  probability: "Most probable classes",
  score: "Classes of the highest scores",
  value: "Values",
  share: "Classes by their part of the picture",
};

interface ImageProps extends ViewProps {
  image: number;
}

/** The most probable classes and the explained one, or the values; a click explains one. */
export function PredictionBars({ store, actions, image, explained }: ImageProps & { explained: number }) {
  const kind = predictedKind(store);
  const top = topClasses(store, image, kind === "value" ? MOST_VALUES : MOST);
  if (top.length === 0) return null;
  const isListed = explained < 0 || top.some(({ index }) => index === explained);
  const others = isListed ? [] : [{ index: explained, number: predictionOf(store, image, explained) }];
  const label = labelOf(store.facts.value, image);
  return (
    <ol class="bars" aria-label={BARS[kind]}>
      {[...top, ...others].map((each, rank) => (
        <PredictionBar
          key={each.index}
          index={each.index}
          name={briefName(store, each.index)}
          fullName={className(store, each.index)}
          figure={each.number === null ? "" : predictedFigure(store, each.index, each.number)}
          share={kind === "probability" || kind === "share" ? each.number : null}
          hasSwatch={kind === "share" && showsPrediction(store)}
          isTrue={each.index === label}
          isExplained={each.index === explained}
          target={targetAt(store, each, rank < top.length && kind !== "value" ? rank : null)}
          onChoose={actions.chooseTarget}
        />
      ))}
    </ol>
  );
}

/** The target that a click asks for: the class, or its rank where only that can be asked; null where neither can. */
function targetAt(store: Store, { index }: PredictedClass, rank: number | null): Target | null {
  const names = store.constants.value?.class_names ?? [];
  const ranked = rank === null ? [] : [rank === 0 ? "top" : `top-${rank + 1}`];
  const targets = [plainText(index, names) ?? index, ...ranked];
  return targets.find((target) => isAvailable(store, "target", target)) ?? null;
}

interface PredictionProps {
  index: number;
  figure: string;
  /** How long its bar is, null where that would mislead. */
  share: number | null;
  hasSwatch: boolean;
  name: string;
  fullName: string;
  isTrue: boolean;
  isExplained: boolean;
  target: Target | null;
  onChoose(target: Target): void;
}

function PredictionBar({ index, name, fullName, figure, share, hasSwatch, ...row }: PredictionProps) {
  const { isTrue, isExplained, target, onChoose } = row;
  return (
    <li>
      <button
        type="button"
        class="bar-row"
        aria-pressed={isExplained}
        aria-disabled={target === null || undefined}
        title={`${fullName}: ${target === null ? NEEDS_KERNEL : isExplained ? "the map explains it" : "explain it"}`}
        onClick={() => target !== null && !isExplained && onChoose(target)}
      >
        {hasSwatch && <Swatch index={index} />}
        <span class="name">{name}</span>
        {isTrue && <span class="chip">true</span>}
        <span class="figure">{figure}</span>
        {share !== null && <span class="share" style={{ "--share": share }} aria-hidden="true" />}
      </button>
    </li>
  );
}

/** Whether the prediction is the true class, by sign and in words; nothing where that is not known. */
export function TruthLine({ store, image }: { store: Store; image: number }) {
  const facts = factsAt(store, chosenTile(store).column);
  const label = labelOf(facts, image);
  if (label === null) return null;
  const right = isRight(facts, image);
  const name = briefName(store, label);
  return (
    <p class="truth" title={className(store, label)} data-right={right || undefined}>
      <span aria-hidden="true">{right ? "✓ " : "✗ "}</span>
      {right ? `right: ${name} is the true class` : `wrong: the true class is ${name}`}
    </p>
  );
}

/** Asks what speaks for the prediction rather than the true class, or the second where it is right or nobody knows. */
export function WhyNot({ store, actions, image }: ImageProps) {
  const facts = factsAt(store, chosenTile(store).column);
  const [best, second] = tellsValues(store) ? [] : topClasses(store, image, 2);
  const isWrong = isRight(facts, image) === false;
  const rival = isWrong ? labelOf(facts, image) : (second?.index ?? null);
  if (!best || rival === null) return null;
  const target = joinTarget(TOPS[0], isWrong ? TRUE : TOPS[1], []);
  const isAsked = store.traits.target.value === target;
  if (!isAsked && !isAvailable(store, "target", target)) return null;
  return (
    <button
      type="button"
      class="why-not"
      aria-pressed={isAsked}
      title={`What speaks for ${className(store, best.index)} and against ${className(store, rival)}`}
      onClick={() => actions.chooseTarget(isAsked ? TOPS[0] : target)}
    >
      Why not {briefName(store, rival)}?
    </button>
  );
}
