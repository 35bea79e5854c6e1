import { useSignal } from "@preact/signals";
import type { RankableMethod, RankedCell, RankedMethod, RankingRecord } from "../kernel/protocol";
import { whyNotMeasured } from "../state/evidence";
import { roughly, toHundredths } from "../state/format";
import { imageName, methodTitle } from "../state/labels";
import { firstModel, hasModels } from "../state/models";
import {
  byFamily,
  chosenContenders,
  chosenRanking,
  compareText,
  isRanked,
  rankedImages,
  rankingOf,
  sortedMethods,
} from "../state/ranking";
import { chosenTile, focusedImage, type Store } from "../state/store";
import { EvidenceMark } from "./evidenceLine";
import type { ViewProps } from "./props";
import { setTo } from "./setTo";
import { ToggleButtons } from "./toggleButtons";

type Scope = "image" | "rows";

const SCOPES: readonly [Scope, string, string][] = [
  ["image", "this image", "Compare methods on the image in focus"],
  ["rows", "rows in sight", "Compare methods on all images in sight: means, with intervals"],
];

/** Which method's map can be believed most, here or on the rows in sight. */
export function RankingTab({ store, actions }: ViewProps) {
  const scope = useSignal<Scope>("image");
  const ranking = chosenRanking(store);
  const why = whyNotMeasured(store);
  return (
    <div class="ranking">
      {hasModels(store) && <p class="dim">Of {firstModel(store)}, whose methods are compared here.</p>}
      {ranking && <RankingTable store={store} actions={actions} ranking={ranking} />}
      {why ? (
        !ranking && <p class="dim">{why}</p>
      ) : (
        <>
          {store.inSight.value.length > 1 && (
            <div class="button-row" role="group" aria-label="Compare on">
              <ToggleButtons signal={scope} choices={SCOPES} />
            </div>
          )}
          <Comparing store={store} actions={actions} scope={scope.value} />
          <Contenders store={store} />
        </>
      )}
    </div>
  );
}

/** The button that compares, or how far it is. */
function Comparing({ store, actions, scope }: ViewProps & { scope: Scope }) {
  if (store.rankingTarget.value !== null) {
    const ranking = rankingOf(store, store.rankingTarget.value);
    const progress = ranking && ranking.done < ranking.total ? `, ${ranking.done} of ${ranking.total} maps done` : "…";
    return (
      <p class="measuring">
        <span class="dim">comparing{progress}</span>
        <button type="button" title="What is measured stays" onClick={actions.stopRanking}>
          Stop
        </button>
      </p>
    );
  }
  const [ranking, methods, images] = [chosenRanking(store), chosenContenders(store), rankedImages(store, scope)];
  if (!store.rankings.value?.rankable.length) return <p class="dim">What can be compared is being found out…</p>;
  if (isRanked(ranking, { images, methods, cover: store.cover.value })) return null;
  const isReady = store.status.value === "done" && methods.length > 0;
  return (
    <p class="measuring">
      <button
        type="button"
        title="Explains with each method, and covers parts of the picture; any question goes first"
        disabled={!isReady}
        onClick={() => actions.rank(images, methods)}
      >
        {methods.length > 0 ? compareText(store, methods, images.length) : "Choose methods to compare"}
      </button>
    </p>
  );
}

/** Which methods are compared, family by family. */
function Contenders({ store }: { store: Store }) {
  const rankable = store.rankings.value?.rankable ?? [];
  const chosen = chosenContenders(store);
  if (rankable.length === 0) return null;
  const toggle = (method: string) => {
    store.contenders.value = chosen.includes(method) ? chosen.filter((one) => one !== method) : [...chosen, method];
  };
  return (
    <details class="numbers contenders">
      <summary>Methods to compare: {chosen.length}</summary>
      {byFamily(store, rankable).map(([family, records]) => (
        <fieldset key={family}>
          <legend>{family}</legend>
          {records.map((record) => (
            <ContenderBox
              key={record.method}
              {...{ store, record }}
              chosen={chosen.includes(record.method)}
              toggle={() => toggle(record.method)}
            />
          ))}
        </fieldset>
      ))}
    </details>
  );
}

interface ContenderBoxProps {
  store: Store;
  record: RankableMethod;
  chosen: boolean;
  toggle(): void;
}

export function ContenderBox({ store, record, chosen, toggle }: ContenderBoxProps) {
  const { method, problem, seconds } = record;
  return (
    <label title={problem || undefined}>
      <input type="checkbox" checked={chosen} disabled={problem !== ""} onChange={toggle} />
      <span>
        {methodTitle(store, method)}
        <span class="dim">{problem ? ` · ${problem}` : seconds === null ? "" : ` · ${roughly(seconds)}`}</span>
      </span>
    </label>
  );
}

export function RankingTable({ store, actions, ranking }: ViewProps & { ranking: RankingRecord }) {
  const sortedBy = useSignal(0);
  const { images, metrics } = ranking;
  const rows = sortedMethods(ranking, sortedBy.value);
  return (
    <>
      <p class="ranking-sentence" role="status">
        {ranking.sentence}
      </p>
      <table>
        <caption class="dim">{captionOf(store, ranking)}</caption>
        <thead>
          <tr>
            <th scope="col">method</th>
            {metrics.map(({ title, better }, metric) => (
              <th
                key={title}
                scope="col"
                aria-sort={sortedBy.value === metric ? (better === "higher" ? "descending" : "ascending") : "none"}
              >
                <button type="button" title={`Sort by it: ${better} is better`} onClick={setTo(sortedBy, metric)}>
                  {title} <span aria-hidden="true">{better === "higher" ? "↑" : "↓"}</span>
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <MethodRow key={row.method} {...{ store, actions, row }} isMean={images.length > 1} />
          ))}
        </tbody>
      </table>
      <ul class="ranking-legend dim" aria-label="Signs">
        <li>★ best</li>
        <li>≈ not told apart from it</li>
        {rows.some(({ relatives }) => relatives.length > 0) && <li>∼ relatives, which nearly agree anyway</li>}
      </ul>
    </>
  );
}

function captionOf(store: Store, { images, cover }: RankingRecord): string {
  const covered = `covered with ${cover === "mean" ? "the mean colour" : cover}`;
  if (images.length > 1) return `${images.length} images, ${covered}; means, and their intervals of 95 %`;
  const [image] = images;
  return image === focusedImage(store) ? `this image, ${covered}` : `${imageName(store, image)}, ${covered}`;
}

interface MethodRowProps extends ViewProps {
  row: RankedMethod;
  isMean: boolean;
}

export function MethodRow({ store, actions, row, isMean }: MethodRowProps) {
  const { method, layer, relatives, problem, headline, cells } = row;
  const current = store.answer.value?.columns[chosenTile(store).column];
  const offered = store.available.value?.questions;
  const canUse = !problem && (!offered || offered.some((question) => question.method === method));
  return (
    <tr data-current={current?.method === method || undefined}>
      <th scope="row">
        <div class="method-name">
          <EvidenceMark state={row.state} />
          <button
            type="button"
            title={canUse ? `Use it. ${headline}` : problem || headline}
            aria-pressed={current?.method === method}
            disabled={!canUse}
            onClick={() => actions.takeMethod(method, layer)}
          >
            {methodTitle(store, method)}
          </button>
          {relatives.length > 0 && (
            <span
              role="img"
              aria-label={`relative of ${relatives.join(", ")}`}
              title={`Relatives: ${relatives.join(", ")}`}
            >
              ∼
            </span>
          )}
        </div>
      </th>
      {problem ? (
        <td class="problem" colSpan={cells.length || 1}>
          {problem}
        </td>
      ) : (
        cells.map((cell, metric) => <MetricCell key={String(metric)} cell={cell} isMean={isMean} />)
      )}
    </tr>
  );
}

const PLACES = { best: ["★", "best"], tied: ["≈", "not told apart from the best"] } as const;

export function MetricCell({ cell, isMean }: { cell: RankedCell; isMean: boolean }) {
  const { value: mean, low, high, images, place, note } = cell;
  const [mark, meaning] = place ? PLACES[place] : ["", ""];
  return (
    <td data-place={place || undefined} title={note || (isMean && images > 0 ? `of ${images} images` : undefined)}>
      {mark && (
        <>
          <span role="img" aria-label={meaning} title={meaning}>
            {mark}
          </span>{" "}
        </>
      )}
      {mean === null ? "–" : toHundredths(mean)}
      {low !== null && high !== null && (
        <small>
          {toHundredths(low)} to {toHundredths(high)}
        </small>
      )}
    </td>
  );
}
