interface LimitProps {
  label: string;
  /** Where it is on the bar, 0 (left) to 1 (right). */
  at: number;
  least: number;
  most: number;
  /** The value it stands for. */
  text: string;
  onMove(at: number): void;
  /** It stays where it was moved to. */
  onRelease(): void;
  onReset(): void;
}

const STEPS: Readonly<Record<string, number>> = {
  ArrowLeft: -0.01,
  ArrowDown: -0.01,
  ArrowRight: 0.01,
  ArrowUp: 0.01,
  PageDown: -0.1,
  PageUp: 0.1,
  Home: Number.NEGATIVE_INFINITY,
  End: Number.POSITIVE_INFINITY,
};

/** A mark on the colour bar that can be dragged and moved by keys. */
export function LimitHandle({ label, at, least, most, text, onMove, onRelease, onReset }: LimitProps) {
  const move = (to: number) => onMove(Math.min(Math.max(to, least), most));
  return (
    <div
      class="limit"
      role="slider"
      title={`${label} of the colours: drag it, or use the arrow keys`}
      tabIndex={0}
      aria-label={label}
      aria-valuemin={Math.round(least * 100)}
      aria-valuemax={Math.round(most * 100)}
      aria-valuenow={Math.round(at * 100)}
      aria-valuetext={text}
      // Where both are, the one with more room to move is on top.
      style={{ left: `${at * 100}%`, zIndex: most - least > 0.5 ? 1 : 0 }}
      onPointerDown={({ currentTarget, pointerId }) => currentTarget.setPointerCapture(pointerId)}
      onPointerMove={({ currentTarget, pointerId, clientX }) => {
        const bar = currentTarget.parentElement?.getBoundingClientRect();
        if (bar && currentTarget.hasPointerCapture(pointerId)) move((clientX - bar.left) / bar.width);
      }}
      onLostPointerCapture={onRelease}
      onDblClick={onReset}
      onKeyDown={(event) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        if (event.key in STEPS) {
          move(at + STEPS[event.key] * (event.shiftKey ? 10 : 1));
          onRelease();
        } else if (event.key === "Delete" || event.key === "Backspace") onReset();
        else return;
        event.preventDefault();
      }}
    />
  );
}
