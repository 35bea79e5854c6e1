import { useComputed } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { isBlank, isUnlikely } from "../canvas/drawStyle";
import { Gestures } from "../canvas/gestures";
import { RegionSurface } from "../canvas/regionSurface";
import type { TileMap } from "../kernel/decode";
import { conceptsText } from "../state/concepts";
import { explainedIndex } from "../state/detections";
import { epochText } from "../state/epochs";
import { position, value } from "../state/format";
import { explainedText, imageName, isControl, methodTitle, notesOf, partialText, verdict } from "../state/labels";
import { modelOf } from "../state/models";
import { segmentationText, shownOverlay, showsMap } from "../state/segmentations";
import { mapOf, originalSize, type Picture, type Store, type TilePlace } from "../state/store";
import { DetectedBoxes } from "./detectedBoxes";
import type { StageProps } from "./props";
import { RegionChip, tileRegionText } from "./regionTools";

interface TileProps extends StageProps, TilePlace {
  /** Undefined until it has come. */
  picture: Picture | undefined;
  /** Where it lies in the grid, and how high its picture is, in pixels. */
  place: { left: number; top: number; width: number; height: number };
  /** Its caption. */
  children: ComponentChildren;
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
  return `peak ${value(negative ? lo : hi)} at ${position(place, originalSize(picture))}`;
}

const inFull = (outcome: string) => (outcome.startsWith("predicted ") ? outcome : `predicted ${outcome}`);

const FAINT_TEXT = "unlikely, drawn faint";
const FAINT_TITLE = "The model gives this class less than 1 %: the map shows what little speaks for it.";
const isFaint = (store: Store, map: TileMap) => isUnlikely(map) && !isBlank(store, map);

/** A tile in words, for those who do not see it. */
function describe(store: Store, picture: Picture | undefined, tile: TilePlace, map: TileMap | undefined): string {
  const { image } = tile;
  const outcome = verdict(store, tile);
  const source = [
    imageName(store, image),
    epochText(store),
    outcome && inFull(outcome),
    picture?.problem && `no picture: ${picture.problem}`,
  ];
  if (!map || !picture) return [...source, "no map yet"].filter(Boolean).join(", ");
  const seen = segmentationText(store, image);
  if (shownOverlay(store) === "prediction") return [...source, seen].filter(Boolean).join(", ");
  if (shownOverlay(store) === "concepts") {
    return [...source, conceptsText(store, tile)].filter(Boolean).join(", ");
  }
  const { item } = map;
  const explained = `${explainedText(store, item)} ${tileRegionText(store, item)}`.trim();
  const what = [modelOf(store, tile.column), methodTitle(store, item.method), store.layerName(item.layer), explained];
  const strongest = isBlank(store, map)
    ? []
    : [peak(store, picture, map), isUnlikely(map) && FAINT_TEXT, partialText(item)];
  return [...what, ...source, ...strongest, seen, ...notesOf(store, item)].filter(Boolean).join(", ");
}

/** How far a map is that is not finished, and whether there is something to be said of it. */
function Badges({ store, map }: { store: Store; map: TileMap }) {
  const notes = notesOf(store, map.item).join("\n");
  return (
    <div class="badges" aria-hidden="true">
      {map.item.partial && <span class="partial">{partialText(map.item)}</span>}
      {isFaint(store, map) && (
        <span class="faint" title={FAINT_TITLE}>
          {FAINT_TEXT}
        </span>
      )}
      {isControl(map.item) && <span class="faint">control</span>}
      {notes && (
        <span class="mark" title={notes}>
          !
        </span>
      )}
    </div>
  );
}

export function Tile({ store, actions, stage, picture, image, column, place, children }: TileProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const readout = useRef<HTMLDivElement>(null);
  const map = useComputed(() => mapOf(store, { image, column })).value;
  const isZoomed = useComputed(() => !store.viewOf(image).isIdentity).value;
  useEffect(() => {
    if (!canvas.current || !readout.current) return;
    const surface = new RegionSurface(store, actions, { image, column });
    const gestures = new Gestures(canvas.current, { image, column }, store, actions, undefined, [surface]);
    const detach = stage.attach({ canvas: canvas.current, readout: readout.current, image, column });
    return () => {
      gestures.close();
      detach();
    };
  }, [image, column]);

  const isHidden = !showsMap(store);
  return (
    <div
      class="tile"
      data-kx-tile=""
      data-image={image}
      data-column={column}
      data-zoomed={isZoomed || undefined}
      data-partial={map?.item.partial || undefined}
      data-selected={store.traits.selected.value.includes(image) || undefined}
      style={{
        left: `${place.left}px`,
        top: `${place.top}px`,
        width: `${place.width}px`,
        "--height": `${place.height}px`,
      }}
    >
      <canvas ref={canvas} role="img" tabIndex={0} aria-label={describe(store, picture, { image, column }, map)} />
      {picture?.problem && (
        <div class="absent" aria-hidden="true">
          No picture: {picture.problem}
        </div>
      )}
      {map && !isHidden && isBlank(store, map) && (
        <div class="silence" aria-hidden="true">
          <p>{map.item.notes[0]}</p>
        </div>
      )}
      {picture && <DetectedBoxes {...{ store, actions, image, picture }} aspect={place.width / place.height} />}
      {map && !isHidden && <Badges store={store} map={map} />}
      {explainedIndex(store, image) < 0 && <RegionChip {...{ store, actions, image, column }} />}
      <div class="readout" aria-hidden="true" ref={readout} hidden />
      {children}
    </div>
  );
}
