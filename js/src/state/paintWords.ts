/** What is painted and what the model says of it, in plain words. */

import type { PaintedImage } from "../kernel/protocol";
import { countOf } from "../math/mask";
import { changeText, tellsValues } from "./figures";
import { wholePercent } from "./format";
import { briefExplainedText, briefName } from "./labels";
import { mapShare } from "./paintedMap";
import type { PaintAnswer } from "./painting";
import { mapOf, type Store, type TilePlace } from "./store";

/** How much of the picture is painted, and how much of its map. */
export function sharesText(store: Store, place: TilePlace): string {
  const { mask, keep, isEmpty } = store.painting;
  if (isEmpty.value) return "Nothing is painted: paint on the large picture, or take the map’s top.";
  const act = keep.value ? "You kept" : "You covered";
  const share = countOf(mask.value) / mask.value.pixels.length;
  const text = `${act} ${wholePercent(share)} of the picture`;
  const map = mapOf(store, place);
  if (!map) return text;
  const ofMap = mapShare(map, mask.value);
  if (ofMap === null) return `${text}; the map has nothing positive to be part of`;
  return `${text}, ${wholePercent(ofMap)} of the map`;
}

/** What became of what the map explains, and of the prediction. */
export function outcomeText(store: Store, { question, message }: PaintAnswer): string {
  const record = message.images[0];
  if (message.problem || !record) return message.problem;
  const loss = lossText(store, record, message.value, question);
  return tellsValues(store) ? loss : `${loss} ${predictionText(store, record)}`;
}

function lossText(
  store: Store,
  record: PaintedImage,
  unit: "probability" | "score",
  { images, column }: PaintAnswer["question"],
): string {
  const { before, after, lost } = record;
  if (before === null || after === null) return "the map explains nothing here.";
  const map = mapOf(store, { image: images[0], column });
  const name = map ? briefExplainedText(store, map.item) : "what is explained";
  const change = changeText(record, unit, map?.item);
  if (map && map.item.unit !== null) return `${name} went ${change}.`;
  if (lost === null) {
    const why = unit === "score" ? "; covering all hardly lowers it, so that parts of it tell nothing" : "";
    return `the ${unit} of ${name} went ${change}${why}.`;
  }
  if (lost <= -0.005) return `the ${unit} of ${name} rose, ${change}.`;
  const of = unit === "score" ? " of what covering all of it takes" : "";
  return `the ${unit} of ${name} lost ${wholePercent(Math.max(0, lost))}${of} (${change}).`;
}

/** Whether an image is predicted as before. */
export const keepsClass = ({ best_before, best_after }: PaintedImage): boolean => best_before === best_after;

function predictionText(store: Store, record: PaintedImage): string {
  const before = briefName(store, record.best_before);
  if (keepsClass(record)) return `The prediction stays ${before}.`;
  return `The prediction turns from ${before} into ${briefName(store, record.best_after)}.`;
}

/** How many of several images kept their class, and what they lost on average. */
export function allText(store: Store, { message }: PaintAnswer): string {
  const { images, asked, problem } = message;
  if (problem) return problem;
  if (asked === 0 || images.length === 0) return "None of these images can be read.";
  const unchanged = images.filter(keepsClass).length;
  const losses = images.flatMap(({ lost }) => (lost === null ? [] : [lost]));
  const mean = losses.reduce((sum, lost) => sum + lost, 0) / losses.length;
  const words = mean < 0 ? `gained ${wholePercent(-mean)}` : `lost ${wholePercent(mean)}`;
  const of = losses.length < images.length ? ` of the ${losses.length} where that can be told` : "";
  const unit =
    message.value === "probability"
      ? "probability"
      : `${tellsValues(store) ? "value" : "score"}, of what covering all takes`;
  const average =
    losses.length === 0 ? "What they lost cannot be told" : `On average${of} what is explained ${words} of its ${unit}`;
  const so = images.length < asked ? ` so far, of ${asked}` : "";
  const classes = tellsValues(store) ? "" : `${unchanged} of ${images.length} images${so} kept their class. `;
  return `${classes}${average}.`;
}
