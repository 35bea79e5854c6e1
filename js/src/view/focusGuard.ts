import type { RefObject } from "preact";
import { useLayoutEffect } from "preact/hooks";

const CONTROLS = "button, input, select, textarea, summary, [tabindex='0']";

const reachable = (inside: Element): HTMLElement[] =>
  [...inside.querySelectorAll<HTMLElement>(CONTROLS)].filter(
    (control) => control.tabIndex >= 0 && !control.matches(":disabled") && control.checkVisibility(),
  );

/** When the focused control is removed, often because it was used, the focus goes to its nearest neighbour. */
export function useFocusGuard(frame: RefObject<HTMLElement>): void {
  useLayoutEffect(() => {
    const root = frame.current;
    if (!root) return;
    let focused: HTMLElement | null = null;
    /** The boxes around it, from the inside to the outside, and its place among the controls of each. */
    let around: { box: HTMLElement; place: number }[] = [];

    const onFocusIn = ({ target }: FocusEvent) => {
      focused = target as HTMLElement;
      around = [];
      for (let box = focused.parentElement; box && root.contains(box); box = box.parentElement) {
        around.push({ box, place: reachable(box).indexOf(focused) });
      }
    };
    // Some browsers fire this for removed elements, too.
    const onFocusOut = () =>
      queueMicrotask(() => {
        if (focused?.isConnected && !focused.matches(":focus")) focused = null;
      });
    const observer = new MutationObserver(() => {
      if (!focused || focused.isConnected) return;
      focused = null;
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

/** Drops the second click of a double click where another control has come under the pointer since the first. */
export function useStrayClickGuard(frame: RefObject<HTMLElement>): void {
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
