/** The Python that scores the same mask. */

import { base64, bounds, boxesOf, type Mask, pack } from "../math/mask";
import { className, imageName } from "./labels";
import { literal } from "./pythonCode";
import { regionCode } from "./regionCode";
import { regionOf, withRegion } from "./regions";
import { mapOf, type Store, type TilePlace } from "./store";

/** A mask of more boxes is written as bits. */
const MOST_BOXES = 12;
/** What the call of a store takes beside what belongs to the explainer. */
const OF_STORES = ["where", "sort", "descending"];

/** The lines that make the mask. */
function maskLines(mask: Mask): string[] {
  const lines = [`mask = np.zeros((${mask.height}, ${mask.width}), bool)`];
  const boxes = boxesOf(mask, MOST_BOXES);
  const slice = ([top, bottom, left, right]: readonly number[]) => `mask[${top}:${bottom}, ${left}:${right}]`;
  if (boxes) return [...lines, ...boxes.map((box) => `${slice(box)} = True`)];
  const box = bounds(mask) ?? [0, 0, 0, 0];
  const [top, bottom, left, right] = box;
  const [height, width] = [bottom - top, right - left];
  const rows = Array.from({ length: height }, (_, row) => (top + row) * mask.width);
  const pixels = Uint8Array.from(rows.flatMap((row) => [...mask.pixels.subarray(row + left, row + right)]));
  return [
    ...lines,
    `bits = np.frombuffer(base64.b64decode("${base64(pack(pixels))}"), np.uint8)`,
    `${slice(box)} = np.unpackbits(bits, count=${height} * ${width}).reshape(${height}, ${width})`,
  ];
}

/** The cell: what `what_if` says of the images with this mask, and of the explained class where there is one. */
export function paintCode(store: Store, place: TilePlace): string {
  const { mask, keep } = store.painting;
  const userArguments = store.constants.value?.arguments ?? ["model", "images"];
  const isStore = store.stored.value !== null;
  const picture = store.traits._images.value[place.image];
  const [model, images] = isStore
    ? [userArguments[1] ?? "model", literal([picture?.name ?? ""])]
    : [userArguments[0], userArguments[1]];
  const settings = userArguments.slice(2).filter((text) => !OF_STORES.some((name) => text.startsWith(`${name}=`)));
  const target = mapOf(store, place)?.item.target ?? -1;
  const row = isStore ? 0 : place.image;
  const lines = maskLines(mask.value);
  const [regions, cover] = [store.traits.regions.value, literal(store.cover.value)];
  const region = isStore
    ? regionCode(withRegion({}, 0, regionOf(regions, place.image)), 1)
    : regionCode(regions, store.traits._images.value.length);
  const where = region ? [`region=${region}`] : [];
  const explainer = `kx.Explainer(${[model, ...settings].join(", ")})`;
  return [
    ...(lines.some((line) => line.includes("base64")) ? ["import base64"] : []),
    "import kx_widget as kx",
    "import numpy as np",
    "",
    // An explainer takes no settings.
    settings.length > 0 ? `x = ${explainer}` : `x = ${model} if isinstance(${model}, kx.Explainer) else ${explainer}`,
    ...lines,
    `scores, probabilities = x.what_if(${[images, "[mask]", `cover=${cover}`, `keep=${literal(keep.value)}`, ...where].join(", ")})`,
    ...(target >= 0
      ? [`probabilities[${row}, 0, ${target}]  # ${className(store, target)} in ${imageName(store, place.image)}`]
      : []),
    "",
  ].join("\n");
}
