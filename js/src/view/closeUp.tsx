import { effect, type ReadonlySignal, type Signal, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { frameOf } from "../canvas/compose";
import { Gestures } from "../canvas/gestures";
import { MaskOverlay } from "../canvas/maskOverlay";
import { PaintSurface } from "../canvas/paintSurface";
import { RegionSurface } from "../canvas/regionSurface";
import { Transform, within } from "../math/transform";
import { missingCrop, missingParts } from "../state/crops";
import { explainedText, imageName, methodTitle } from "../state/labels";
import { chosenTile, mapOf, originalSize, type Picture, pictureAt, type Store } from "../state/store";
import { DetectedBoxes } from "./detectedBoxes";
import type { StageProps } from "./props";
import { setTo } from "./setTo";

/** Pixels of the screen, before its density counts, that one of the original takes when zoomed as far as can be. */
const LARGEST_PIXEL = 16;
const STEP = 1.5;
/** What the picture's frame may be wide for its height: of a taller one, the predictions would be out of sight. */
const TALLEST = 1.25;
const FLATTEST = 2;

interface CloseUpProps extends StageProps {
  image: number;
}

/** The image in focus with its map, as large as the panel, to be zoomed to the pixels of the original. */
export function CloseUp(props: CloseUpProps) {
  const { store, image } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const readout = useRef<HTMLDivElement>(null);
  const view = useSignal(Transform.identity);
  const isBare = useSignal(false);
  const imagePicture: Picture | undefined = store.traits._images.value[image];
  const picture: Picture | undefined = pictureAt(store, { image, column: chosenTile(store).column });
  const width = usePictureWidth(canvas, picture, view);
  useDrawing(props, canvas, readout, { ownView: view, isBare });
  // Of other inputs' pictures nobody has the original.
  useCrops(props, picture === imagePicture ? picture : undefined, view, width);

  const aspect = picture ? within(picture.width / picture.height, TALLEST, FLATTEST) : TALLEST;
  const item = mapOf(store, chosenTile(store))?.item;
  const zoomProps = picture && !picture.problem ? { store, view, width, picture, image } : null;
  const what = item ? `, with the map of ${methodTitle(store, item.method)} for ${explainedText(store, item)}` : "";
  return (
    <div class="close-up">
      <div class="frame">
        <canvas
          ref={canvas}
          role="img"
          tabIndex={0}
          aria-label={`${imageName(store, image)}, large${what}`}
          style={{ "--aspect": aspect }}
        />
        {picture?.problem && (
          <div class="absent" aria-hidden="true">
            No picture: {picture.problem}
          </div>
        )}
        {picture && (
          <DetectedBoxes key={image} {...{ store, actions: props.actions, image, picture, aspect }} ownView={view} />
        )}
        <div class="readout" aria-hidden="true" ref={readout} hidden />
        {zoomProps && <Resolution {...zoomProps} />}
      </div>
      {zoomProps && <Zoom {...zoomProps} isBare={isBare} />}
    </div>
  );
}

/** Pixels of the screen that the whole picture is wide before it is zoomed; begins each picture as a whole. */
function usePictureWidth(canvas: RefObject<HTMLCanvasElement>, picture: Picture | undefined, view: Signal<Transform>) {
  const width = useSignal(0);
  useLayoutEffect(() => {
    const element = canvas.current;
    if (!element || !picture) return;
    const measure = () => {
      const frame = frameOf(picture, element.clientWidth, element.clientHeight);
      width.value = frame.width * devicePixelRatio;
      const nearest = (LARGEST_PIXEL * originalSize(picture).width) / frame.width;
      if (view.peek().isIdentity && frame.width > 0) view.value = Transform.upTo(nearest);
    };
    view.value = Transform.identity;
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [picture]);
  return width;
}

function useDrawing(
  { store, actions, stage, image }: CloseUpProps,
  canvas: RefObject<HTMLCanvasElement>,
  readout: RefObject<HTMLDivElement>,
  { ownView, isBare }: { ownView: Signal<Transform>; isBare: ReadonlySignal<boolean> },
): void {
  const { column } = chosenTile(store);
  useEffect(() => {
    const element = canvas.current;
    if (!element || !readout.current) return;
    const tile = { image, column };
    const surfaces = [new PaintSurface(store, actions, tile), new RegionSurface(store, actions, tile)];
    const gestures = new Gestures(element, tile, store, actions, ownView, surfaces);
    const overlay = new MaskOverlay(store.painting);
    const detach = stage.attach({ ...tile, canvas: element, readout: readout.current, ownView, isBare, overlay });
    return () => {
      gestures.close();
      detach();
      // Until the next picture is there, this one must not be taken for it.
      element.width = 0;
    };
  }, [image, column]);
}

/** Asks for the pixels of the original that come into sight. */
function useCrops(
  { store, actions, image }: CloseUpProps,
  picture: Picture | undefined,
  view: Signal<Transform>,
  width: ReadonlySignal<number>,
): void {
  const { column } = chosenTile(store);
  useEffect(() => {
    if (!picture) return;
    return effect(() => {
      const [seen, pixels, answer] = [view.value, width.value, store.answer.value];
      if (store.status.value === "no-kernel" || pixels === 0) return;
      const map = mapOf(store, { image, column });
      const gen = answer?.gen ?? 0;
      actions.fetchCrop(image, column, () => missingParts(picture, map, gen, seen, pixels, cropOf(store, image)));
    });
  }, [picture, image, column]);
}

/** The crop of an image that is here. */
function cropOf(store: Store, image: number) {
  const crop = store.crop.value;
  return crop?.image === image && !crop.problem ? crop : null;
}

interface ZoomProps {
  store: Store;
  view: Signal<Transform>;
  width: ReadonlySignal<number>;
  picture: Picture;
  image: number;
}

function Zoom({ store, view, width, picture, image, isBare }: ZoomProps & { isBare: Signal<boolean> }) {
  const size = originalSize(picture);
  const seen = view.value;
  /** Pixels of the screen for each of the original. */
  const scale = (width.value * seen.k) / size.width;
  const zoom = (factor: number) => {
    const at = store.crosshairOf(image);
    view.value = seen.zoom(factor, at ? seen.apply(at) : undefined);
  };
  return (
    <div class="zoom" role="group" aria-label="Zoom">
      <button
        type="button"
        aria-label="Zoom out"
        title="Zoom out"
        aria-disabled={seen.isIdentity}
        onClick={() => zoom(1 / STEP)}
      >
        −
      </button>
      <button
        type="button"
        aria-label="Zoom in"
        title="Zoom in"
        aria-disabled={seen.k >= seen.nearest}
        onClick={() => zoom(STEP)}
      >
        +
      </button>
      <button
        type="button"
        aria-label="Original pixels, 1:1"
        title="One pixel of the original for each of the screen"
        aria-pressed={Math.abs(scale - 1) < 0.01}
        onClick={() => zoom(1 / scale)}
      >
        1:1
      </button>
      <button
        type="button"
        aria-label="Fit the whole image"
        title="The whole image"
        aria-disabled={seen.isIdentity}
        onClick={() => zoom(1 / seen.k)}
      >
        Fit
      </button>
      <button
        type="button"
        title="The map over the picture"
        aria-pressed={!isBare.value}
        onClick={setTo(isBare, !isBare.value)}
      >
        Map
      </button>
      <span class="dim" title="Pixels of the screen for each of the original, and the size of that">
        {Math.round(100 * scale)} % · {size.width} × {size.height}
      </span>
    </div>
  );
}

/** Says so where the pixels on the screen are not as fine as they could be. */
function Resolution({ store, view, width, picture, image }: ZoomProps) {
  const isCoarse = missingCrop(picture, view.value, width.value, cropOf(store, image)) !== null;
  const text = resolutionText(store, picture, image, isCoarse);
  return (
    <p class="resolution" role="status" data-waiting={text === WAITING || undefined}>
      {text}
    </p>
  );
}

const WAITING = "the original’s pixels are on their way…";

/** What is to be said of the pixels on the screen, if they are not as fine as those of the original. */
export function resolutionText(store: Store, picture: Picture, image: number, isCoarse: boolean): string {
  if (!isCoarse) return "";
  const preview = `a preview of ${picture.width} × ${picture.height} pixels`;
  if (store.status.value === "no-kernel") return `${preview}: those of the original need Python`;
  const crop = store.crop.value;
  if (crop?.image === image && crop.problem) return `${preview}: ${crop.problem}`;
  return WAITING;
}
