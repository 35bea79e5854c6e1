import { useEffect, useRef } from "preact/hooks";
import { decodePicture } from "../canvas/bitmapCache";
import { conceptColour } from "../canvas/conceptBitmaps";
import type { TypicalRecord } from "../kernel/protocol";
import { within } from "../math/transform";
import {
  COUNTS,
  canShowConcepts,
  conceptName,
  importanceOf,
  importantClass,
  lookAmongRows,
  overlayFor,
  showsConcepts,
  toggleConcept,
} from "../state/concepts";
import { toHundredths, wholePercent } from "../state/format";
import { briefName, imageName } from "../state/labels";
import type { Picture, Store } from "../state/store";
import { options, Select } from "./field";
import type { ViewProps } from "./props";

const WHAT = "The few things that the layer sees in all images: one colour is one thing, in every picture";
/** So many typical parts of pictures are shown of a concept. */
const CROPS = 3;
/** Pixels of the longest side of such a part. */
const CROP = 56;

/** Shows concepts over the pictures, or the maps again; nothing where there can be none. */
export function ConceptsButton({ store, actions }: ViewProps) {
  if (!canShowConcepts(store)) return null;
  return (
    <button
      type="button"
      class="concepts-button"
      title={WHAT}
      aria-pressed={showsConcepts(store)}
      onClick={() => actions.commit({ overlay: overlayFor(store) })}
    >
      Concepts
    </button>
  );
}

/** The legend of the concepts: what each looks like, and what the class in focus loses without it. */
export function ConceptStrip({ store, actions }: ViewProps) {
  if (!showsConcepts(store)) return null;
  const { concepts, conceptProgress } = store;
  const set = concepts.value;
  return (
    <section id="kx-concepts" class="concepts" aria-label="Concepts" aria-busy={conceptProgress.value !== null}>
      <ConceptsHeading store={store} actions={actions} />
      {set && set.typical.length > 0 && <ConceptList store={store} />}
      {set?.notes.map((note) => (
        <p key={note} class="dim">
          {note}
        </p>
      ))}
    </section>
  );
}

function ConceptsHeading({ store, actions }: ViewProps) {
  const { concepts, conceptAlone, conceptCount, conceptProgress, status } = store;
  const set = concepts.value;
  const alone = conceptAlone.value;
  const hasKernel = status.value !== "no-kernel";
  return (
    <div class="concepts-heading">
      <p role="status">
        {conceptProgress.value !== null && <b>Looking for concepts, {wholePercent(conceptProgress.value)}… </b>}
        {set?.problem && <span class="problem">{set.problem} </span>}
        {set?.sentence && (
          <>
            <b>One colour, one concept.</b> At {store.layerName(set.layer)}, {set.sentence}
            {store.conceptsAmong.value.length > 0 && ` in the ${store.conceptsAmong.value.length} chosen`}.{" "}
            <span class="dim">They have no names: what one is, its pictures have to tell.</span>
          </>
        )}
      </p>
      {alone !== null && (
        <button type="button" onClick={() => toggleConcept(store, alone)}>
          Show all
        </button>
      )}
      {hasKernel && <AmongButton store={store} />}
      {hasKernel && (
        <Select
          id="kx-concept-count"
          label="How many"
          title="How many concepts to look for: more are smaller, and finer"
          class="control"
          value={String(conceptCount.value)}
          onChoose={(count) => {
            conceptCount.value = Number(count);
          }}
        >
          {options(COUNTS.map((count) => [String(count), String(count)] as const))}
        </Select>
      )}
      <button
        type="button"
        class="plain"
        aria-label="Close the concepts"
        title="Show the maps again"
        onClick={() => actions.commit({ overlay: "map" })}
      >
        ×
      </button>
    </div>
  );
}

/** Rows among which concepts can be looked for: as many numbers as a message may have. */
const MOST_ROWS = 1000;

/** Looks for concepts in what the filter shows, which may have others than all images. */
function AmongButton({ store }: { store: Store }) {
  const [among, shown, all] = [store.conceptsAmong.value.length, store.rows.value.length, store.facts.value.images];
  if (among === 0 && (shown === all || shown === 0 || shown > MOST_ROWS)) return null;
  return (
    <button type="button" onClick={() => lookAmongRows(store)}>
      {among > 0
        ? "Look in all images"
        : shown === 1
          ? "Look in this image only"
          : `Look in these ${shown} images only`}
    </button>
  );
}

function ConceptList({ store }: { store: Store }) {
  const target = importantClass(store);
  const importance = importanceOf(store, target);
  const most = Math.max(...importance.map(Math.abs), Number.MIN_VALUE);
  const name = target === null ? "" : briefName(store, target);
  return (
    <>
      {importance.length > 0 && (
        <p class="dim">
          Bars: what the score of <b>{name}</b> loses without the concept, in the images of that class.
        </p>
      )}
      <ul class="concept-cards">
        {store.concepts.value?.typical.map((typical, concept) => (
          <ConceptCard
            key={String(concept)}
            {...{ store, concept, typical, name }}
            loss={importance[concept] ?? null}
            part={(importance[concept] ?? 0) / most}
          />
        ))}
      </ul>
    </>
  );
}

interface CardProps {
  store: Store;
  concept: number;
  typical: readonly TypicalRecord[];
  /** Of the class that importance is told for. */
  name: string;
  /** What its score loses without the concept, null where it is not known. */
  loss: number | null;
  /** The same in parts of the most. */
  part: number;
}

const lossText = (loss: number) => toHundredths(loss).replace("-", "−");

function ConceptCard({ store, concept, typical, name, loss, part }: CardProps) {
  const isAlone = store.conceptAlone.value === concept;
  const images = typical.slice(0, CROPS).map(({ image }) => imageName(store, image));
  const facts = [
    images.length > 0 ? `strongest in ${images.join(", ")}` : "in none of the images",
    loss !== null && `without it the score of ${name} ${loss < 0 ? "gains" : "loses"} ${lossText(Math.abs(loss))}`,
  ];
  return (
    <li>
      <button
        type="button"
        aria-pressed={isAlone}
        style={{ "--colour": conceptColour(concept) }}
        title={`${facts.filter(Boolean).join("; ")}. ${isAlone ? "Click to see all" : "Click to see it alone"}`}
        onClick={() => toggleConcept(store, concept)}
      >
        <span class="concept-name">
          <span class="swatch" aria-hidden="true" />
          {conceptName(concept)}
        </span>
        <span class="concept-crops" aria-hidden="true">
          {typical.slice(0, CROPS).map((each) => (
            <ConceptCrop key={String(each.image)} picture={store.traits._images.value[each.image]} box={each.box} />
          ))}
        </span>
        {loss !== null && (
          <span class="concept-loss" data-gains={part < 0 || undefined}>
            <span class="concept-bar" aria-hidden="true">
              <span style={{ width: `${100 * Math.abs(part)}%` }} />
            </span>
            <span class="figure">{lossText(loss)}</span>
          </span>
        )}
      </button>
    </li>
  );
}

/** A part of a picture, which is told in fractions of what the model sees of it. */
function ConceptCrop({ picture, box }: { picture: Picture | undefined; box: readonly number[] }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    let isWanted = true;
    if (picture) {
      void decodePicture(picture).then((bitmap) => {
        if (bitmap && isWanted && canvas.current) drawCrop(canvas.current, bitmap, inPicture(picture, box));
        bitmap?.close();
      });
    }
    return () => {
      isWanted = false;
    };
  }, [picture, ...box]);
  return <canvas ref={canvas} />;
}

/** A box in fractions of the picture, no part of it beyond. */
function inPicture({ box: [left, top, right, bottom] }: Picture, [x0, y0, x1, y1]: readonly number[]) {
  const place = [
    left + x0 * (right - left),
    top + y0 * (bottom - top),
    left + x1 * (right - left),
    top + y1 * (bottom - top),
  ];
  return place.map((at) => within(at, 0, 1));
}

function drawCrop(canvas: HTMLCanvasElement, bitmap: ImageBitmap, [x0, y0, x1, y1]: readonly number[]): void {
  const [width, height] = [Math.max(1, (x1 - x0) * bitmap.width), Math.max(1, (y1 - y0) * bitmap.height)];
  // The middle of it, as a square.
  const side = Math.min(width, height);
  Object.assign(canvas, { width: 2 * CROP, height: 2 * CROP });
  const [left, top] = [x0 * bitmap.width + (width - side) / 2, y0 * bitmap.height + (height - side) / 2];
  canvas.getContext("2d")?.drawImage(bitmap, left, top, side, side, 0, 0, 2 * CROP, 2 * CROP);
}
