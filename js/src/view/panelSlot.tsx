import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { CloseButton } from "./field";
import { undoByKeys } from "./paintTab";
import { Panel, stepTo } from "./panel";
import type { StageProps } from "./props";
import { setTo } from "./setTo";

/** Whether the panel is open: as it was left, else where there is a column for it. */
export function usePanel(hasColumn: boolean) {
  const left = useSignal<boolean | null>(null);
  const isOpen = left.value ?? hasColumn;
  return { isOpen, toggle: setTo(left, !isOpen), close: setTo(left, false) };
}

/** Keys that put the next or the previous image into focus. */
const STEPS = new Map([
  ["n", 1],
  ["p", -1],
]);

interface PanelSlotProps extends StageProps {
  /** It lies over the grid, where there is no room for a column. */
  isDrawer: boolean;
  close(): void;
}

/** The place of the panel beside the grid. */
export function PanelSlot({ isDrawer, close, ...view }: PanelSlotProps) {
  const slot = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    if (isDrawer) slot.current?.focus();
  }, [isDrawer]);
  const onKeyDown = (event: KeyboardEvent) => {
    undoByKeys(view, event);
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = STEPS.get(event.key);
    if (step !== undefined) stepTo(view, step);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
  };
  return (
    <section class="panel" ref={slot} aria-label="Image in focus" tabIndex={-1} onKeyDown={onKeyDown}>
      <CloseButton label="Close the panel" onClick={close} />
      <Panel {...view} />
    </section>
  );
}

export const PanelButton = ({ isOpen, toggle }: { isOpen: boolean; toggle(): void }) => (
  <button
    type="button"
    class="panel-button"
    aria-label="Panel"
    aria-expanded={isOpen}
    title="The image in focus: large, with what the model predicts"
    onClick={toggle}
  >
    <span aria-hidden="true" />
  </button>
);
