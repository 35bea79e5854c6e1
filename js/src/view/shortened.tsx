/** Characters at the end that always stay: what tells files apart, and their kind. */
const TAIL = 9;
/** Names that are no longer are left whole. */
const SHORT = 10;

/** A name on one line that is shortened in the middle where it is too long; null is for those with a title around. */
export function Shortened({ text, title = text }: { text: string; title?: string | null }) {
  const cut = text.length > SHORT ? text.length - TAIL : text.length;
  return (
    <span class="shortened" title={title ?? undefined}>
      <span class="head">{text.slice(0, cut)}</span>
      <span>{text.slice(cut)}</span>
    </span>
  );
}
