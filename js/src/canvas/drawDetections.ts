/** What is detected in an image, over its exported picture. */

import type { Rect, Transform } from "../math/transform";
import { explainedIndex, isLabelledRight, labelOf, placeOf, shownDetections } from "../state/detections";
import type { Detection, Picture, Store } from "../state/store";
import { type ExportContext, font, write } from "./captions";
import { strokeTwice } from "./lines";

/** Sizes beside a tile of the least size. */
const TEXT = 11;
const LINE = 16;
const PADDING = 4;
const COLOURS = { line: "#fff", below: "rgb(0 0 0 / 0.6)", label: "rgb(0 0 0 / 0.72)", width: 1 };
const EXPLAINED = { line: "#4d86ff", below: "#fff", label: "#225cd8", width: 2 };

/** Draws the boxes that tiles show, the most probable above others, and above all the one that is explained. */
export function drawDetections(
  context: ExportContext,
  rect: Rect,
  store: Store,
  { image, picture, view, unit }: { image: number; picture: Picture; view: Transform; unit: number },
): void {
  const shown = shownDetections(store, image);
  if (shown.length === 0) return;
  const explained = shown[explainedIndex(store, image)];
  const upwards = shown.filter((detection) => detection !== explained).reverse();
  context.save();
  context.beginPath();
  context.rect(rect.x, rect.y, rect.width, rect.height);
  context.clip();
  for (const detection of explained ? [...upwards, explained] : upwards) {
    drawDetection(context, rect, store, { detection, isExplained: detection === explained, picture, view, unit });
  }
  context.restore();
}

interface Drawn {
  detection: Detection;
  isExplained: boolean;
  picture: Picture;
  view: Transform;
  unit: number;
}

function drawDetection(context: ExportContext, rect: Rect, store: Store, drawn: Drawn): void {
  const { detection, isExplained, picture, view, unit } = drawn;
  const { line, below, label, width } = isExplained ? EXPLAINED : COLOURS;
  const place = placeOf(picture, view, detection);
  const [left, top, right, bottom] = place.map((at, i) =>
    i % 2 ? rect.y + rect.height * at : rect.x + rect.width * at,
  );
  context.beginPath();
  context.rect(left, top, right - left, bottom - top);
  strokeTwice(context, [(width + 2) * unit, below], [width * unit, line]);

  // The label stays in the picture where the box begins or ends outside of it.
  const [from, to, y] = [Math.max(left, rect.x), Math.min(right, rect.x + rect.width), Math.max(top, rect.y)];
  if (from >= rect.x + rect.width || to <= rect.x || y >= rect.y + rect.height || bottom <= rect.y) return;
  const isRight = isLabelledRight(picture, detection);
  const padding = PADDING * unit;
  context.font = font(TEXT * unit);
  const text = labelOf(store, detection).join(" ");
  const space = isRight ? to - rect.x : rect.x + rect.width - from;
  const length = Math.min(context.measureText(text).width + 2 * padding, space);
  const start = isRight ? to - length : from;
  context.fillStyle = label;
  context.fillRect(start, y, length, LINE * unit);
  context.fillStyle = "#fff";
  write(context, text, start + padding, y + 12 * unit, length - 2 * padding);
}
