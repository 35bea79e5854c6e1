/** Answers kept where no kernel is; the twin of `kx_widget/widget/archive.py`. */

import { type Kept, textOf } from "./answers";
import { type Binary, readMap, toBytes } from "./codec";
import { readTiles } from "./frames";
import { type Column, type Item, VERSION } from "./kernel/protocol";
import {
  type Asked,
  type Offer,
  type Predictions,
  QUESTION,
  type Store,
  type TileMap,
  type Traits,
  tileKey,
  type Welcome,
} from "./store";

export interface Archived {
  asked: Asked;
  answer: Kept;
  seconds: number | null;
}

export interface Archive {
  welcome: Welcome;
  predictions: Predictions | null;
  offer: Offer;
  /** The latest is the last. */
  answers: Archived[];
}

type Place = Pick<Item, "shape" | "dtype" | "scale" | "offset" | "byte_offset" | "byte_length">;

interface Header {
  version: number;
  alone: boolean;
  left_out: number;
  side: number | null;
  welcome: Archive["welcome"];
  predictions: (Place & { best: number[] }) | null;
  answers: { asked: Asked; columns: Column[]; items: Item[]; seconds: number }[];
}

async function unzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Null where nothing is kept, or where another version kept it. */
export async function openArchive(binary: Binary | null | undefined): Promise<Archive | null> {
  if (!binary || binary.byteLength === 0) return null;
  const bytes = await unzip(toBytes(binary));
  const length = new DataView(bytes.buffer).getUint32(0, true);
  const header: Header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  if (header.version !== VERSION) return null;
  const buffer = bytes.subarray(Math.ceil((4 + length) / 4) * 4);

  const answers = header.answers.map(({ asked, columns, items, seconds }): Archived => {
    const tiles = readTiles(items, [buffer]);
    return { asked, seconds, answer: { key: "", columns, tiles: new Map(tiles) } };
  });
  const all = [...answers.flatMap((kept) => columnsAlone(kept, answers, header.welcome)), ...answers];
  const place = header.predictions;
  return {
    welcome: header.welcome,
    predictions: place && {
      images: place.shape[0],
      classes: place.shape[1],
      best: place.best,
      values: readMap(place, buffer),
    },
    offer: {
      asked: all.map((kept) => kept.asked),
      alone: header.alone,
      stored: false,
      leftOut: header.left_out,
      side: header.side,
    },
    answers: all,
  };
}

/** Each column of a comparison is the answer to a question of its own; those that are kept anyway are not repeated. */
function columnsAlone(
  { asked, answer, seconds }: Archived,
  answers: readonly Archived[],
  welcome: Archive["welcome"],
): Archived[] {
  if (asked.compare === "none") return [];
  const found = answer.columns.map((column, index): Archived => {
    const entry = welcome.catalogue.find(({ id }) => id === column.method);
    const others = welcome.catalogue.flatMap(({ params }) => params.map(({ name }) => name));
    const own = entry?.params.map(({ name }) => name) ?? [];
    const params = Object.fromEntries(
      Object.entries(asked.params).filter(([name]) => own.includes(name) || !others.includes(name)),
    );
    const { method, target } = column;
    const layer = column.layer || asked.layer;
    const tiles = [...answer.tiles.values()].flatMap(({ item, ...rest }): [string, TileMap][] =>
      item.column === index ? [[tileKey(item.image, 0), { ...rest, item: { ...item, column: 0 } }]] : [],
    );
    return {
      asked: { layer, method, target, params, compare: "none", compare_with: [] },
      answer: { key: "", columns: [column], tiles: new Map(tiles) },
      seconds,
    };
  });
  return found.filter(
    (one) => !answers.some((kept) => QUESTION.every((name) => equal(kept.asked[name], one.asked[name]))),
  );
}

/** The kept answer to exactly this question, or undefined. */
export const exact = (archive: Archive, asked: Asked) =>
  archive.answers.findLast((kept) => QUESTION.every((name) => equal(kept.asked[name], asked[name])));

/** Whether a value can be chosen: any where a kernel answers, else those that something was kept for. */
export const offered = <Name extends keyof Asked>(store: Store, name: Name, value: Asked[Name]) =>
  store.offer.value?.asked.some((asked) => equal(asked[name], value)) ?? true;

/** What should rather stay as it is, when only so much is kept. */
const WEIGHTS: Readonly<Record<keyof Asked, number>> = {
  compare: 16,
  method: 8,
  target: 8,
  layer: 8,
  params: 4,
  compare_with: 1,
};

/** The kept answer nearest to a question; of what is wanted anew, the first must hold, and the rest as far as it can. */
export function nearest(archive: Archive, asked: Asked, wanted: Partial<Traits>): Archived | undefined {
  const names = QUESTION.filter((name) => name in wanted);
  const full: Asked = { ...asked, ...wanted };
  const must = QUESTION.find((name) => name in wanted && !equal(wanted[name], asked[name])) ?? names[0];
  let best: Archived | undefined;
  let most = -1;
  for (const kept of archive.answers) {
    if (must && !equal(kept.asked[must], full[must])) continue;
    const holds = QUESTION.filter((name) => equal(kept.asked[name], full[name]));
    const score = holds.reduce((sum, name) => sum + WEIGHTS[name], 0);
    if (score >= most) [best, most] = [kept, score];
  }
  return best;
}

const equal = (a: unknown, b: unknown) => textOf(a) === textOf(b);
