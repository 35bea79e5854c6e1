/** What a search for shortcuts has found in a store. */

import type { SuspicionRecord } from "../kernel/protocol";
import { bytesOf } from "../math/mask";
import { percent } from "./format";

/** Which of so many images have their numbers in the text: 1 or 0 each. */
export function membersOf(text: string, images: number): Uint8Array {
  const bytes = bytesOf(text);
  const numbers = new DataView(bytes.buffer);
  const members = new Uint8Array(images);
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    const image = numbers.getUint32(at, true);
    if (image < images) members[image] = 1;
  }
  return members;
}

export const suspicionName = ({ target_name, verdict }: SuspicionRecord, place: number): string =>
  `${place + 1}: ${target_name}, ${verdict}`;

/** How many there are, and what they are like beside the others of their class. */
export function suspicionFacts({ size, share, wrong, target_name }: SuspicionRecord, images: number): string {
  const shown = images < size ? ` (${images} of them here)` : "";
  const count = `${size} images${shown}, ${percent(share)} of what is taken for ${target_name}`;
  if (!wrong) return `${count}; without labels nobody knows how many are wrong`;
  return `${count}; ${percent(wrong[0])} of them wrong, of the others ${percent(wrong[1])}`;
}
