import { useComputed } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { isBlank, isUnlikely } from "../canvas/drawStyle";
import { Gestures } from "../canvas/gestures";
import type { TileMap } from "../kernel/decode";
import { isRight } from "../state/filterSort";
import { lastSegment, percent, position, value } from "../state/format";
import { imageName, methodTitle, notesOf, verdict } from "../state/labels";
import { mapOf, type Picture, type Store, type TilePlace } from "../state/store";
import type { StageProps } from "./props";

interface TileProps extends StageProps, TilePlace {
  /** Undefined until it has come. */
  picture: Picture | undefined;
  /** Some pictures have names, so that all rows leave room for one. */
  named: boolean;
  /** Some true classes are known, and all rows are to be equally high. */
  marked: boolean;
}

/** The strongest value of a map under the chosen sign and the pixel of the picture it lies at. */
function peak(store: Store, picture: Picture, map: TileMap): string {
  const { lo, hi, loAt, hiAt } = map.extent;
  const negative = store.signOf(map) !== "positive" && -lo > hi;
  const at = negative ? loAt : hiAt;
  if (at < 0) return "nothing computed yet";
  const [h, w] = map.item.shape;
  const [left, top, right, bottom] = picture.box;
  const place = {
    x: left + (((at % w) + 0.5) / w) * (right - left),
    y: top + ((Math.floor(at / w) + 0.5) / h) * (bottom - top),
  };
  return `peak ${value(negative ? lo : hi)} at ${position(place, picture)}`;
}

const inFull = (outcome: string) => (outcome.startsWith("predicted ") ? outcome : `predicted ${outcome}`);

const FAINT_TEXT = "unlikely, drawn faint";
const FAINT_TITLE = "The model gives this class less than 1 %: the map shows what little speaks for it.";
const isFaint = (store: Store, map: TileMap) => isUnlikely(map) && !isBlank(store, map);

/** A tile in words, for those who do not see it. */
function describe(store: Store, picture: Picture | undefined, image: number, map: TileMap | undefined): string {
  const outcome = verdict(store, image);
  const source = [
    imageName(store, image),
    outcome && inFull(outcome),
    picture?.problem && `no picture: ${picture.problem}`,
  ];
  if (!map || !picture) return [...source, "no map yet"].filter(Boolean).join(", ");
  const { item } = map;
  const what = [methodTitle(store, item.method), store.layerName(item.layer), item.target_name];
  const strongest = isBlank(store, map)
    ? []
    : [peak(store, picture, map), isUnlikely(map) && FAINT_TEXT, item.partial && "not finished"];
  return [...what, ...source, ...strongest, ...notesOf(store, item)].filter(Boolean).join(", ");
}

export function Tile({ store, actions, stage, picture, image, column, named, marked }: TileProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const readout = useRef<HTMLDivElement>(null);
  const map = useComputed(() => mapOf(store, { image, column })).value;
  useEffect(() => {
    if (!canvas.current || !readout.current) return;
    const gestures = new Gestures(canvas.current, { image, column }, store, actions);
    const detach = stage.attach({ canvas: canvas.current, readout: readout.current, image, column });
    return () => {
      gestures.close();
      detach();
    };
  }, [image, column]);

  const outcome = verdict(store, image, map?.item.target);
  return (
    <div
      class="tile"
      data-kx-tile=""
      data-image={image}
      data-column={column}
      data-partial={map?.item.partial || undefined}
      data-selected={store.traits.selected.value.includes(image) || undefined}
    >
      <canvas ref={canvas} role="img" tabIndex={0} aria-label={describe(store, picture, image, map)} />
      {picture?.problem && (
        <div class="absent" aria-hidden="true">
          No picture: {picture.problem}
        </div>
      )}
      {map && isBlank(store, map) && (
        <div class="silence" aria-hidden="true">
          <p>{map.item.notes[0]}</p>
        </div>
      )}
      {map && isFaint(store, map) && (
        <div class="faint" aria-hidden="true" title={FAINT_TITLE}>
          {FAINT_TEXT}
        </div>
      )}
      <div class="readout" aria-hidden="true" ref={readout} hidden />
      {captionOf(store, map)}
      {column === 0 && named && (
        <div class="source" title={picture?.name}>
          {lastSegment(picture?.name ?? "") || "\u00a0"}
        </div>
      )}
      {column === 0 && (outcome || marked) && (
        <Verdict text={outcome} right={isRight(store.facts.value, image) === true} />
      )}
    </div>
  );
}

/** The class that a map explains, and its probability or score. */
function captionOf(store: Store, map: TileMap | undefined) {
  const name = map?.item.target_name ?? (store.status.value === "running" ? "computing…" : "");
  const { probability = null, score = null } = map?.item ?? {};
  const notes = map && notesOf(store, map.item).join("\n");
  return (
    <div class="caption">
      <span class="name" title={name}>
        {name || "\u00a0"}
      </span>
      <span class="figure">
        {map && (probability === null ? value(score) : percent(probability))}
        {notes && (
          <span class="mark" title={notes} aria-hidden="true">
            !
          </span>
        )}
      </span>
    </div>
  );
}

/** The sign says it to those who do not see the colour, the words to those who see neither. */
function Verdict({ text, right }: { text: string; right: boolean }) {
  return (
    <div class="verdict" data-right={right || undefined} title={text && inFull(text)}>
      <span aria-hidden="true">{text && (right ? "✓ " : "✗ ")}</span>
      {text || "\u00a0"}
    </div>
  );
}
