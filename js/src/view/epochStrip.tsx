import type { ChartScale } from "../math/chart";
import { linePath, rangeOf } from "../math/chart";
import { type EpochCurve, epochCurves, momentPlace, momentShown, shownMoments } from "../state/epochs";
import { percent, quantity, value } from "../state/format";
import { imageName, questionText } from "../state/labels";
import { chosenTile, currentQuestion, type Store } from "../state/store";
import type { ViewProps } from "./props";

const [WIDTH, HEIGHT, MARGIN, LEFT] = [360, 56, 6, 26];
/** Of more points a line is enough. */
const MOST_DOTS = 60;

/** A training that goes on or has ended: what a picture's numbers did meanwhile, and a way back to the maps. */
export function EpochStrip({ store, actions }: ViewProps) {
  const table = store.epochs.value;
  if (!table || table.moments.length + table.notes.length === 0) return null;
  const curves = epochCurves(store);
  return (
    <section class="epochs" aria-label="Training">
      {shownMoments(store).length > 0 && <MomentSlider store={store} actions={actions} />}
      {curves.length > 0 && (
        <div class="epoch-curves">
          <EpochChart store={store} curves={curves} />
          <ul>
            {curves.map(({ figure, now }, index) => (
              <li key={figure.name} data-curve={index}>
                <b>{figure.title}</b> {now === null ? "not known here" : figureText(figure.name, now)}
                {figure.better && <span class="dim"> · {figure.better} is better</span>}
              </li>
            ))}
            <li class="dim">of {imageName(store, chosenTile(store).image)}, by epoch</li>
          </ul>
        </div>
      )}
      {table.notes.map((note) => (
        <p key={note} class="dim">
          {note}
        </p>
      ))}
    </section>
  );
}

const figureText = (name: string, number: number) => (name === "probability" ? percent(number) : value(number));

function MomentSlider({ store, actions }: ViewProps) {
  const place = momentPlace(store);
  const last = shownMoments(store).length - 1;
  const words = momentText(store);
  return (
    <div class="moment">
      <label for="kx-moment">Epochs</label>
      <input
        id="kx-moment"
        type="range"
        title="Goes back to the maps of earlier epochs"
        min="0"
        max={last}
        step="1"
        value={place}
        aria-valuetext={words}
        onInput={(event) => actions.showMoment(event.currentTarget.valueAsNumber)}
      />
      <span class="words" role="status">
        {words}
      </span>
      <button
        type="button"
        title="Shows the maps of the weights as they are"
        aria-disabled={store.epochShown.value === null}
        onClick={() => actions.showMoment(last)}
      >
        {store.epochs.value?.training ? "Follow" : "Latest"}
      </button>
    </div>
  );
}

/** Which moment is shown, and of what question where that is another one than is asked now. */
function momentText(store: Store): string {
  const moment = momentShown(store);
  if (!moment) return "";
  const isPast = store.epochShown.value !== null;
  const [asked, now] = [questionText(store, moment.record.asked), questionText(store, currentQuestion(store))];
  const training = store.epochs.value?.training && !isPast ? ", training" : "";
  return [`${moment.record.words}${training}`, isPast && asked !== now && asked].filter(Boolean).join(" · ");
}

function EpochChart({ store, curves }: { store: Store; curves: readonly EpochCurve[] }) {
  const [low, high] = rangeOf(
    curves.flatMap(({ values }) => values),
    [0, 1],
  );
  const [first, last] = rangeOf(
    curves.flatMap(({ epochs }) => epochs),
    [0, 1],
  );
  const scale: ChartScale = {
    x: (epoch) => LEFT + ((epoch - first) / (last - first)) * (WIDTH - LEFT - MARGIN),
    y: (number) => HEIGHT - MARGIN - ((number - low) / (high - low)) * (HEIGHT - 2 * MARGIN),
  };
  const shown = momentShown(store)?.record.epoch;
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      <path class="axis" d={`M${LEFT} ${scale.y(0)}H${WIDTH - MARGIN}`} />
      {[low, high].map((end) => (
        <text key={end} x={LEFT - 5} y={scale.y(end) + 4} text-anchor="end">
          {quantity(end)}
        </text>
      ))}
      {shown !== undefined && <path class="handle" d={`M${scale.x(shown)} 0V${HEIGHT}`} />}
      {curves.map(({ figure, epochs, values }, index) => (
        <g key={figure.name} data-curve={index}>
          <path d={linePath(scale, epochs, values)} />
          {values.length <= MOST_DOTS &&
            values.map((number, i) => <circle key={i} cx={scale.x(epochs[i])} cy={scale.y(number)} r="2" />)}
        </g>
      ))}
    </svg>
  );
}
