/** A training as it goes on, and a way back through its epochs. */

import type { Binary, PredictionTable } from "../kernel/decode";
import { answerOf, type Moment, predictionsAt, withEpochs } from "../kernel/epochTable";
import type { EpochFigure, Epochs } from "../kernel/protocol";
import type { CurrentAnswer } from "./currentAnswer";
import { chosenTile, type Store } from "./store";

/** The moments whose maps can be shown; the last is that of the answer as it is now. */
export const shownMoments = (store: Store): readonly Moment[] =>
  (store.epochs.value?.moments ?? []).filter(({ bytes }) => bytes.byteLength > 0);

/** Where the slider is among them. */
export function momentPlace(store: Store): number {
  const moments = shownMoments(store);
  const place = moments.findIndex(({ record }) => record.number === store.epochShown.value);
  return place < 0 ? moments.length - 1 : place;
}

/** The moment that is shown, null without any. */
export const momentShown = (store: Store): Moment | null => shownMoments(store)[momentPlace(store)] ?? null;

/** What is said of an earlier epoch that is shown, "" where the answer is that of the weights as they are. */
export const epochText = (store: Store): string =>
  store.epochShown.value === null ? "" : (momentShown(store)?.record.words ?? "");

/** A number of the tile in focus over time, as far as it is known. */
export interface EpochCurve {
  figure: EpochFigure;
  epochs: number[];
  values: number[];
  /** At the moment that is shown. */
  now: number | null;
}

export function epochCurves(store: Store): EpochCurve[] {
  const { image, column } = chosenTile(store);
  const numberOf = (figure?: EpochFigure) => figure?.values[image]?.[column] ?? null;
  const moments = store.epochs.value?.moments ?? [];
  const figures = new Map(moments.flatMap(({ record }) => record.figures.map((figure) => [figure.name, figure])));
  const shown = momentShown(store);
  return [...figures.values()].map((figure) => {
    const at = ({ record }: Moment) => numberOf(record.figures.find(({ name }) => name === figure.name));
    const known = moments.flatMap((moment): [number, number][] => {
      const value = at(moment);
      return value === null ? [] : [[moment.record.epoch, value]];
    });
    return {
      figure,
      epochs: known.map(([epoch]) => epoch),
      values: known.map(([, value]) => value),
      now: shown && at(shown),
    };
  });
}

/** Shows earlier epochs in the place of the answer, which goes on behind them. */
export class EpochViewer {
  /** What is predicted with the weights as they are. */
  private predictions: PredictionTable | null = null;

  constructor(
    private readonly store: Store,
    private readonly current: CurrentAnswer,
  ) {}

  receive(message: Epochs, buffers: readonly Binary[]): void {
    const { epochs, epochShown } = this.store;
    epochs.value = withEpochs(epochs.peek(), message, buffers);
    // The one that is looked at may have had to make room.
    const shown = epochShown.peek();
    if (shown !== null && !shownMoments(this.store).some(({ record }) => record.number === shown)) this.leave();
  }

  /** Takes over what is predicted now; `next` makes it of what was before. */
  predict(next: (before: PredictionTable | null) => PredictionTable | null): void {
    this.predictions = next(this.predictions);
    if (this.store.epochShown.peek() === null) this.store.predictions.value = this.predictions;
  }

  /** Shows the moment at this place of the slider; the last one is followed. */
  show(place: number): void {
    const moments = shownMoments(this.store);
    const moment = moments[Math.max(place, 0)];
    if (!moment || place >= moments.length - 1) {
      this.leave();
      return;
    }
    this.store.epochShown.value = moment.record.number;
    this.store.predictions.value = predictionsAt(moment);
    this.current.showInstead(answerOf(moment));
  }

  /** Shows the answer as it is now. */
  leave(): void {
    if (this.store.epochShown.peek() === null) return;
    this.store.epochShown.value = null;
    this.store.predictions.value = this.predictions;
    this.current.showAgain();
  }
}
