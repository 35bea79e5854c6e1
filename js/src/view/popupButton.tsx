import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { setTo } from "./setTo";
import { usePopup } from "./usePopup";

interface PopupButtonProps {
  label: string;
  title: string;
  children: ComponentChildren;
}

/** A button that opens and closes a group of controls beside it. */
export function PopupButton({ label, title, children }: PopupButtonProps) {
  const open = useSignal(false);
  const { anchor, popup } = usePopup(open.value, setTo(open, false));
  return (
    <div class="tool" ref={anchor}>
      <button type="button" class="more" aria-expanded={open.value} title={title} onClick={setTo(open, !open.value)}>
        {label}
      </button>
      <div class="popup" popover="manual" role="group" aria-label={label} ref={popup}>
        {open.value && <div class="settings">{children}</div>}
      </div>
    </div>
  );
}
