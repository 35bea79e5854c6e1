import { useSignal } from "@preact/signals";
import type { Neighbour } from "../kernel/protocol";
import { isRight } from "../state/filterSort";
import { briefName, imageName } from "../state/labels";
import { chosenNearest, isSameClass, neighbourText } from "../state/nearest";
import { chosenTile, focusedImage, type Store } from "../state/store";
import { PictureCanvas } from "./coveredView";
import type { ViewProps } from "./props";
import { ToggleButtons } from "./toggleButtons";

/** The images that the model sees most like the one in focus; a click puts one of them into focus. */
export function NearestSection({ store, actions }: ViewProps) {
  const onlyRight = useSignal(false);
  const record = chosenNearest(store);
  if (!record) return <p class="dim">Not looked for yet.</p>;
  if (record.nearest.length === 0) return <p class="dim">{record.why}</p>;
  const hasRight = record.right.length > 0;
  const neighbours = onlyRight.value && hasRight ? record.right : record.nearest;
  const isWrong = isRight(store.facts.value, focusedImage(store)) === false;
  const choices = [
    [false, "all", "Of all images"],
    [true, isWrong ? "right ones" : "predicted right", "Of the images that are predicted right"],
  ] as const;
  return (
    <div class="nearest">
      {hasRight && (
        <div class="button-row" role="group" aria-label="Nearest images of">
          <ToggleButtons signal={onlyRight} choices={choices} />
        </div>
      )}
      <ol class="neighbours" aria-label="Images like this one">
        {neighbours.map((neighbour, place) => (
          // By their places, so that the keyboard's focus stays where it is while the images change.
          <NeighbourButton key={String(place)} store={store} actions={actions} neighbour={neighbour} />
        ))}
      </ol>
      <p class="dim">
        By the cosine of mean activations at {store.layerName(store.nearest.value?.layer ?? "")}. It says that the model
        sees them alike, not why.
      </p>
    </div>
  );
}

function NeighbourButton({ store, actions, neighbour }: ViewProps & { neighbour: Neighbour }) {
  const { image, similarity } = neighbour;
  const picture = store.traits._images.value[image];
  const text = neighbourText(store, image, similarity);
  return (
    <li>
      <button
        type="button"
        title={picture?.problem ? `${text}: ${picture.problem}` : text}
        onClick={() => actions.selectTile({ image, column: chosenTile(store).column })}
      >
        <PictureCanvas picture={picture} caption={`${imageName(store, image)}, similarity`} />
        <span class="figure">{similarity.toFixed(2)}</span>
        <PredictedMark store={store} image={image} />
      </button>
    </li>
  );
}

/** The class that a neighbour is predicted to be, marked where it is another one, and where it is right or wrong. */
function PredictedMark({ store, image }: { store: Store; image: number }) {
  const same = isSameClass(store, image);
  if (same === null) return null;
  const facts = store.facts.value;
  const right = isRight(facts, image);
  return (
    <span class="predicted" data-other={!same || undefined}>
      {right !== null && (
        <>
          <span class="sign" data-right={right || undefined} role="img" aria-label={right ? "right:" : "wrong:"}>
            {right ? "✓" : "✗"}
          </span>{" "}
        </>
      )}
      {same ? "same" : briefName(store, facts.predicted[image])}
    </span>
  );
}
