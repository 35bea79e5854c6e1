/** Characters at the end that always stay: what tells files apart, and their kind. */
const TAIL = 9;

/** A name on one line that is shortened in the middle where it is too long. */
export function Shortened({ text }: { text: string }) {
  const cut = Math.max(0, text.length - TAIL);
  return (
    <span class="shortened" title={text}>
      <span class="head">{text.slice(0, cut)}</span>
      <span>{text.slice(cut)}</span>
    </span>
  );
}
