import { useComputed, useSignal } from "@preact/signals";
import { tellsValues } from "../state/figures";
import type { Store } from "../state/store";
import { CloseButton } from "./field";
import { setTo } from "./setTo";
import { usePopup } from "./usePopup";

const WIDTH = 430;

/** What keys and the pointer do, by where: [what one does, what happens]. */
const HELP: readonly (readonly [where: string, rows: readonly (readonly [act: string, effect: string])[]])[] = [
  [
    "Pictures",
    [
      ["hold the pointer over, rest a finger on", "value, pixel and rank under it"],
      ["click, Enter", "puts the picture in focus"],
      ["Ctrl + wheel, pinch, double click", "zooms; Shift + double click zooms out"],
      ["wheel after a click", "zooms until the pointer leaves"],
      ["drag", "moves the zoomed picture"],
      ["+  −  0", "zoom in, zoom out, the whole picture"],
      ["← ↑ → ↓", "move the crosshair, with Shift ten times as far"],
      ["Esc", "takes the crosshair away, and explains where the class wins again"],
    ],
  ],
  [
    "Painting on the large picture",
    [
      ["drag", "paints with the chosen tool; two fingers zoom"],
      ["← ↑ → ↓", "move the cursor"],
      ["Space", "paints under the cursor, or sets a corner"],
      ["Enter, Esc", "close the lasso, give it up"],
      ["Ctrl + Z", "takes the last step back, with Shift does it again"],
    ],
  ],
  [
    "Layers",
    [
      ["↑ ↓ Home End", "go through the rows"],
      ["→ ←", "open and close a stage or block"],
      ["Enter, click", "chooses; of a stage, its last layer"],
      ["type in the search", "finds any layer by name or type"],
    ],
  ],
  [
    "Classes",
    [
      ["type, ↑ ↓, Enter", "finds a class and asks for it"],
      ["Esc", "closes any list"],
    ],
  ],
  ["Panel", [["n  p", "the next and the previous picture"]]],
  ["Colour bar", [["drag an end, ← →", "sets what the colours begin and end with"]]],
];

/** A button that shows every key and gesture. */
export function HelpButton() {
  const open = useSignal(false);
  const { anchor, popup } = usePopup(open.value, setTo(open, false), WIDTH);
  return (
    <div class="tool" ref={anchor}>
      <button
        type="button"
        aria-label="Help"
        aria-expanded={open.value}
        title="Keys and gestures"
        onClick={setTo(open, !open.value)}
      >
        ?
      </button>
      <div class="popup" popover="manual" ref={popup}>
        {open.value && (
          <div class="help" role="region" aria-label="Keys and gestures" tabIndex={0}>
            {HELP.map(([where, rows]) => (
              <section key={where}>
                <h3>{where}</h3>
                <dl>
                  {rows.map(([act, effect]) => (
                    <div key={act}>
                      <dt>{act}</dt>
                      <dd>{effect}</dd>
                    </div>
                  ))}
                </dl>
              </section>
            ))}
          </div>
        )}
      </div>
    </div>
  );
}

const PROMPTS: readonly string[] = [
  "Click a class to ask why.",
  "Hold the pointer over a picture to read values.",
  "Choose “vs …” to tell two classes apart.",
];

const VALUE_PROMPTS: readonly string[] = ["Click an output to see what raises it.", PROMPTS[1]];

/** Under which a browser's session remembers that the prompts were dismissed. */
const DISMISSED = "kx-widget-prompts-dismissed";

function wasDismissed(): boolean {
  try {
    return sessionStorage.getItem(DISMISSED) !== null;
  } catch {
    // Frames of some hosts have no storage.
    return false;
  }
}

function dismissAll(): void {
  try {
    sessionStorage.setItem(DISMISSED, "");
  } catch {
    // This view alone knows it then.
  }
}

/** What can be done here, for those who see it for the first time; a page without Python has readers, not users. */
export function Prompts({ store }: { store: Store }) {
  const dismissed = useSignal(wasDismissed());
  // Before the first maps, which would move otherwise.
  const begun = useComputed(() => store.constants.value !== null && store.available.value === null);
  if (dismissed.value || !begun.value) return null;
  const dismiss = () => {
    dismissAll();
    dismissed.value = true;
  };
  return (
    <div class="prompts" role="note" aria-label="First steps">
      <ul>
        {(tellsValues(store) ? VALUE_PROMPTS : PROMPTS).map((prompt) => (
          <li key={prompt}>{prompt}</li>
        ))}
      </ul>
      <CloseButton label="Dismiss the first steps" onClick={dismiss} />
    </div>
  );
}
