import type { RefObject } from "preact";
import { useLayoutEffect } from "preact/hooks";

const CONTROLS = "button, input, select, textarea, summary, [tabindex='0']";

const reachable = (inside: Element): HTMLElement[] =>
  [...inside.querySelectorAll<HTMLElement>(CONTROLS)].filter(
    (control) => control.tabIndex >= 0 && !control.matches(":disabled") && control.checkVisibility(),
  );

/** When what has the focus vanishes, often because it was used, its nearest neighbour has it, not the whole page. */
export function useKeptFocus(frame: RefObject<HTMLElement>): void {
  useLayoutEffect(() => {
    const root = frame.current;
    if (!root) return;
    let held: HTMLElement | null = null;
    /** What it was in, from the inside to the outside, and its place among what can have the focus there. */
    let around: { box: HTMLElement; place: number }[] = [];

    const onFocusIn = ({ target }: FocusEvent) => {
      held = target as HTMLElement;
      around = [];
      for (let box = held.parentElement; box && root.contains(box); box = box.parentElement) {
        around.push({ box, place: reachable(box).indexOf(held) });
      }
    };
    // Some browsers say this of what vanishes, too.
    const onFocusOut = () =>
      queueMicrotask(() => {
        if (held?.isConnected && !held.matches(":focus")) held = null;
      });
    const observer = new MutationObserver(() => {
      if (!held || held.isConnected) return;
      held = null;
      if (document.activeElement !== document.body) return;
      const boxes = around.filter(({ box }) => box.isConnected);
      const scrolled = boxes.find(({ box }) => box.hasAttribute("tabindex"))?.box;
      for (const { box, place } of boxes) {
        const others = reachable(box);
        const next = scrolled ?? others[Math.min(place, others.length - 1)];
        if (next) return next.focus({ preventScroll: true });
      }
    });
    root.addEventListener("focusin", onFocusIn);
    root.addEventListener("focusout", onFocusOut);
    observer.observe(root, { childList: true, subtree: true });
    return () => {
      root.removeEventListener("focusin", onFocusIn);
      root.removeEventListener("focusout", onFocusOut);
      observer.disconnect();
    };
  }, []);
}

/** The second click of a double click is for what the first one hit, not for what has come under the pointer since. */
export function useSteadyClicks(frame: RefObject<HTMLElement>): void {
  useLayoutEffect(() => {
    const root = frame.current;
    if (!root) return;
    let first: Element | null = null;
    const onClick = (event: MouseEvent) => {
      const hit = event.target as Element;
      const control = hit.closest("label")?.control ?? hit.closest(CONTROLS);
      if (event.detail < 2) first = control;
      else if (control && control !== first) {
        event.preventDefault();
        event.stopPropagation();
      }
    };
    root.addEventListener("click", onClick, { capture: true });
    return () => root.removeEventListener("click", onClick, { capture: true });
  }, []);
}
