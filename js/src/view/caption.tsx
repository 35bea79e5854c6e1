import type { TileMap } from "../kernel/decode";
import { explainedFigure, explainedKind, predictedWord } from "../state/figures";
import { isRight } from "../state/filterSort";
import { lastSegment } from "../state/format";
import { briefExplainedText, className, explainedText, imageName, truthText } from "../state/labels";
import { AGREEMENT_TITLE, agreementLine, comparesModels, factsAt, isOtherClass, modelOf } from "../state/models";
import { shownOverlay } from "../state/segmentations";
import { mapOf, type Picture, type Store, type TilePlace } from "../state/store";
import { bestFigure } from "../state/topClasses";
import { isContactSheet } from "./gridLayout";
import { Mark } from "./mark";
import { Shortened } from "./shortened";

/** Pixels of a line, and between a picture and its caption. */
const [LINE, SPACE] = [20, 4];
const EVIDENCE = 12;

/** Which lines the captions of a view have; all rows have the same ones, so that they stay in line. */
export interface CaptionLines {
  /** What the model predicts, of each tile or of the row. */
  predicted: boolean;
  /** The class that a map explains, where it may be another one; in each column where classes are compared. */
  explained: boolean;
  /** What the true class says of the prediction. */
  truth: boolean;
  /** The name of the file. */
  name: boolean;
  compared: "none" | "classes" | "models" | "other";
  /** How far a map can be believed, where that is measured: its line is there before. */
  evidence: boolean;
}

export function captionLines(store: Store): CaptionLines {
  const columns = store.answer.value?.columns ?? [];
  const { predicted, labels } = store.facts.value;
  const pictures = store.traits._images.value;
  const isStored = store.stored.value !== null;
  const isBrief = !isStored && isContactSheet(store.rows.value.length, store.tileHeight.value);
  const compared = columns.length < 2 ? "none" : comparedKind(store);
  return {
    predicted: predicted.length > 0,
    explained: predicted.length === 0 || compared === "classes" || columns.some(({ target }) => target !== "top"),
    truth: labels.length > 0,
    name: isStored || (pictures.some(({ name }) => name !== "") && !(isBrief && compared === "none")),
    compared,
    // What is measured is measured of maps, not of concepts.
    evidence:
      shownOverlay(store) !== "concepts" && !isStored && (!store.available.value || store.evidence.value.size > 0),
  };
}

function comparedKind(store: Store): CaptionLines["compared"] {
  if (comparesModels(store)) return "models";
  return store.traits.compare.value === "targets" ? "classes" : "other";
}

/** Pixels of a caption below its picture. */
export function captionHeight({ predicted, explained, truth, name, compared, evidence }: CaptionLines): number {
  const lines = {
    none: [predicted, explained, truth, name],
    classes: [predicted || truth || name, true],
    models: [predicted, explained, truth, true],
    other: [true],
  }[compared];
  return SPACE + LINE * lines.filter(Boolean).length + (evidence ? EVIDENCE : 0);
}

/** Pixels that "predicted" and a figure take beside a name, and a letter of the name in a wide font. */
const [BESIDE_NAME, LETTER] = [120, 9];

/** The class with the highest score; where there is little room its name goes before all else. */
function Prediction({ store, image, column, width }: TilePlace & { store: Store; width: number }) {
  const { predicted } = factsAt(store, column);
  const isKnown = image < predicted.length;
  const full = isKnown ? className(store, predicted[image]) : "";
  const name = isKnown ? (store.briefNames.value[predicted[image]] ?? full) : "";
  const figure = name && bestFigure(store, image, column);
  const isOther = isOtherClass(store, image, column);
  const word = predictedWord(store);
  const hasRoom = width > BESIDE_NAME + LETTER * name.length;
  return (
    <div class="caption predicted" title={full && `${word} ${full} ${figure}`}>
      {isOther && <Mark text={`Another class than ${modelOf(store, 0)}`} sign="≠" />}
      <span class="name">
        {name && hasRoom && <span class="word">{word} </span>}
        {name || "\u00a0"}
      </span>
      <span class="figure">{figure}</span>
    </div>
  );
}

/** The class that a map explains, with its probability or score. */
function Explained({ store, map }: { store: Store; map: TileMap | undefined }) {
  const isPredicted = map && map.item.target === factsAt(store, map.item.column).predicted[map.item.image];
  const full = map ? explainedText(store, map.item) : store.status.value === "running" ? "computing…" : "";
  const name = map ? briefExplainedText(store, map.item) : full;
  const figure = map && explainedFigure(map.item);
  return (
    <div
      class="caption explained"
      data-value={(map && map.item.unit !== null) || undefined}
      title={map && `The map explains ${full}; ${figure} is ${explainedKind(store, map.item)}`}
    >
      <span class={map ? "class" : "name"} data-other={!isPredicted || undefined}>
        {name || "\u00a0"}
      </span>
      <span class="figure">{figure}</span>
    </div>
  );
}

/** Its shape says it to those who do not see the colour, the words to those who see neither. */
function Truth({ store, image, column }: TilePlace & { store: Store }) {
  const text = truthText(store, { image, column });
  const right = isRight(factsAt(store, column), image) === true;
  return (
    <div class="verdict" data-right={right || undefined} title={text}>
      <span aria-hidden="true">{text && (right ? "✓ " : "✗ ")}</span>
      {text || "\u00a0"}
    </div>
  );
}

function Source({ store, image }: { store: Store; image: number }) {
  const picture = store.traits._images.value[image] as Picture | undefined;
  const names = picture ? [picture, ...Object.values(picture.inputs ?? {})].map(({ name }) => name) : [];
  return (
    <div class="source" title={names.join(", ")}>
      <Shortened text={names.map(lastSegment).filter(Boolean).join(" · ") || "\u00a0"} />
    </div>
  );
}

interface CaptionProps extends TilePlace {
  store: Store;
  lines: CaptionLines;
  /** Pixels that there are for it. */
  width: number;
}

/** What stands below a tile: in a comparison only what is the tile's own. */
export function Caption({ store, lines, image, column, width }: CaptionProps) {
  const map = mapOf(store, { image, column });
  const isOther = !lines.predicted || map?.item.target !== factsAt(store, column).predicted[image];
  if (lines.compared === "classes") return <Explained store={store} map={map} />;
  if (lines.compared === "other") return null;
  return (
    <>
      {lines.predicted && <Prediction {...{ store, image, column, width }} />}
      {lines.explained && isOther && <Explained store={store} map={map} />}
      {lines.truth && <Truth store={store} image={image} column={column} />}
      {lines.name && lines.compared === "none" && <Source store={store} image={image} />}
    </>
  );
}

/** How far the maps of other models agree with the first one's. */
function AgreementCaptions({ store, image }: { store: Store; image: number }) {
  const columns = store.answer.value?.columns ?? [];
  return columns.slice(1).map(({ model }, at) => (
    <span class="caption" key={model} title={AGREEMENT_TITLE}>
      <span class="figure">
        {columns.length > 2 && `${model}: `}
        {agreementLine(store, image, at + 1) || "\u00a0"}
      </span>
    </span>
  ));
}

/** What all tiles of a row have in common. */
export function RowCaption({ store, lines, image, width }: Omit<CaptionProps, "column">) {
  const map = mapOf(store, { image, column: 0 });
  const isOther = map && map.item.target !== store.facts.value.predicted[image];
  if (lines.compared === "models") {
    return (
      <div class="row-caption" role="group" aria-label={imageName(store, image)}>
        <AgreementCaptions store={store} image={image} />
        {lines.name && <Source store={store} image={image} />}
      </div>
    );
  }
  return (
    <div class="row-caption" role="group" aria-label={imageName(store, image)}>
      {lines.predicted && <Prediction {...{ store, image, width }} column={0} />}
      {lines.compared === "other" && lines.explained && isOther && <Explained store={store} map={map} />}
      {lines.truth && <Truth store={store} image={image} column={0} />}
      {lines.name && <Source store={store} image={image} />}
    </div>
  );
}
