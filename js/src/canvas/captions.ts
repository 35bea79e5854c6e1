/** What is written below the tiles of an exported picture. */

import type { Rect } from "../math/transform";
import { type EvidenceState, evidenceOf, headlineOf, SHAPES, STATES } from "../state/evidence";
import { explainedFigure, predictedWord } from "../state/figures";
import { isRight } from "../state/filterSort";
import { className, explainedText, imageName, partialText, truthText } from "../state/labels";
import { agreementLine, comparesModels, factsAt } from "../state/models";
import { mapOf, type Store, type TilePlace } from "../state/store";
import { bestFigure } from "../state/topClasses";

export type ExportContext = OffscreenCanvasRenderingContext2D;

/** Height of a line beside a tile of the least size, and the size of its text. */
export const LINE = 20;
const TEXT = 13;
const MARK = 12;
export const INK = "#1d2330";
export const PALE = "#5f677a";
/** On white. */
const INKS: Readonly<Record<EvidenceState, string>> = {
  holds: "#14764a",
  weak: "#a65300",
  unknown: PALE,
  unmeasured: PALE,
};

export const font = (size: number, weight = 400) => `${weight} ${size}px system-ui, "Segoe UI", sans-serif`;

/** A line of a caption: words, and a figure at its end, or a mark before them. */
export interface CaptionLine {
  text: string;
  figure: string;
  isPale: boolean;
  mark?: EvidenceState;
  /** How far to the right it begins. */
  indent?: number;
}

/** Writes into a width, with an ellipsis where the text is longer. */
export function write(
  context: ExportContext,
  text: string,
  x: number,
  y: number,
  width: number,
  align: CanvasTextAlign = "left",
) {
  let shown = text;
  while (shown.length > 1 && context.measureText(shown).width > width) shown = `${shown.slice(0, -2)}…`;
  context.textAlign = align;
  context.fillText(shown, align === "right" ? x + width : x, y);
}

/** A text in lines of a width, broken between words, or inside one that is wider. */
export function wrapped(measure: (text: string) => number, text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line ? `${line} ${word}` : word;
    if (measure(longer) <= width) {
      line = longer;
      continue;
    }
    if (line) lines.push(line);
    line = "";
    for (const letter of word) {
      if (line && measure(line + letter) > width) {
        lines.push(line);
        line = "";
      }
      line += letter;
    }
  }
  return line ? [...lines, line] : lines;
}

/** What stands below a tile: what the map explains and, in the first column, what the picture shows. */
export function captionOf(store: Store, { image, column }: TilePlace, shown: readonly number[]): CaptionLine[] {
  const facts = factsAt(store, column);
  const best = facts.predicted[image];
  const item = mapOf(store, { image, column })?.item;
  const lines: CaptionLine[] = [];
  const add = (text: string, figure = "", isPale = false) => text && lines.push({ text, figure, isPale });
  // Of several models each tells its own prediction.
  const isFirst = column === shown[0] || comparesModels(store);
  const figure = item && explainedFigure(item);
  const word = predictedWord(store);
  const isPredicted = item?.target === best && isFirst;
  if (item && isPredicted) add(`${word} ${item.target_name}`, bestFigure(store, image, column) || figure);
  else if (item) add(explainedText(store, item), figure);
  if (item) add(partialText(item), "", true);
  if (!isFirst) return lines;
  if (best !== undefined && best !== item?.target)
    add(`${word} ${className(store, best)}`, bestFigure(store, image, column), true);
  const right = isRight(facts, image);
  add(right === null ? "" : `${right ? "✓" : "✗"} ${truthText(store, { image, column })}`, "", true);
  if (column === shown[0]) add(imageName(store, image), "", true);
  else add(agreementLine(store, image, column), "", true);
  return lines;
}

/** The state of a map's evidence and its whole sentence, in as many lines as it takes. */
export function evidenceLines(
  context: ExportContext,
  store: Store,
  tile: TilePlace,
  width: number,
  unit: number,
): CaptionLine[] {
  const record = evidenceOf(store, tile);
  const mark = record?.state ?? "unmeasured";
  const text = record ? `${STATES[mark]}: ${record.verdict}` : headlineOf(store, tile) || STATES[mark];
  const indent = (MARK + 5) * unit;
  context.font = font(TEXT * unit);
  const lines = wrapped((each) => context.measureText(each).width, text, width - indent);
  return lines.map((line, at) => ({
    text: line,
    figure: "",
    isPale: false,
    indent,
    mark: at === 0 ? mark : undefined,
  }));
}

export function drawCaption(
  context: ExportContext,
  lines: readonly CaptionLine[],
  { x, y, width, height }: Rect,
  unit: number,
) {
  context.font = font(TEXT * unit);
  for (const [number, { text, figure, isPale, mark, indent = 0 }] of lines.entries()) {
    const baseline = y + height + (16 + LINE * number) * unit;
    if (mark) drawMark(context, mark, x, baseline - 10 * unit, unit);
    context.fillStyle = PALE;
    write(context, figure, x, baseline, width, "right");
    context.fillStyle = isPale ? PALE : INK;
    const space = figure ? context.measureText(figure).width + 8 * unit : 0;
    write(context, text, x + indent, baseline, width - indent - space);
  }
}

function drawMark(context: ExportContext, mark: EvidenceState, x: number, y: number, unit: number): void {
  context.save();
  context.translate(x, y);
  context.scale(unit, unit);
  context.strokeStyle = INKS[mark];
  context.lineWidth = 1.4;
  context.lineCap = "round";
  context.lineJoin = "round";
  context.setLineDash(mark === "unmeasured" ? [1.6, 2.2] : []);
  context.stroke(new Path2D(SHAPES[mark]));
  context.restore();
}
