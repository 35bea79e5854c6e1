import { useComputed } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { isRight } from "../arrange";
import { attachGestures } from "../canvas/gestures";
import { isSilent } from "../canvas/overlay";
import { lastSegment, percent, position, value } from "../format";
import { imageName, notesOf, verdict } from "../naming";
import { layerName, type Picture, type Store, type TileMap, tileKey } from "../store";
import type { Parts } from "./app";
import { KEYS } from "./field";

interface Props extends Parts {
  /** Undefined until it has come. */
  picture: Picture | undefined;
  image: number;
  column: number;
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

const absence = (picture: Picture | undefined) =>
  picture?.problem ? `, no picture: ${picture.problem}` : "";

function describe(
  store: Store,
  picture: Picture | undefined,
  image: number,
  map: TileMap | undefined,
): string {
  const outcome = verdict(store, image) && `, ${inFull(verdict(store, image))}`;
  const who = `${imageName(store, image)}${outcome}${absence(picture)}`;
  if (!map || !picture) return `${who}, no map yet`;
  const { item } = map;
  const title =
    store.welcome.value?.catalogue.find((entry) => entry.id === item.method)?.title ?? item.method;
  const partial = item.partial ? ", not finished" : "";
  const what = [title, layerName(store, item.layer), item.target_name, who];
  const said = [!isSilent(store, map) && peak(store, picture, map) + partial, ...notesOf(store, item)];
  return [...what, ...said].filter(Boolean).join(", ");
}

export function Tile({ store, actions, stage, picture, image, column, named, marked }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const readout = useRef<HTMLDivElement>(null);
  const map = useComputed(() => store.answer.value?.tiles.get(tileKey(image, column))).value;

  useEffect(() => {
    if (!canvas.current || !readout.current) return;
    const release = attachGestures(canvas.current, { image, column }, store, actions);
    const detach = stage.attach({ canvas: canvas.current, readout: readout.current, image, column });
    return () => {
      release();
      detach();
    };
  }, [image, column]);

  const chosen = store.traits.selected.value.includes(image);
  const figure = map
    ? map.item.probability === null
      ? value(map.item.score)
      : percent(map.item.probability)
    : "";
  const name = map?.item.target_name ?? (store.status.value === "running" ? "computing…" : "");
  const notes = map && notesOf(store, map.item).join("\n");
  const outcome = verdict(store, image, map?.item.target);
  return (
    <div
      class="tile"
      data-kx-tile=""
      data-image={image}
      data-column={column}
      data-partial={map?.item.partial || undefined}
      data-selected={chosen || undefined}
    >
      <canvas
        ref={canvas}
        role="img"
        tabIndex={0}
        aria-label={describe(store, picture, image, map)}
        {...KEYS}
      />
      {picture?.problem && (
        <div class="absent" aria-hidden="true">
          No picture: {picture.problem}
        </div>
      )}
      {map && isSilent(store, map) && (
        <div class="silence" aria-hidden="true">
          <p>{map.item.notes[0]}</p>
        </div>
      )}
      <div class="readout" aria-hidden="true" ref={readout} hidden />
      <div class="caption">
        <span class="name" title={name}>
          {name || "\u00a0"}
        </span>
        <span class="figure">
          {figure}
          {notes && (
            <span class="mark" title={notes} aria-hidden="true">
              !
            </span>
          )}
        </span>
      </div>
      {column === 0 && named && (
        <div class="source" title={picture?.name}>
          {lastSegment(picture?.name ?? "") || "\u00a0"}
        </div>
      )}
      {column === 0 && (outcome || marked) && (
        <Verdict text={outcome} right={isRight(store.known.value, image) === true} />
      )}
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
