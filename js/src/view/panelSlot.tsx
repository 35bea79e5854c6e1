import { useSignal } from "@preact/signals";
import { CloseButton } from "./field";
import { Panel } from "./panel";
import type { StageProps } from "./props";
import { setTo } from "./setTo";

/** Whether the panel is open: as it was left, else where there is a column for it. */
export function usePanel(hasColumn: boolean) {
  const left = useSignal<boolean | null>(null);
  const isOpen = left.value ?? hasColumn;
  return { isOpen, toggle: setTo(left, !isOpen), close: setTo(left, false) };
}

/** The place of the panel beside the grid: a column, or where there is no room for one a drawer over the grid. */
export function PanelSlot({ close, ...view }: StageProps & { close(): void }) {
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape" && !event.defaultPrevented) close();
  };
  return (
    <aside class="panel" aria-label="Image in focus" tabIndex={-1} onKeyDown={onKeyDown}>
      <CloseButton label="Close the panel" onClick={close} />
      <Panel {...view} />
    </aside>
  );
}

export const PanelButton = ({ isOpen, toggle }: { isOpen: boolean; toggle(): void }) => (
  <button
    type="button"
    class="panel-button"
    aria-label="Panel"
    aria-expanded={isOpen}
    title="The image in focus: large, with its most probable classes"
    onClick={toggle}
  >
    <span aria-hidden="true" />
  </button>
);
