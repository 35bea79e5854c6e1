import type { ComponentChildren } from "preact";
import { isBlank } from "../canvas/drawStyle";
import { conceptsText } from "../state/concepts";
import { predictionsTitle, scoreHint } from "../state/figures";
import { lastSegment } from "../state/format";
import { columnHeading, imageName } from "../state/labels";
import { comparesModels, firstModel, hasModels, modelOf } from "../state/models";
import { shownOverlay, showsMap } from "../state/segmentations";
import { chosenTile, focusedImage, mapOf, type Store } from "../state/store";
import { CloseUp } from "./closeUp";
import { colourMeaning } from "./colourMeaning";
import { EvidenceSection } from "./evidenceSection";
import { MapFacts } from "./mapFacts";
import { ModelsSection } from "./modelsSection";
import { NearestSection } from "./nearestSection";
import { PredictionBars, TruthLine, WhyNot } from "./predictionBars";
import type { StageProps, ViewProps } from "./props";
import { RegionLine } from "./regionTools";
import { Shortened } from "./shortened";

/** What there is to know of the image in focus. */
export function Panel({ store, actions, stage }: StageProps) {
  const { image, column } = chosenTile(store);
  const map = mapOf(store, { image, column });
  const compared = (store.answer.value?.columns.length ?? 0) > 1;
  const view = { store, actions };
  const model = modelOf(store, column);
  return (
    <div class="focus" data-painting={store.painting.isOn.value || undefined}>
      <Heading {...view} />
      <CloseUp {...view} stage={stage} image={image} />
      <RegionLine {...view} />
      {map && showsMap(store) && !isBlank(store, map) && <p class="dim">{colourMeaning(store, map)}</p>}
      {shownOverlay(store) === "concepts" && <p class="dim">Here: {conceptsText(store, { image, column })}.</p>}
      {comparesModels(store) && (
        <Section title="What each model says">
          <ModelsSection {...view} />
        </Section>
      )}
      <Section title={[predictionsTitle(store), model].filter(Boolean).join(" of ")}>
        <TruthLine store={store} image={image} />
        <PredictionBars {...view} image={image} explained={map?.item.target ?? -1} />
        <WhyNot {...view} image={image} />
        {scoreHint(store) && <p class="dim">{scoreHint(store)}</p>}
      </Section>
      {shownOverlay(store) !== "concepts" && (
        <Section title="Can it be believed?">
          <EvidenceSection {...view} />
        </Section>
      )}
      {store.nearest.value && store.epochShown.value === null && (
        <Section title={hasModels(store) ? `Images like this one, to ${firstModel(store)}` : "Images like this one"}>
          <NearestSection {...view} />
        </Section>
      )}
      <Section title={compared ? `This map: ${columnHeading(store, column)}` : "This map"}>
        <MapFacts store={store} />
      </Section>
    </div>
  );
}

/** A part of the panel under a heading of its own. */
function Section({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section>
      <h4>{title}</h4>
      {children}
    </section>
  );
}

/** The image before or after the one in focus, in the order of the rows; null beyond their ends. */
export function neighbour(store: Store, step: number): number | null {
  const rows = store.rows.value;
  const place = rows.indexOf(focusedImage(store));
  // One that the filter hides is followed by the first that it shows.
  return rows[place < 0 ? 0 : place + step] ?? null;
}

/** Puts another image into focus. */
export function stepTo({ store, actions }: ViewProps, step: number): void {
  const image = neighbour(store, step);
  if (image !== null) actions.selectTile({ image, column: chosenTile(store).column });
}

function Heading(view: ViewProps) {
  const { store } = view;
  const image = focusedImage(store);
  const { images } = store.facts.value;
  const path = store.traits._images.value[image]?.name ?? "";
  const name = lastSegment(path) || imageName(store, image);
  const place = store.rows.value.indexOf(image);
  const step = (by: number, label: string, key: string, sign: string) => (
    <button
      type="button"
      aria-label={label}
      title={`${label} (${key})`}
      aria-disabled={neighbour(store, by) === null}
      onClick={() => stepTo(view, by)}
    >
      {sign}
    </button>
  );
  return (
    <div class="whom">
      <h3 title={path} aria-label={name}>
        <Shortened text={name} />
      </h3>
      {images > 1 && (
        <div class="steps">
          {step(-1, "Previous image", "p", "‹")}
          <span class="dim">{place < 0 ? `image ${image + 1}` : `${place + 1} of ${store.rows.value.length}`}</span>
          {step(1, "Next image", "n", "›")}
        </div>
      )}
    </div>
  );
}
