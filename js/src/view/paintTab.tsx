import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { PaintedClass } from "../kernel/protocol";
import { changeText, figureOf, tellsValues } from "../state/figures";
import { briefName, className, imageName } from "../state/labels";
import { paintCode } from "../state/paintCode";
import { topOf } from "../state/paintedMap";
import { type PaintAnswer, TOOLS, type Tool } from "../state/painting";
import { allText, keepsClass, outcomeText, sharesText } from "../state/paintWords";
import { chosenTile, mapOf, type Store, type TilePlace } from "../state/store";
import { whyNotScored } from "../state/strokes";
import { CopyAsPython } from "./copyAsPython";
import { PictureCanvas } from "./coveredView";
import { CoverSelect } from "./coverSelect";
import type { ViewProps } from "./props";
import { Slider } from "./slider";
import { ToggleButtons } from "./toggleButtons";

const TOOL_TITLES: Readonly<Record<Tool, string>> = {
  brush: "Paint on the large picture",
  eraser: "Take paint away",
  box: "Drag a box on the large picture",
  lasso: "Draw around a part of the large picture",
  move: "Drag moves the zoomed picture",
};
const BRUSH = { id: "kx-brush", label: "Brush", title: "How wide brush and eraser are, in parts of the picture" };
const TOP = { id: "kx-top", label: "Map’s top", title: "Paints what the map marks most, so many parts of the picture" };
const MOST_CLASSES = 6;

/** Covers what a user paints on the large picture, and tells what the model says then. */
export function PaintTab({ store, actions }: ViewProps) {
  const { painting } = store;
  const place = chosenTile(store);
  const { image, column } = place;
  const [height = 1, width = 1] = store.constants.value?.inspection.input_shape ?? [];
  const tab = useRef<HTMLDivElement>(null);
  useEffect(() => {
    painting.isOn.value = true;
    // Once the picture is laid out to stay in sight.
    const frame = requestAnimationFrame(() => tab.current && showBelowPicture(tab.current));
    return () => {
      cancelAnimationFrame(frame);
      painting.isOn.value = false;
    };
  }, []);
  useEffect(() => painting.open(image, width, height), [image, width, height]);
  const why = whyNotScored(store);
  const question = [image, column, store.answer.value?.gen, painting.keep.value, store.cover.value, why];
  // What is painted stays, whatever is asked: a class that was not explained before takes no call of the model.
  useEffect(() => actions.scorePainted(), [...question, width, height]);
  const answer = painting.answer.value;
  return (
    <div class="paint" ref={tab}>
      <PaintTools store={store} place={place} onChange={actions.scorePainted} />
      <CoverPainted store={store} />
      <PaintSteps store={store} actions={actions} />
      <Outcome store={store} place={place} why={why} answer={answer && belongs(store, answer, place) ? answer : null} />
      <AllImages store={store} />
      <div class="button-row">
        {store.constants.value?.regions.includes("mask") && store.available.value === null && (
          <button
            type="button"
            title="The map of this picture explains what is painted"
            aria-disabled={painting.isEmpty.value}
            onClick={() => !painting.isEmpty.peek() && actions.explainPainted(image)}
          >
            Explain this region
          </button>
        )}
        <CopyAsPython
          title="The code that scores this mask"
          disabled={painting.isEmpty.value}
          code={() => paintCode(store, place)}
        />
      </div>
    </div>
  );
}

/** Scrolls the panel so that the tabs follow the large picture, which stays in sight while it is painted. */
function showBelowPicture(tab: HTMLElement): void {
  const [panel, tabs] = [tab.closest(".panel"), tab.closest(".tabs")];
  const picture = panel?.querySelector(".close-up");
  if (!panel || !tabs || !picture) return;
  const { position, paddingTop } = getComputedStyle(picture);
  if (position !== "sticky") return;
  const [place, above] = [picture.getBoundingClientRect(), Number.parseFloat(paddingTop)];
  panel.scrollTop += tabs.getBoundingClientRect().top - panel.getBoundingClientRect().top - place.height + above;
}

/** Whether an answer is about what is asked now, though perhaps with another mask. */
function belongs(store: Store, { question }: PaintAnswer, { image, column }: TilePlace): boolean {
  const { gen, images, cover, keep } = question;
  const isSame = gen === store.answer.value?.gen && images[0] === image && question.column === column;
  return isSame && cover === store.cover.value && keep === store.painting.keep.value;
}

interface PlaceProps {
  store: Store;
  place: TilePlace;
}

function PaintTools({ store, place, onChange }: PlaceProps & { onChange(isMoving?: boolean): void }) {
  const { painting } = store;
  const top = useSignal(0.2);
  const map = mapOf(store, place);
  const isPositive = map !== undefined && map.extent.hi > 0;
  return (
    <div class="paint-tools">
      <div class="button-row" role="group" aria-label="Tool">
        {TOOLS.map((tool) => (
          <button
            key={tool}
            type="button"
            title={TOOL_TITLES[tool]}
            aria-pressed={painting.tool.value === tool}
            onClick={() => {
              painting.outline.value = [];
              painting.tool.value = tool;
            }}
          >
            {tool}
          </button>
        ))}
      </div>
      <div class="paint-sliders">
        <Slider {...BRUSH} value={painting.brush} />
        {isPositive ? (
          <Slider
            {...TOP}
            value={top}
            onMove={(share) => {
              painting.mask.value = topOf(map, share, painting.mask.peek());
              onChange(true);
            }}
            onRelease={() => {
              painting.settle();
              onChange();
            }}
          />
        ) : (
          <p class="dim">Nothing in the map is above 0: it has no top to take.</p>
        )}
      </div>
    </div>
  );
}

const COVERED = [
  [false, "cover it", "Cover what is painted"],
  [true, "keep it alone", "Cover all but it"],
] as const;

function CoverPainted({ store }: { store: Store }) {
  const { keep } = store.painting;
  return (
    <div class="button-row" role="group" aria-label="What is painted">
      <ToggleButtons signal={keep} choices={COVERED} />
      <CoverSelect
        store={store}
        onChoose={(cover) => {
          store.cover.value = cover;
        }}
      />
    </div>
  );
}

function PaintSteps({ store, actions }: ViewProps) {
  const { painting } = store;
  const step = (act: () => void) => () => {
    act();
    actions.scorePainted();
  };
  const inSight = store.inSight.value.length;
  const isEmpty = painting.isEmpty.value;
  const cannotScore = whyNotScored(store) !== "";
  return (
    <div class="button-row" role="group" aria-label="Steps">
      <button
        type="button"
        title="Undo (Ctrl + Z)"
        aria-disabled={!painting.canUndo.value}
        onClick={step(painting.undo)}
      >
        Undo
      </button>
      <button
        type="button"
        title="Redo (Shift + Ctrl + Z)"
        aria-disabled={!painting.canRedo.value}
        onClick={step(painting.redo)}
      >
        Redo
      </button>
      <button type="button" title="Take all paint away" aria-disabled={isEmpty} onClick={step(painting.clear)}>
        Clear
      </button>
      {inSight > 1 && (
        <button
          type="button"
          title="Covers the same part of all images in sight"
          aria-disabled={isEmpty || cannotScore}
          onClick={actions.scoreInSight}
        >
          Apply to {inSight} images
        </button>
      )}
    </div>
  );
}

interface OutcomeProps extends PlaceProps {
  /** Why nothing can be scored, or "". */
  why: string;
  answer: PaintAnswer | null;
}

/** In a sentence, as bars, and as the very picture that was scored. */
export function Outcome({ store, place, why, answer }: OutcomeProps) {
  const { isEmpty, mask } = store.painting;
  const shares = sharesText(store, place);
  const isWaiting = answer?.question.mask !== mask.value;
  if (isEmpty.value) return <p class="dim">{`${shares} ${why}`}</p>;
  if (why || !answer) return <p role="status">{`${shares}. ${why}`}</p>;
  const { message, picture } = answer;
  return (
    <div data-waiting={isWaiting || undefined}>
      <p role="status">{message.problem || `${shares}: ${outcomeText(store, answer)}`}</p>
      {!message.problem && (
        <div class="covered">
          <PictureCanvas picture={picture ?? undefined} caption={`${imageName(store, place.image)} as it was scored`} />
          <BeforeAfter
            store={store}
            classes={message.classes}
            isProbable={message.has_probabilities}
            explained={mapOf(store, place)?.item.target ?? -1}
          />
        </div>
      )}
    </div>
  );
}

interface BeforeAfterProps {
  store: Store;
  classes: readonly PaintedClass[];
  isProbable: boolean;
  explained: number;
}

/** The explained class, and those that are first before or after. */
export function BeforeAfter({ store, classes, isProbable, explained }: BeforeAfterProps) {
  const first = classes.filter(({ index }) => index === explained);
  const others = classes.filter(({ index }) => index !== explained);
  const most = (of: "before" | "after") => Math.max(...classes.map((each) => each[of] ?? Number.NEGATIVE_INFINITY));
  const [before, after] = [most("before"), most("after")];
  const figure = (index: number, number: number | null) => figureOf(store, index, number, isProbable);
  others.sort((a, b) => Math.max(b.before ?? 0, b.after ?? 0) - Math.max(a.before ?? 0, a.after ?? 0));
  return (
    <ol class="before-after" aria-label={tellsValues(store) ? "Values before and after" : "Classes before and after"}>
      {[...first, ...others].slice(0, MOST_CLASSES).map((each) => (
        <li key={each.index} data-explained={each.index === explained || undefined}>
          <span class="name" title={className(store, each.index)}>
            {briefName(store, each.index)}
          </span>
          {!tellsValues(store) && each.after === after && each.before !== before && <span class="chip">now first</span>}
          <span class="figure">{`${figure(each.index, each.before)} → ${figure(each.index, each.after)}`}</span>
          {isProbable && (
            <span class="pair" aria-hidden="true">
              <span style={{ "--share": each.before ?? 0 }} />
              <span style={{ "--share": each.after ?? 0 }} />
            </span>
          )}
        </li>
      ))}
    </ol>
  );
}

/** What the mask does to all images in sight. */
export function AllImages({ store }: { store: Store }) {
  const answer = store.painting.answerForAll.value;
  if (!answer || answer.question.gen !== store.answer.value?.gen) return null;
  const { message, question } = answer;
  const isSame = question.keep === store.painting.keep.value && question.cover === store.cover.value;
  const isOld = !isSame || question.mask !== store.painting.mask.value;
  return (
    <div class="paint-all">
      <p role="status">{`${isOld ? "As it was painted before: " : ""}${allText(store, answer)}`}</p>
      {message.images.length > 0 && (
        <details class="numbers">
          <summary>Image by image</summary>
          <table>
            <thead>
              <tr>
                <th scope="col">image</th>
                <th scope="col">explained</th>
                {!tellsValues(store) && <th scope="col">class</th>}
              </tr>
            </thead>
            <tbody>
              {message.images.map((record) => (
                <tr key={record.image}>
                  <th scope="row">{imageName(store, record.image)}</th>
                  <td>
                    {changeText(
                      record,
                      message.value,
                      mapOf(store, { image: record.image, column: message.column })?.item,
                    )}
                  </td>
                  {!tellsValues(store) && <td>{keepsClass(record) ? "kept" : briefName(store, record.best_after)}</td>}
                </tr>
              ))}
            </tbody>
          </table>
        </details>
      )}
    </div>
  );
}

/** Undoes and redoes steps by keys, while the panel has the focus. */
export function undoByKeys({ store, actions }: ViewProps, event: KeyboardEvent): void {
  const { painting } = store;
  if (!painting.isOn.peek() || !(event.ctrlKey || event.metaKey) || event.altKey) return;
  const key = event.key.toLowerCase();
  if (key !== "z" && key !== "y") return;
  if (key === "y" || event.shiftKey) painting.redo();
  else painting.undo();
  actions.scorePainted();
  event.preventDefault();
  event.stopPropagation();
}
