import type { SuspectPicture, SuspicionRecord } from "../kernel/protocol";
import { suspicionFilter } from "../state/filterSort";
import type { Store } from "../state/store";
import { suspicionFacts } from "../state/suspects";
import type { ViewProps } from "./props";

/** Told apart without colours, too. */
const MARKS: Readonly<Record<SuspicionRecord["verdict"], string>> = {
  confirmed: "✕",
  "not confirmed": "○",
  "not testable": "?",
};

/** Opens and closes what a search for shortcuts has found; nothing where nobody has searched. */
export function SuspicionsButton({ store }: { store: Store }) {
  const suspicions = store.constants.value?.suspicions;
  if (!suspicions) return null;
  const { showsSuspicions } = store;
  const { items } = suspicions;
  const confirmed = items.filter(({ verdict }) => verdict === "confirmed").length;
  return (
    <button
      type="button"
      title="Images that stand apart from their class: is the model right for the right reason?"
      aria-expanded={showsSuspicions.value}
      aria-controls="kx-suspicions"
      onClick={() => {
        showsSuspicions.value = !showsSuspicions.value;
      }}
    >
      Suspicions ({items.length}
      {confirmed > 0 && `, ${confirmed} confirmed`})
    </button>
  );
}

export function Suspicions({ store, actions }: ViewProps) {
  const suspicions = store.constants.value?.suspicions;
  if (!suspicions || !store.showsSuspicions.value) return null;
  const items = suspicions.items.map((record, place) => ({ record, place }));
  const first = items.filter(({ record }) => record.verdict !== "not confirmed");
  const rest = items.filter(({ record }) => record.verdict === "not confirmed");
  const isRestShown = rest.some(({ place }) => store.traits.show.value === suspicionFilter(place));
  return (
    // It scrolls, so that a keyboard has to reach it.
    <section id="kx-suspicions" class="suspicions" aria-label="Suspicions" tabIndex={-1}>
      <p class="suspicions-headline">
        <b>Is the model right for the right reason?</b> {suspicions.headline}
      </p>
      <p class="dim">{suspicions.summary}</p>
      <Cards {...{ store, actions }} items={first} />
      {rest.length > 0 && (
        <details class="numbers" open={first.length === 0 || isRestShown}>
          <summary>{rest.length} that were tested and not confirmed</summary>
          <Cards {...{ store, actions }} items={rest} />
        </details>
      )}
      <details class="numbers">
        <summary>What such a search cannot find</summary>
        <ul>
          {suspicions.limits.map((limit) => (
            <li key={limit}>{limit}</li>
          ))}
        </ul>
      </details>
    </section>
  );
}

interface Placed {
  record: SuspicionRecord;
  place: number;
}

const Cards = ({ items, ...view }: ViewProps & { items: readonly Placed[] }) => (
  <div class="suspicion-cards">
    {items.map((item) => (
      <SuspicionCard key={String(item.place)} {...view} {...item} />
    ))}
  </div>
);

/** A suspicion, and the button that shows its images alone. */
export function SuspicionCard({ store, actions, record, place }: ViewProps & Placed) {
  const filter = suspicionFilter(place);
  const count = store.filters.value.get(filter) ?? 0;
  const isShown = store.traits.show.value === filter;
  return (
    <article data-verdict={record.verdict} aria-label={`Suspicion ${place + 1}: ${record.target_name}`}>
      <h4>
        {record.target_name}
        <span class="verdict">
          <span aria-hidden="true">{MARKS[record.verdict]}</span> {record.verdict}
        </span>
      </h4>
      <p class="dim">{suspicionFacts(record, count)}</p>
      <button
        type="button"
        aria-pressed={isShown}
        disabled={count === 0}
        title={isShown ? "Show all images again" : "Show them alone in the grid"}
        onClick={() => actions.arrange({ show: isShown ? "all" : filter })}
      >
        {isShown ? "Show all images" : `Show its ${count} ${count === 1 ? "image" : "images"}`}
      </button>
      <div class="suspects">
        {record.map && (
          <figure>
            <img src={record.map} alt="Their mean map" title="Their mean map, of what speaks for the class" />
            <figcaption>mean map</figcaption>
          </figure>
        )}
        {record.pictures.map((picture) => (
          <Suspect key={picture.name} picture={picture} />
        ))}
      </div>
      <p>{record.why}</p>
    </article>
  );
}

const PERCENT = 100;

function Suspect({ picture: { name, url, box } }: { picture: SuspectPicture }) {
  const [left, top, right, bottom] = (box ?? []).map((side) => PERCENT * side);
  return (
    <figure>
      <img src={url} alt={name} title={box ? `${name}: the box is what was covered, and pasted elsewhere` : name} />
      {box && (
        <span
          class="box"
          style={{ left: `${left}%`, top: `${top}%`, width: `${right - left}%`, height: `${bottom - top}%` }}
        />
      )}
    </figure>
  );
}
