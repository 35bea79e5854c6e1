import { type Signal, useSignal } from "@preact/signals";
import { useLayoutEffect } from "preact/hooks";
import { gridPng, tilePng } from "../canvas/exportPng";
import { columnHeading, explainedText, imageName } from "../state/labels";
import { chosenTile, mapOf } from "../state/store";
import type { ViewProps } from "./props";
import { setTo } from "./setTo";
import { usePopup } from "./usePopup";

interface ExportChoice {
  text: string;
  note: string;
  possible: boolean;
  /** The file's ending. */
  ending: string;
  /** What the file's name is made of. */
  name: string[];
  make(): Promise<Blob>;
}

const NEEDS_PYTHON = "needs Python, which is not there";

function download(blob: Blob, { ending, name }: ExportChoice): void {
  const stem = ["kx", ...name]
    .filter(Boolean)
    .join("-")
    .replace(/\.[a-z]+\b/gi, "")
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-|-$/g, "")
    .toLowerCase();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${stem}.${ending}`;
  link.click();
  // The download reads it after the click has been handled.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** The files that can be made of the view. */
function exportChoices({ store, actions }: ViewProps, tellsEvidence: boolean): ExportChoice[] {
  const tile = chosenTile(store);
  const map = mapOf(store, tile);
  const title = [imageName(store, tile.image), map && explainedText(store, map.item)].filter(Boolean).join(", ");
  // What is on the screen may answer another question than the one that is asked now.
  const method = store.answer.value?.columns[0]?.method ?? store.traits.method.peek();
  const heading = (store.answer.value?.columns.length ?? 0) > 1 ? columnHeading(store, tile.column) : "";
  const hasKernel = store.status.value !== "no-kernel" && (store.available.value?.fromStore ?? true);
  const isStored = store.stored.value !== null;
  const pageNote = hasKernel ? "this view with every answer so far, for any browser" : NEEDS_PYTHON;
  return [
    {
      text: "Picture of one tile (PNG)",
      note: heading ? `${title}, ${heading}` : title,
      possible: true,
      ...{ ending: "png", name: [title] },
      make: () => tilePng(store, tile, tellsEvidence),
    },
    {
      text: "Picture of the grid (PNG)",
      note: "every tile with its caption",
      possible: true,
      ...{ ending: "png", name: [method, "grid"] },
      make: () => gridPng(store, tellsEvidence),
    },
    {
      text: "Interactive page (HTML)",
      note: isStored ? "of a store, the command kx show makes one" : pageNote,
      possible: hasKernel && !isStored,
      ...{ ending: "html", name: [method, "page"] },
      make: () => actions.fetchFile("html", tile.column),
    },
    {
      text: "Numbers (NPZ)",
      note: hasKernel ? ["raw maps and scores, for numpy", heading].filter(Boolean).join(": ") : NEEDS_PYTHON,
      possible: hasKernel,
      ...{ ending: "npz", name: [method, "maps", heading] },
      make: () => actions.fetchFile("npz", tile.column),
    },
  ];
}

export function ExportMenu({ store, actions }: ViewProps) {
  const open = useSignal(false);
  const busy = useSignal(false);
  const tellsEvidence = useSignal(true);
  const close = setTo(open, false);
  const { anchor, popup } = usePopup(open.value, close);
  const focusButton = () => anchor.current?.querySelector("button")?.focus();
  // Before the next key can come: on the button it would close the menu again.
  useLayoutEffect(() => {
    if (open.value) popup.current?.querySelector<HTMLElement>("[role=menuitem]")?.focus();
  }, [open.value]);

  const choose = async (choice: ExportChoice) => {
    close();
    focusButton();
    busy.value = true;
    try {
      download(await choice.make(), choice);
    } catch (error) {
      const message = `The file could not be made: ${error instanceof Error ? error.message : error}`;
      store.failure.value = { message, hint: "", traceback: "" };
    }
    busy.value = false;
  };
  return (
    <div class="tool" ref={anchor}>
      <button
        type="button"
        class="more"
        title="Pictures, an interactive page, or numbers"
        aria-haspopup="menu"
        aria-expanded={open.value}
        disabled={store.traits._images.value.length === 0}
        onClick={setTo(open, !open.value)}
      >
        Export
      </button>
      <span class="said" role="status">
        {busy.value && "making the file…"}
      </span>
      <div class="popup" popover="manual" ref={popup}>
        {open.value && (
          <Menu
            choices={exportChoices({ store, actions }, tellsEvidence.value && store.evidence.value.size > 0)}
            evidence={store.evidence.value.size > 0 ? tellsEvidence : null}
            onChoose={choose}
            onLeave={focusButton}
          />
        )}
      </div>
    </div>
  );
}

interface MenuProps {
  choices: ExportChoice[];
  /** Whether pictures tell what was measured of their maps; null where nothing was. */
  evidence: Signal<boolean> | null;
  onChoose(choice: ExportChoice): void;
  /** The focus leaves the menu by a key. */
  onLeave(): void;
}

function Menu({ choices, evidence, onChoose, onLeave }: MenuProps) {
  const onKeyDown = (event: KeyboardEvent) => {
    const menu = event.currentTarget as HTMLElement;
    const items = [...menu.querySelectorAll<HTMLElement>("[role^=menuitem]")];
    const at = items.indexOf(event.target as HTMLElement);
    const moves: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length, Home: 0, End: -1 };
    if (event.key === "Tab") onLeave();
    if (!(event.key in moves)) return;
    items.at(moves[event.key] % items.length)?.focus();
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div role="menu" aria-label="Export" tabIndex={-1} onKeyDown={onKeyDown}>
      {choices.map((choice) => (
        <button
          type="button"
          class="item"
          role="menuitem"
          tabIndex={-1}
          key={choice.text}
          aria-label={`${choice.text}: ${choice.note}`}
          aria-disabled={!choice.possible || undefined}
          onClick={() => choice.possible && onChoose(choice)}
        >
          <span>{choice.text}</span>
          <span class="dim">{choice.note}</span>
        </button>
      ))}
      {evidence && (
        <button
          type="button"
          class="item"
          role="menuitemcheckbox"
          tabIndex={-1}
          aria-checked={evidence.value}
          onClick={() => {
            evidence.value = !evidence.value;
          }}
        >
          <span>
            <span class="check" aria-hidden="true">
              {evidence.value ? "☑" : "☐"}
            </span>{" "}
            Pictures carry the evidence
          </span>
          <span class="dim">state and sentence below each map</span>
        </button>
      )}
    </div>
  );
}
