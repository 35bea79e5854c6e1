import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { Actions } from "../actions";
import { chosenTile, gridPicture, tilePicture } from "../canvas/picture";
import { columnHeading, imageName } from "../naming";
import { asPython } from "../python";
import type { Store } from "../store";
import { KEYS } from "./field";
import { usePopup } from "./popup";

const SAID_MS = 3000;

/** Takes the view along: as Python, pictures, a page, numbers. */
export function Tools({ store, actions }: { store: Store; actions: Actions }) {
  const whole = useComputed(() => store.view.value.isIdentity).value;
  return (
    <div class="tools">
      <CopyAsPython store={store} />
      <Export store={store} actions={actions} />
      <button type="button" {...KEYS} aria-disabled={whole} onClick={actions.resetView}>
        Reset view
      </button>
    </div>
  );
}

function CopyAsPython({ store }: { store: Store }) {
  /** The code, while it is shown for copying by hand. */
  const shown = useSignal("");
  const copied = useSignal(false);
  const text = useRef<HTMLTextAreaElement>(null);
  const hide = () => {
    shown.value = "";
  };
  const { anchor, popup } = usePopup(shown.value !== "", hide, 420);
  useEffect(() => {
    if (!copied.value) return;
    const timer = setTimeout(() => {
      copied.value = false;
    }, SAID_MS);
    return () => clearTimeout(timer);
  }, [copied.value]);
  useLayoutEffect(() => {
    text.current?.focus();
    text.current?.select();
  }, [shown.value]);

  const copy = async () => {
    const code = asPython(store);
    try {
      await navigator.clipboard.writeText(code);
      copied.value = true;
    } catch {
      // Frames of some hosts, and pages without https, may not write to the clipboard.
      shown.value = code;
    }
  };
  return (
    <div class="tool" ref={anchor}>
      <button type="button" {...KEYS} onClick={copy}>
        Copy as Python
      </button>
      <span class="said" role="status">
        {copied.value && "copied"}
      </span>
      <div class="popup" popover="manual" ref={popup}>
        {shown.value && (
          <label class="code">
            Select all and copy:
            <textarea
              ref={text}
              readOnly
              rows={Math.min(shown.value.split("\n").length, 14)}
              value={shown.value}
              {...KEYS}
            />
          </label>
        )}
      </div>
    </div>
  );
}

function save(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The download reads it after the click has been handled.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

const fileName = (ending: string, ...parts: string[]) =>
  `${parts
    .join("-")
    .replace(/\.[a-z]+\b/gi, "")
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .toLowerCase()}.${ending}`;

const NEEDS_PYTHON = "needs Python, which is not there";

function Export({ store, actions }: { store: Store; actions: Actions }) {
  const open = useSignal(false);
  const busy = useSignal(false);
  const close = () => {
    open.value = false;
  };
  const { anchor, popup } = usePopup(open.value, close);
  const items = () => [...(popup.current?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? [])];
  // Before the next key can come: on the button it would close the menu again.
  useLayoutEffect(() => {
    if (open.value) items()[0]?.focus();
  }, [open.value]);

  const tile = chosenTile(store);
  const map = store.answer.value?.tiles.get(`${tile.image}/${tile.column}`);
  const image = imageName(store, tile.image);
  const name = map ? `${image}, ${map.item.target_name}` : image;
  const method = store.traits.method.peek();
  const heading =
    store.answer.value && store.answer.value.columns.length > 1 ? columnHeading(store, tile.column) : "";
  const kernel = store.status.value !== "no-kernel" && (store.offer.value?.stored ?? true);
  const shelf = store.shelf.value !== null;
  const choices = [
    {
      text: "Picture of one tile (PNG)",
      note: heading ? `${name}, ${heading}` : name,
      possible: true,
      make: async () => save(await tilePicture(store, tile), fileName("png", "kx", name)),
    },
    {
      text: "Picture of the grid (PNG)",
      note: "every tile with its caption",
      possible: true,
      make: async () => save(await gridPicture(store), fileName("png", "kx", method, "grid")),
    },
    {
      text: "Page of its own (HTML)",
      note: shelf
        ? "of a store, the command kx show makes one"
        : kernel
          ? "this view with every answer so far, for any browser"
          : NEEDS_PYTHON,
      possible: kernel && !shelf,
      make: async () =>
        save(await actions.fetchFile("html", tile.column), fileName("html", "kx", method, "page")),
    },
    {
      text: "Numbers (NPZ)",
      note: kernel ? ["raw maps and scores, for numpy", heading].filter(Boolean).join(": ") : NEEDS_PYTHON,
      possible: kernel,
      make: async () =>
        save(await actions.fetchFile("npz", tile.column), fileName("npz", "kx", method, "maps", heading)),
    },
  ];
  const choose = (make: () => Promise<void>) => {
    close();
    anchor.current?.querySelector("button")?.focus();
    busy.value = true;
    make()
      .catch((error) =>
        actions.fail(`The file could not be made: ${error instanceof Error ? error.message : error}`),
      )
      .finally(() => {
        busy.value = false;
      });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const list = items();
    const at = list.indexOf(event.target as HTMLElement);
    const to: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1 + list.length, Home: 0, End: -1 };
    if (event.key in to) list.at(to[event.key] % list.length)?.focus();
    else {
      if (event.key === "Tab") anchor.current?.querySelector("button")?.focus();
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div class="tool" ref={anchor}>
      <button
        type="button"
        class="more"
        aria-haspopup="menu"
        aria-expanded={open.value}
        disabled={store.traits._images.value.length === 0}
        {...KEYS}
        onClick={() => {
          open.value = !open.value;
        }}
      >
        Export
      </button>
      <span class="said" role="status">
        {busy.value && "making the file…"}
      </span>
      <div class="popup" popover="manual" ref={popup}>
        {open.value && (
          <div role="menu" aria-label="Export" tabIndex={-1} {...KEYS} onKeyDown={onKeyDown}>
            {choices.map(({ text, note, possible, make }) => (
              <button
                type="button"
                class="item"
                role="menuitem"
                tabIndex={-1}
                key={text}
                aria-label={`${text}: ${note}`}
                aria-disabled={!possible || undefined}
                {...KEYS}
                onClick={() => possible && choose(make)}
              >
                <span>{text}</span>
                <span class="dim">{note}</span>
              </button>
            ))}
          </div>
        )}
      </div>
    </div>
  );
}
