import { isAvailable } from "../state/availableQuestions";
import { isRight, labelOf } from "../state/filterSort";
import { percent } from "../state/format";
import { briefName, className } from "../state/labels";
import type { Store, Target } from "../state/store";
import { joinTarget, plainText, TOPS, TRUE } from "../state/target";
import { type ClassShare, probabilityOf, topClasses } from "../state/topClasses";
import type { ViewProps } from "./props";

const MOST = 5;
const NEEDS_KERNEL = "needs the kernel, for it was not asked before";

interface ImageProps extends ViewProps {
  image: number;
}

/** The most probable classes and the explained one; a click explains a class. */
export function PredictionBars({ store, actions, image, explained }: ImageProps & { explained: number }) {
  const top = topClasses(store, image, MOST);
  if (top.length === 0) return null;
  const isListed = explained < 0 || top.some(({ index }) => index === explained);
  const others = isListed ? [] : [{ index: explained, probability: probabilityOf(store, image, explained) }];
  const label = labelOf(store.facts.value, image);
  return (
    <ol class="bars" aria-label="Most probable classes">
      {[...top, ...others].map((share, rank) => (
        <PredictionBar
          key={share.index}
          {...share}
          name={briefName(store, share.index)}
          fullName={className(store, share.index)}
          isTrue={share.index === label}
          isExplained={share.index === explained}
          target={targetAt(store, share, rank < top.length ? rank : null)}
          onChoose={actions.chooseTarget}
        />
      ))}
    </ol>
  );
}

/** The target that a click asks for: the class, or its rank where only that can be asked; null where neither can. */
function targetAt(store: Store, { index }: ClassShare, rank: number | null): Target | null {
  const names = store.constants.value?.class_names ?? [];
  const ranked = rank === null ? [] : [rank === 0 ? "top" : `top-${rank + 1}`];
  const targets = [plainText(index, names) ?? index, ...ranked];
  return targets.find((target) => isAvailable(store, "target", target)) ?? null;
}

interface PredictionProps extends ClassShare {
  name: string;
  fullName: string;
  isTrue: boolean;
  isExplained: boolean;
  target: Target | null;
  onChoose(target: Target): void;
}

function PredictionBar({ name, fullName, probability, isTrue, isExplained, target, onChoose }: PredictionProps) {
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
        <span class="name">{name}</span>
        {isTrue && <span class="chip">true</span>}
        <span class="figure">{probability === null ? "" : percent(probability)}</span>
        {probability !== null && <span class="share" style={{ "--share": probability }} aria-hidden="true" />}
      </button>
    </li>
  );
}

/** Whether the prediction is the true class, by sign and in words; nothing where that is not known. */
export function TruthLine({ store, image }: { store: Store; image: number }) {
  const facts = store.facts.value;
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
  const facts = store.facts.value;
  const [best, second] = topClasses(store, image, 2);
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
