/** Images that are like others, as the kernel tells them. */

import type { Nearest, NearestRecord } from "./protocol";

/** Those of some images, by their numbers, as one layer sees them. */
export interface NearestTable {
  edition: string;
  layer: string;
  records: ReadonlyMap<number, NearestRecord>;
}

/** Adds what is told to what was told before of the same edition. */
export function withNearest(
  before: NearestTable | null,
  { edition, layer, items }: Omit<Nearest, "kind">,
): NearestTable {
  const records = new Map(before?.edition === edition ? before.records : []);
  for (const item of items) records.set(item.image, item);
  return { edition, layer, records };
}
