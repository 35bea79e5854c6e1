import { type Signal, useSignal } from "@preact/signals";
import type { CellsRecord, EvidenceRecord } from "../kernel/protocol";
import { type ChartScale, rangeOf } from "../math/chart";
import { toHundredths, value } from "../state/format";

const [SIDE, GAP, CHART] = [150, 1, 150];
const MARGIN = 12;

/** What covering each cell costs beside what the map has there: the most honest picture of all. */
export function CellsTab({ record }: { record: EvidenceRecord }) {
  const pointed = useSignal<number | null>(null);
  const { cells } = record;
  if (!cells) return <p class="dim">No cells of this map yet.</p>;
  const { correlation } = cells;
  return (
    <>
      <div class="cells">
        <CellGrid title="what covering it costs" grid={cells.grid} values={cells.losses} pointed={pointed} />
        <CellGrid title="what the map has there" grid={cells.grid} values={cells.sums} pointed={pointed} />
      </div>
      <Scatter cells={cells} pointed={pointed} />
      <p class="dim" role="status">
        {pointed.value === null ? order(correlation) : cellText(cells, pointed.value)}
      </p>
    </>
  );
}

const order = (correlation: number | null) =>
  correlation === null
    ? "Their order cannot be compared."
    : `Their order agrees by ρ ${toHundredths(correlation)}, 1 being the same; by chance it is within ± 0.5.`;

export function cellText({ grid, losses, sums }: CellsRecord, cell: number): string {
  const place = `row ${Math.floor(cell / grid) + 1}, column ${(cell % grid) + 1}`;
  return `${place}: covering it costs ${value(losses[cell])}, the map has ${value(sums[cell])}.`;
}

interface CellGridProps {
  title: string;
  grid: number;
  values: readonly (number | null)[];
  pointed: Signal<number | null>;
}

/** Cells as dark as their values are large; those below zero have another hue and a stroke. */
export function CellGrid({ title, grid, values, pointed }: CellGridProps) {
  const [low, high] = rangeOf(values, [0, 0]);
  const most = Math.max(high, -low) || 1;
  const size = SIDE / grid;
  return (
    <figure>
      <figcaption class="dim" aria-hidden="true">
        {title}
      </figcaption>
      <svg
        viewBox={`0 0 ${SIDE} ${SIDE}`}
        role="img"
        aria-label={`${title}, row by row: ${values.map((each) => value(each)).join(", ")}`}
        onPointerLeave={() => {
          pointed.value = null;
        }}
      >
        {values.map((each, cell) => (
          <rect
            key={String(cell)}
            x={(cell % grid) * size}
            y={Math.floor(cell / grid) * size}
            width={size - GAP}
            height={size - GAP}
            class="cell"
            data-below={(each ?? 0) < 0 || undefined}
            data-pointed={pointed.value === cell || undefined}
            style={{ "--strength": Math.abs(each ?? 0) / most }}
            onPointerEnter={() => {
              pointed.value = cell;
            }}
          />
        ))}
      </svg>
    </figure>
  );
}

/** Each cell as a point: the map's sum to the right, the loss upwards. */
export function Scatter({ cells, pointed }: { cells: CellsRecord; pointed: Signal<number | null> }) {
  const width = 2 * SIDE + MARGIN;
  const [xs, ys] = [rangeOf(cells.sums, [0, 0]), rangeOf(cells.losses, [0, 0])];
  const part = (each: number, [low, high]: [number, number]) => (high > low ? (each - low) / (high - low) : 0.5);
  const scale: ChartScale = {
    x: (each) => MARGIN + part(each, xs) * (width - 2 * MARGIN),
    y: (each) => CHART - MARGIN - part(each, ys) * (CHART - 2 * MARGIN),
  };
  const points = cells.sums.flatMap((sum, cell) => {
    const loss = cells.losses[cell];
    return sum === null || loss === null ? [] : [{ cell, x: scale.x(sum), y: scale.y(loss) }];
  });
  return (
    <svg
      class="scatter"
      viewBox={`0 0 ${width} ${CHART}`}
      role="img"
      aria-label={`Each cell: the map's sum to the right, what covering it costs upwards. ${order(cells.correlation)}`}
      onPointerLeave={() => {
        pointed.value = null;
      }}
    >
      <path class="axis" d={`M${MARGIN} ${scale.y(0)}H${width - MARGIN}M${scale.x(0)} ${MARGIN}V${CHART - MARGIN}`} />
      <text x={width - MARGIN} y={CHART - 1} text-anchor="end">
        the map’s sum →
      </text>
      <text x={MARGIN} y={9}>
        ↑ loss
      </text>
      {points.map(({ cell, x, y }) => (
        <circle
          key={cell}
          cx={x}
          cy={y}
          r={pointed.value === cell ? 6 : 4}
          data-pointed={pointed.value === cell || undefined}
          onPointerEnter={() => {
            pointed.value = cell;
          }}
        />
      ))}
    </svg>
  );
}
