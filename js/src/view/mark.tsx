/** A sign that something is to be said, which a pointer or a screen reader is told. */
export const Mark = ({ text, sign = "!" }: { text: string; sign?: string }) => (
  <span class="mark" role="img" aria-label={text} title={text}>
    {sign}
  </span>
);
