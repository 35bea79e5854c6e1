import { useEffect, useRef } from "preact/hooks";
import { drawCovered, type PictureData } from "../canvas/drawCovered";
import type { ClassRecord, Item } from "../kernel/protocol";
import { explainedFigure, figureOf, tellsValues } from "../state/figures";
import { briefName, className } from "../state/labels";
import { type CoveredPicture, chosenTile, mapOf, type Store } from "../state/store";

interface CoveredViewProps {
  store: Store;
  /** Undefined until it has come. */
  picture: CoveredPicture | undefined;
  caption: string;
}

const MOST = 4;

/** A picture in its own pixels; the one before stays until it is decoded. */
export function PictureCanvas({ picture, caption }: { picture: PictureData | undefined; caption: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    let isCurrent = true;
    if (picture && canvas.current) void drawCovered(canvas.current, picture, () => isCurrent);
    return () => {
      isCurrent = false;
    };
  }, [picture]);
  return <canvas ref={canvas} width="0" height="0" role="img" aria-label={caption} />;
}

/** A picture that was scored, with the classes that the model finds in it. */
export function CoveredView({ store, picture, caption }: CoveredViewProps) {
  return (
    <div class="covered" data-waiting={!picture || undefined}>
      <PictureCanvas picture={picture} caption={caption} />
      <div>
        <p class="dim" aria-hidden={!picture?.problem || undefined}>
          {picture?.problem || caption}
        </p>
        {picture && <CoveredClasses store={store} classes={picture.classes} />}
      </div>
    </div>
  );
}

/** Of a class, an output, or a number of the user's own, what the model says of it. */
export const coveredFigure = (store: Store, { index, probability, score }: ClassRecord, item?: Item): string =>
  index < 0
    ? explainedFigure({ score, probability, unit: item?.unit ?? null })
    : figureOf(store, index, probability ?? score, probability !== null);

export function CoveredClasses({ store, classes }: { store: Store; classes: readonly ClassRecord[] }) {
  const item = mapOf(store, chosenTile(store))?.item;
  return (
    <ol
      class="covered-classes"
      aria-label={tellsValues(store) ? "Values of the covered picture" : "Most probable classes of the covered picture"}
    >
      {classes.slice(0, tellsValues(store) ? classes.length : MOST).map((each) => (
        <li key={each.index}>
          <span class="name" title={each.index < 0 ? item?.target_name : className(store, each.index)}>
            {each.index < 0 ? item?.target_name : briefName(store, each.index)}
          </span>
          <span class="figure">{coveredFigure(store, each, item)}</span>
          {each.probability !== null && <span class="share" style={{ "--share": each.probability }} />}
        </li>
      ))}
    </ol>
  );
}
