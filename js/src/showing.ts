import { type Answers, type Kept, textOf } from "./answers";
import type { Binary } from "./codec";
import { readTiles } from "./frames";
import type { Down } from "./kernel/protocol";
import { type Asked, askedOf, type Store, type TileMap, tileKey } from "./store";

type Trim = (tiles: ReadonlyMap<string, TileMap>) => ReadonlyMap<string, TileMap>;

export interface Showing {
  /** The number of the newest question that the kernel has told of; 0 before the first. */
  readonly newest: number;
  show(asked: Asked, answer: Kept): void;
  /** The kernel has taken another question. */
  next(gen: number): void;
  /** The kernel tells what it answers; false where it takes the page to have maps that the page lacks. */
  begin(message: Extract<Down, { kind: "running" }>): boolean;
  add(message: Extract<Down, { kind: "maps" }>, buffers: Binary[], trim: Trim): void;
  /** Whether all maps of an image have come that the newest question asks for. */
  has(image: number): boolean;
  /** The answer is whole with so many maps; false where not all of them are here. */
  end(maps: number): boolean;
  /** Whether what the kernel tells of is no longer what the page asks. */
  isPast(): boolean;
  /** Keeps an answer, if it is whole. */
  keep(asked: Asked, answer: Kept): void;
  /** The page asks something else: what has come of it is shown. */
  catchUp(): void;
}

/** Which answer is on the screen: the kernel's, unless the page asks something else by now and has the answer. */
export function createShowing(store: Store, answers: Answers): Showing {
  let newest = 0;
  /** What the newest question asks, and what has come of its answer; null until the kernel tells. */
  let coming: { gen: number; asked: Asked; answer: Kept } | null = null;
  /** By tile, the number of the frame that it came with. */
  const seqs = new Map<string, number>();
  /** What the answer on the screen belongs to: the question, and the kernel's name of the answer. */
  let shown = { question: "", key: "" };
  const question = () => textOf(askedOf(store));

  const show = (asked: Asked, { key, columns, tiles }: Kept) => {
    shown = { question: textOf(asked), key };
    store.answer.value = { gen: newest, columns, tiles };
    store.stale.value = false;
  };

  const showComing = () => {
    if (!coming) return;
    const now = question();
    if (textOf(coming.asked) === now || shown.question !== now) show(coming.asked, coming.answer);
  };

  const keep = (asked: Asked, answer: Kept) => {
    const whole = answer.tiles.size === answer.columns.length * store.traits._images.peek().length;
    if (whole && [...answer.tiles.values()].every((tile) => !tile.item.partial)) answers.keep(asked, answer);
  };

  return {
    get newest() {
      return newest;
    },
    show,
    keep,
    next(gen) {
      newest = gen;
      coming = null;
      seqs.clear();
      store.stale.value = store.answer.value !== null && shown.question !== question();
    },
    begin({ gen, asked, key, columns, held }) {
      const found = answers.find(asked);
      const isHere = found?.key === key;
      const tiles = coming?.gen === gen ? coming.answer.tiles : new Map();
      coming = { gen, asked, answer: isHere ? found : { key, columns, tiles } };
      if (isHere) showComing();
      else store.stale.value = store.answer.value !== null && shown.key !== key;
      return isHere || !held;
    },
    has(image) {
      const tiles = coming?.answer.tiles;
      return coming?.answer.columns.every((_, column) => tiles?.get(tileKey(image, column))) ?? false;
    },
    add({ items, seq }, buffers, trim) {
      if (!coming) return;
      const { columns, tiles } = coming.answer;
      const { length } = store.traits._images.peek();
      const foreign = items.find(({ image, column }) => !(image >= 0 && image < length && column in columns));
      if (foreign) throw new Error(`there is no image ${foreign.image} in a column ${foreign.column}`);
      const read = readTiles(items, buffers).filter(([key]) => seq >= (seqs.get(key) ?? seq));
      for (const [key] of read) seqs.set(key, seq);
      coming.answer = { ...coming.answer, tiles: trim(new Map([...tiles, ...read])) };
      showComing();
    },
    end(maps) {
      const here = [...(coming?.answer.tiles.values() ?? [])].filter(({ item }) => !item.partial);
      if (!coming || here.length < maps) return false;
      keep(coming.asked, coming.answer);
      return true;
    },
    isPast: () => coming !== null && textOf(coming.asked) !== question(),
    catchUp() {
      const now = question();
      if (shown.question === now || !coming?.answer.tiles.size) return;
      if (textOf(coming.asked) === now) show(coming.asked, coming.answer);
    },
  };
}
