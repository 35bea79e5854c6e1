/** Where the tiles of a grid lie: numbers alone, so that only the tiles in sight need to be in the page. */

export const LEAST_HEIGHT = 72;
export const MOST_HEIGHT = 480;

/** Pixels between tiles. */
export const GAP = 12;
/** Columns of a comparison are at least so wide. */
const LEAST_TRACK = 96;
/** More images than this are not looked at one by one: they begin as a contact sheet. */
const FEW = 24;
const LEAST_OF_FEW = 132;
const LEAST_OF_MANY = 96;
const HIGHEST_OF_ROWS = 320;
/** Pictures of shapes beyond these get bars. */
export const [NARROWEST, WIDEST] = [0.4, 2.5];

/** Whether pictures are small and many, so that little is said of each. */
export const isContactSheet = (images: number, height: number | null) =>
  images > FEW && (height ?? LEAST_OF_MANY) < LEAST_OF_FEW;

/** Rows of tiles; those of a row are equally high. All in pixels. */
export interface GridLayout {
  /** The first place of each row in the order of the images, and the number of images last. */
  starts: readonly number[];
  /** From the top of the grid to each row, and to the end of the last row with its gap. */
  tops: readonly number[];
  /** Of the pictures of each row. */
  heights: readonly number[];
  /** From the left of the grid to each place in its row, and how wide its tile is. */
  lefts: readonly number[];
  widths: readonly number[];
  /** From one column of a comparison to the next. */
  track: number;
}

interface Strip {
  width: number;
  /** Below every picture. */
  caption: number;
}

class Rows {
  readonly starts: number[] = [0];
  readonly tops: number[] = [0];
  readonly heights: number[] = [];
  readonly lefts: number[] = [];
  readonly widths: number[] = [];

  /** Adds a row of so many tiles of the given widths. */
  add(widths: readonly number[], height: number, caption: number): void {
    let left = 0;
    for (const width of widths) {
      this.lefts.push(left);
      this.widths.push(width);
      left += width + GAP;
    }
    this.starts.push(this.lefts.length);
    this.heights.push(height);
    this.tops.push(this.tops[this.tops.length - 1] + height + caption + GAP);
  }
}

const widthsOf = (aspects: readonly number[], height: number) =>
  aspects.map((aspect) => Math.max(1, Math.round(aspect * height)));

/** Fills every row but the last one to the width, with pictures that are at most as high as wanted. */
export function justifiedLayout(aspects: ArrayLike<number>, height: number, { width, caption }: Strip): GridLayout {
  const rows = new Rows();
  let row: number[] = [];
  let total = 0;
  const free = () => width - GAP * (row.length - 1);
  for (let place = 0; place < aspects.length; place++) {
    row.push(aspects[place]);
    total += aspects[place];
    if (free() / total > height) continue;
    const high = Math.max(1, Math.floor(free() / total));
    rows.add(widthsOf(row, high), high, caption);
    [row, total] = [[], 0];
  }
  if (row.length > 0) {
    const before = rows.heights[rows.heights.length - 1] ?? height;
    const high = Math.max(1, Math.floor(Math.min(height, before, free() / total)));
    rows.add(widthsOf(row, high), high, caption);
  }
  return { ...rows, track: 0 };
}

/** One row an image, whose columns are equally wide. */
export function columnLayout(
  aspects: ArrayLike<number>,
  columns: number,
  height: number,
  { width, caption }: Strip,
): GridLayout {
  const rows = new Rows();
  const widest = Array.from(aspects).reduce((most, aspect) => Math.max(most, aspect), 1);
  const share = Math.floor((width - GAP * (columns - 1)) / columns);
  const track = Math.max(LEAST_TRACK, Math.min(share, Math.round(widest * height)));
  for (let place = 0; place < aspects.length; place++) {
    const high = Math.max(1, Math.floor(Math.min(height, track / aspects[place])));
    rows.add(widthsOf([aspects[place]], high), high, caption);
  }
  return { ...rows, track: track + GAP };
}

interface Room extends Strip {
  height: number;
}

/** The height at which all pictures fit the room and none is too small to be made out. */
export function fittingHeight(aspects: ArrayLike<number>, room: Room): number {
  const least = aspects.length > FEW ? LEAST_OF_MANY : LEAST_OF_FEW;
  const fits = (height: number) => {
    const { tops } = justifiedLayout(aspects, height, room);
    return tops[tops.length - 1] - GAP <= room.height;
  };
  if (aspects.length > FEW || !fits(least)) return least;
  let [low, high] = [least, Math.max(least, room.height)];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** The height at which the columns of a comparison take the width, and more than one row is in sight. */
export function fittingColumnHeight(aspects: ArrayLike<number>, columns: number, room: Room): number {
  const track = (room.width - GAP * (columns - 1)) / columns;
  const narrowest = Array.from(aspects).reduce((least, aspect) => Math.min(least, aspect), WIDEST);
  const most = aspects.length > 1 ? HIGHEST_OF_ROWS : Number.POSITIVE_INFINITY;
  return Math.round(Math.max(LEAST_HEIGHT, Math.min(track / narrowest, room.height - room.caption, most)));
}

/** The last row that begins at or above a place. */
export function rowAt(tops: readonly number[], top: number): number {
  let [low, high] = [0, Math.max(0, tops.length - 2)];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (tops[middle] <= top) low = middle;
    else high = middle - 1;
  }
  return low;
}
