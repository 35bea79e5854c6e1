import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { setTo } from "./setTo";
import { usePopup } from "./usePopup";

/** Milliseconds that "copied" is shown. */
const COPIED_MS = 3000;
const WIDTH = 420;

interface CopyAsPythonProps {
  /** What the code does. */
  title: string;
  disabled?: boolean;
  code(): string;
}

export function CopyAsPython({ title, disabled, code }: CopyAsPythonProps) {
  /** The code, while it is shown for copying by hand. */
  const shown = useSignal("");
  const copied = useSignal(false);
  const text = useRef<HTMLTextAreaElement>(null);
  const { anchor, popup } = usePopup(shown.value !== "", setTo(shown, ""), WIDTH);
  useEffect(() => {
    if (!copied.value) return;
    const timer = setTimeout(setTo(copied, false), COPIED_MS);
    return () => clearTimeout(timer);
  }, [copied.value]);
  useLayoutEffect(() => {
    text.current?.focus();
    text.current?.select();
  }, [shown.value]);

  const copy = async () => {
    if (disabled) return;
    const written = code();
    try {
      await navigator.clipboard.writeText(written);
      copied.value = true;
    } catch {
      // Frames of some hosts, and pages without https, may not write to the clipboard.
      shown.value = written;
    }
  };
  const rows = Math.min(shown.value.split("\n").length, 14);
  return (
    <div class="tool" ref={anchor}>
      <button type="button" title={title} aria-disabled={disabled || undefined} onClick={copy}>
        Copy as Python
      </button>
      <span class="said" role="status">
        {copied.value && "copied"}
      </span>
      <div class="popup" popover="manual" ref={popup}>
        {shown.value && (
          <label class="code">
            Select all and copy:
            <textarea ref={text} readOnly rows={rows} value={shown.value} />
          </label>
        )}
      </div>
    </div>
  );
}
