import { useRef } from "preact/hooks";
import { detectionText, isExplained, shownDetections } from "../state/detections";
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
    // A label stays in the tile where its box begins outside of it.
    "--in-x": part(Math.max(0, -left) / (right - left)),
    "--in-y": part(Math.max(0, -top) / (bottom - top)),
  };
}

/** The boxes that a detector detects, over a tile: each explains its class there. One of them is reached by Tab. */
export function DetectedBoxes({ store, actions, image, picture }: DetectedBoxesProps) {
  const shown = shownDetections(store, image);
  const box = useRef<HTMLDivElement>(null);
  if (shown.length === 0) return null;
  const explained = shown.findIndex((detection) => isExplained(store, image, detection));
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
      {shown.map((detection, i) => (
        <button
          type="button"
          key={detection.box.join()}
          aria-pressed={i === explained}
          tabIndex={i === Math.max(explained, 0) ? 0 : -1}
          title={i === explained ? "Explain the whole image again" : "Explain this detection"}
          style={{ ...placeOf(store, image, picture, detection.box), zIndex: shown.length - i }}
          onClick={() => (i === explained ? actions.resetRegion(image) : actions.explainDetection(image, detection))}
          onKeyDown={(event) => move(event, i)}
        >
          <span>{detectionText(store, detection)}</span>
        </button>
      ))}
    </div>
  );
}
