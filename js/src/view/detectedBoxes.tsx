import { useRef, useState } from "preact/hooks";
import { detectionQuestion, explainedIndex, shownDetections } from "../state/detections";
import { originalSize, type Picture, type Store } from "../state/store";
import type { ViewProps } from "./props";

interface DetectedBoxesProps extends ViewProps {
  image: number;
  picture: Picture;
}

/** Where a box lies in the tile, as zoomed as its picture is. */
function placeOf(store: Store, image: number, picture: Picture, box: readonly number[]) {
  const { k, x, y } = store.viewOf(image);
  const { width, height } = originalSize(picture);
  const [left, top, right, bottom] = box.map((at, i) => (i % 2 ? y + (k * at) / height : x + (k * at) / width));
  const part = (length: number) => `${100 * length}%`;
  return {
    left: part(left),
    top: part(top),
    width: part(right - left),
    height: part(bottom - top),
    // Its label stays in the tile where the box begins or ends outside of it.
    "--in-left": part(Math.max(0, -left) / (right - left)),
    "--in-right": part(Math.max(0, right - 1) / (right - left)),
    "--in-top": part(Math.max(0, -top) / (bottom - top)),
  };
}

/** The boxes that a detector detects, over a tile: each explains its class there. One of them is reached by Tab. */
export function DetectedBoxes({ store, actions, image, picture }: DetectedBoxesProps) {
  const shown = shownDetections(store, image);
  const box = useRef<HTMLDivElement>(null);
  const [focused, setFocused] = useState<number | null>(null);
  if (shown.length === 0) return null;
  const explained = explainedIndex(store, image);
  const stop = Math.min(focused ?? Math.max(explained, 0), shown.length - 1);
  const move = (event: KeyboardEvent, i: number) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const buttons = box.current?.querySelectorAll("button");
    buttons?.[(i + step + shown.length) % shown.length].focus();
  };
  return (
    <div class="detections" role="toolbar" aria-label="Detected" ref={box}>
      {shown.map((detection, i) => {
        const { box, target, score } = detection;
        const [name, probability] = [store.constants.value?.class_names[target] ?? "", `${Math.round(100 * score)} %`];
        const isChosen = i === explained;
        const { width } = originalSize(picture);
        return (
          <button
            type="button"
            key={box.join()}
            aria-label={`${name} ${probability}`}
            aria-pressed={isChosen}
            disabled={!isChosen && !detectionQuestion(store, image, detection)}
            tabIndex={i === stop ? 0 : -1}
            title={`${name} ${probability}: ${isChosen ? "explain the whole picture again" : "explain this detection"}`}
            data-right={box[0] > 0.7 * width || undefined}
            style={{ ...placeOf(store, image, picture, box), zIndex: shown.length - i }}
            onClick={() => (isChosen ? actions.resetRegion(image) : actions.explainDetection(image, detection))}
            onFocus={() => setFocused(i)}
            onKeyDown={(event) => move(event, i)}
          >
            <span>
              {name} <i>{probability}</i>
            </span>
          </button>
        );
      })}
    </div>
  );
}
