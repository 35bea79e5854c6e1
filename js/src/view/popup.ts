import { useLayoutEffect, useRef } from "preact/hooks";

const GAP = 4;
const MARGIN = 8;
const TALLEST = 340;

function place(popup: HTMLElement, anchor: HTMLElement, least: number): void {
  const at = anchor.getBoundingClientRect();
  const below = innerHeight - at.bottom - MARGIN - GAP;
  const above = at.top - MARGIN - GAP;
  const down = below >= Math.min(TALLEST, above);
  const around = anchor.closest(".kx")?.getBoundingClientRect();
  const right = Math.min(around?.right ?? innerWidth, innerWidth) - MARGIN;
  const width = Math.min(Math.max(at.width, least), innerWidth - 2 * MARGIN);
  const left = Math.max(Math.min(at.left, right - width), MARGIN);
  Object.assign(popup.style, {
    width: `${width}px`,
    left: `${left}px`,
    maxHeight: `${Math.min(TALLEST, Math.max(down ? below : above, 120))}px`,
    top: down ? `${at.bottom + GAP}px` : "auto",
    bottom: down ? "auto" : `${innerHeight - at.top + GAP}px`,
  });
}

/** Shows an element in the top layer beside its anchor, out of reach of any clipping cell output. */
export function usePopup(open: boolean, close: () => void, least = 280) {
  const anchor = useRef<HTMLDivElement>(null);
  const popup = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const box = popup.current;
    const beside = anchor.current;
    if (!open || !box || !beside) return;
    // What lies above may grow at any time.
    let frame = 0;
    const follow = () => {
      place(box, beside, least);
      frame = requestAnimationFrame(follow);
    };
    const outside = (event: Event) => {
      const path = event.composedPath();
      if (!path.includes(box) && !path.includes(beside)) close();
    };
    const onFocusOut = ({ relatedTarget }: FocusEvent) => {
      if (relatedTarget instanceof Node && !beside.contains(relatedTarget)) close();
    };
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      close();
      beside.querySelector("button")?.focus();
      event.stopPropagation();
    };
    box.showPopover();
    follow();
    addEventListener("pointerdown", outside, { capture: true });
    beside.addEventListener("focusout", onFocusOut);
    beside.addEventListener("keydown", onKeyDown);
    return () => {
      cancelAnimationFrame(frame);
      removeEventListener("pointerdown", outside, { capture: true });
      beside.removeEventListener("focusout", onFocusOut);
      beside.removeEventListener("keydown", onKeyDown);
      if (box.isConnected) box.hidePopover();
    };
  }, [open]);
  return { anchor, popup };
}
