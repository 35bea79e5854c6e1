import { useLayoutEffect, useRef } from "preact/hooks";

const GAP = 4;
const MARGIN = 8;
const TALLEST = 480;

/** Where a popup lies: below its anchor where there is room, else above. */
function placeOf(anchor: HTMLElement, least: number) {
  const at = anchor.getBoundingClientRect();
  const below = innerHeight - at.bottom - MARGIN - GAP;
  const above = at.top - MARGIN - GAP;
  const down = below >= Math.min(TALLEST, above);
  const view = anchor.closest(".kx")?.getBoundingClientRect();
  const right = Math.min(view?.right ?? innerWidth, innerWidth) - MARGIN;
  const width = Math.min(Math.max(at.width, least), innerWidth - 2 * MARGIN);
  const left = Math.max(Math.min(at.left, right - width), MARGIN);
  return {
    width: `${width}px`,
    left: `${left}px`,
    maxHeight: `${Math.min(TALLEST, Math.max(down ? below : above, 120))}px`,
    top: down ? `${at.bottom + GAP}px` : "auto",
    bottom: down ? "auto" : `${innerHeight - at.top + GAP}px`,
  };
}

/**
 * Keeps a popup beside its anchor; returns what stops it. No event tells that something above the anchor has grown,
 * so each frame looks where the anchor is, and styles are written only when it has moved.
 */
function follow(popup: HTMLElement, anchor: HTMLElement, least: number): () => void {
  let frame = 0;
  let before = "";
  const update = () => {
    const place = placeOf(anchor, least);
    const text = JSON.stringify(place);
    if (text !== before) Object.assign(popup.style, place);
    before = text;
    frame = requestAnimationFrame(update);
  };
  update();
  return () => cancelAnimationFrame(frame);
}

/** Shows an element in the top layer beside its anchor, where no cell output can clip it. */
export function usePopup(open: boolean, close: () => void, least = 280) {
  const anchorRef = useRef<HTMLDivElement>(null);
  const popupRef = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const [anchor, popup] = [anchorRef.current, popupRef.current];
    if (!open || !anchor || !popup) return;
    const listening = new AbortController();
    const { signal } = listening;
    const onPointerDown = (event: Event) => {
      const path = event.composedPath();
      if (!path.includes(popup) && !path.includes(anchor)) close();
    };
    const onFocusOut = ({ relatedTarget }: FocusEvent) => {
      if (relatedTarget instanceof Node && !anchor.contains(relatedTarget)) close();
    };
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      close();
      anchor.querySelector("button")?.focus();
      event.stopPropagation();
    };
    popup.showPopover();
    const stop = follow(popup, anchor, least);
    addEventListener("pointerdown", onPointerDown, { capture: true, signal });
    anchor.addEventListener("focusout", onFocusOut, { signal });
    anchor.addEventListener("keydown", onKeyDown, { signal });
    return () => {
      stop();
      listening.abort();
      if (popup.isConnected) popup.hidePopover();
    };
  }, [open]);
  return { anchor: anchorRef, popup: popupRef };
}
