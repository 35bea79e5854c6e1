/** Regions as Python. */

import type { RegionRecord } from "../kernel/protocol";
import { OTHERS, type Regions, regionOf, WINS } from "./regions";

/** Of more images, those that have a region of their own are named by their number. */
const MOST_LISTED = 12;

/** The call that makes a region. */
function regionCall(region: RegionRecord): string {
  const { kind, at, winner } = region;
  const more = winner === undefined ? "" : `, winner=${winner}`;
  // JSON of numbers, texts and lists is Python, too.
  if (kind === "mask") return `kx.Region.from_plain(${JSON.stringify(region)})`;
  if (at.length === 0) return `kx.region("${kind}"${more})`;
  return `kx.region(${kind === "object" ? "object_at" : kind}=(${at.join(", ")})${more})`;
}

/** The `region=` of so many images, "" where all have the default. */
export function regionCode(regions: Regions, images: number): string {
  const { [OTHERS]: others = WINS, ...byImage } = regions;
  const isDefault = others.kind === "wins";
  if (Object.keys(byImage).length === 0) return isDefault ? "" : regionCall(others);
  if (images <= MOST_LISTED) {
    const all = Array.from({ length: images }, (_, image) => regionOf(regions, image));
    return `[${all.map((region) => (region.kind === "wins" ? "None" : regionCall(region))).join(", ")}]`;
  }
  const entries = Object.entries(byImage).map(([image, region]) => `${image}: ${regionCall(region)}`);
  const rest = isDefault ? "" : `, ${regionCall(others)}`;
  return `[{${entries.join(", ")}}.get(i${rest}) for i in range(${images})]`;
}
