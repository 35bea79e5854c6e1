import type { ReadonlySignal } from "@preact/signals";
import { useRef, useState } from "preact/hooks";
import { frameOf } from "../canvas/compose";
import type { Transform } from "../math/transform";
import { canResetRegion } from "../state/availableQuestions";
import {
  detectionQuestion,
  explainedIndex,
  isLabelledRight,
  labelOf,
  placeOf,
  shownDetections,
} from "../state/detections";
import type { Picture } from "../state/store";
import type { ViewProps } from "./props";

interface DetectedBoxesProps extends ViewProps {
  image: number;
  picture: Picture;
  /** How wide what the picture lies in is for its height. */
  aspect: number;
  /** Zoomed and panned by this instead of as the tiles of the image are. */
  ownView?: ReadonlySignal<Transform>;
}

const part = (length: number) => `${100 * length}%`;

/** Where the picture lies in an element of an aspect whose height is the variable `--height`. */
function frameStyle(picture: Picture, aspect: number) {
  const { x, y, width, height } = frameOf(picture, aspect, 1);
  const down = (length: number) => `calc(${length} * var(--height))`;
  return { left: part(x / aspect), top: down(y), width: part(width / aspect), height: down(height) };
}

/** Where a box lies in the picture's frame. */
function boxStyle([left, top, right, bottom]: readonly number[]) {
  return {
    left: part(left),
    top: part(top),
    width: part(right - left),
    height: part(bottom - top),
    // Its label stays in the frame where the box begins or ends outside of it.
    "--in-left": part(Math.max(0, -left) / (right - left)),
    "--in-right": part(Math.max(0, right - 1) / (right - left)),
    "--in-top": part(Math.max(0, -top) / (bottom - top)),
  };
}

/** The boxes that a detector detects, over a picture: each explains its class there. One of them is reached by Tab. */
export function DetectedBoxes({ store, actions, image, picture, aspect, ownView }: DetectedBoxesProps) {
  const shown = shownDetections(store, image);
  const box = useRef<HTMLDivElement>(null);
  const [focused, setFocused] = useState<number | null>(null);
  if (shown.length === 0) return null;
  const view = ownView?.value ?? store.viewOf(image);
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
    <div class="detections" role="toolbar" aria-label="Detected" ref={box} style={frameStyle(picture, aspect)}>
      {shown.map((detection, i) => {
        const [name, probability] = labelOf(store, detection);
        const isChosen = i === explained;
        return (
          <button
            type="button"
            key={detection.box.join()}
            aria-label={`${name} ${probability}`}
            aria-pressed={isChosen}
            disabled={!(isChosen ? canResetRegion(store, image) : detectionQuestion(store, image, detection))}
            tabIndex={i === stop ? 0 : -1}
            title={`${name} ${probability}: ${isChosen ? "explain the whole picture again" : "explain this detection"}`}
            data-right={isLabelledRight(picture, detection) || undefined}
            style={{ ...boxStyle(placeOf(picture, view, detection)), zIndex: shown.length - i }}
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
