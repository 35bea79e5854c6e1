import type { Signal } from "@preact/signals";
import type { CurvesRecord } from "../kernel/protocol";
import { bandPath, type ChartScale, linePath, rangeOf } from "../math/chart";
import { within } from "../math/transform";
import { quantity } from "../state/format";

export type CurveName = "deletion" | "insertion";

const [WIDTH, HEIGHT] = [318, 150];
const [LEFT, RIGHT, TOP, BOTTOM] = [44, 8, 8, 20];

interface CurveChartProps {
  curves: CurvesRecord;
  curve: CurveName;
  /** Where the handle is; dragging sets it. */
  step: Signal<number>;
  at: number;
  /** The step in words. */
  words: string;
}

/** Keys by how many steps they move the handle. */
const KEYS: Readonly<Record<string, number>> = {
  ...{ ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 },
  ...{ PageUp: 2, PageDown: -2, Home: -1000, End: 1000 },
};

/** Where things lie: all curves are in sight. */
function scaleOf(curves: CurvesRecord): ChartScale {
  const { deletion, insertion, random_low, random_high } = curves;
  const [low, high] = rangeOf([...deletion, ...insertion, ...random_low, ...random_high], [0, 1]);
  return {
    x: (share) => LEFT + share * (WIDTH - LEFT - RIGHT),
    y: (value) => HEIGHT - BOTTOM - ((value - low) / (high - low)) * (HEIGHT - TOP - BOTTOM),
  };
}

/** Deletion and insertion with the band of random orders; a slider along the steps. */
export function CurveChart({ curves, curve, step, at, words }: CurveChartProps) {
  const steps = curves.covered.length - 1;
  const moveTo = (next: number) => {
    step.value = within(next, 0, steps);
  };
  const follow = (event: PointerEvent) => {
    const slider = event.currentTarget as HTMLElement;
    if (event.type === "pointerdown") slider.setPointerCapture(event.pointerId);
    else if (!slider.hasPointerCapture(event.pointerId)) return;
    const { left, width } = slider.getBoundingClientRect();
    const share = (((event.clientX - left) / width) * WIDTH - LEFT) / (WIDTH - LEFT - RIGHT);
    moveTo(Math.round(share * steps));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const by = KEYS[event.key];
    if (by === undefined) return;
    moveTo(at + by);
    event.preventDefault();
  };
  return (
    <div
      class="curve-chart"
      role="slider"
      tabIndex={0}
      title="Drag along it, or press the arrow keys, to see what was scored"
      aria-label={curve === "deletion" ? "Part that is covered" : "Part that is shown"}
      aria-valuemin={0}
      aria-valuemax={steps}
      aria-valuenow={at}
      aria-valuetext={words}
      onPointerDown={follow}
      onPointerMove={follow}
      onKeyDown={onKeyDown}
    >
      <Curves curves={curves} curve={curve} at={at} />
    </div>
  );
}

export function Curves({ curves, curve, at }: Pick<CurveChartProps, "curves" | "curve" | "at">) {
  const scale = scaleOf(curves);
  const x = scale.x((curve === "deletion" ? curves.covered : curves.shown)[at]);
  const value = curves[curve][at];
  const marks = { scale, bottom: HEIGHT - BOTTOM };
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      <path class="band" d={bandPath(scale, curves.covered, curves.random_low, curves.random_high)} />
      <Axes scale={scale} ends={endTexts(curves)} />
      <path class="curve" data-curve="insertion" d={linePath(scale, curves.shown, curves.insertion)} />
      <path class="curve" data-curve="deletion" d={linePath(scale, curves.covered, curves.deletion)} />
      <ShareMark {...marks} share={curves.flips_at} curve="deletion" />
      <ShareMark {...marks} share={curves.keeps_at} curve="insertion" />
      <path class="handle" d={`M${x} ${TOP}V${HEIGHT - BOTTOM}`} />
      {value !== null && <circle class="handle" cx={x} cy={scale.y(value)} r="4.5" data-curve={curve} />}
    </svg>
  );
}

/** What stands at the axis where all is covered, and for the picture. */
function endTexts({ value, ends }: CurvesRecord): readonly string[] {
  if (value === "probability") return ["0 %", "100 %"];
  // Pages that an earlier version saved have none.
  return ends?.length ? ends.map((end) => quantity(end)) : ["0", "1"];
}

function Axes({ scale, ends }: { scale: ChartScale; ends: readonly string[] }) {
  return (
    <>
      <path class="axis" d={`M${LEFT} ${scale.y(0)}H${WIDTH - RIGHT}`} />
      {ends.map((text, tick) => (
        <text key={tick} x={LEFT - 5} y={scale.y(tick) + 3} text-anchor="end">
          {text}
        </text>
      ))}
      {(["start", "middle", "end"] as const).map((anchor, tick) => (
        <text key={anchor} x={scale.x(tick / 2)} y={HEIGHT - 4} text-anchor={anchor}>
          {50 * tick} %{tick === 2 && " of the picture"}
        </text>
      ))}
    </>
  );
}

interface ShareMarkProps {
  scale: ChartScale;
  share: number | null;
  curve: CurveName;
  bottom: number;
}

/** A share of the picture at which the prediction changes: a triangle on the axis. */
function ShareMark({ scale, share, curve, bottom }: ShareMarkProps) {
  if (share === null) return null;
  return <path class="mark-at" data-curve={curve} d={`M${scale.x(share)} ${bottom}l-4 7h8Z`} />;
}
