/** A colour for each class, the same in every image, told apart also by those who do not see all colours. */

import { channelsOf } from "./channels";

/** Dark grey, as the first class often is the background, then Okabe and Ito's colours, then those of Tol's muted scheme that are not like them. */
const FIRST = [
  ...["#333333", "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7"],
  ...["#332288", "#999933", "#882255", "#44aa99", "#ddcc77", "#661100", "#aa4499", "#117733"],
];
/** Degrees between the hues of two further classes: no few of them are alike. */
const GOLDEN = 137.508;
const LIGHT = [72, 42, 58];

function ofHue(hue: number, lightness: number): string {
  const [saturation, light] = [0.62, lightness / 100];
  const amplitude = saturation * Math.min(light, 1 - light);
  const channel = (offset: number) => {
    const k = (offset + hue / 30) % 12;
    const part = light - amplitude * Math.max(-1, Math.min(k - 3, 9 - k, 1));
    return Math.round(255 * part)
      .toString(16)
      .padStart(2, "0");
  };
  return `#${channel(0)}${channel(8)}${channel(4)}`;
}

/** The colour of a class, as #rrggbb. */
export function classColour(index: number): string {
  const further = index - FIRST.length;
  return further < 0 ? FIRST[index] : ofHue((further * GOLDEN) % 360, LIGHT[further % LIGHT.length]);
}

/** The colours of so many classes, packed as RGBA words in the machine's byte order; no class has none. */
export function classTable(classes: number): Uint32Array {
  const bytes = new Uint8ClampedArray(4 * (classes + 1));
  for (let index = 0; index < classes; index++) {
    bytes.set([...channelsOf(classColour(index)), 255], 4 * index);
  }
  return new Uint32Array(bytes.buffer);
}
