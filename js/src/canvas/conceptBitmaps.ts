/** Where concepts are in a picture, as a bitmap: each in its own colour, the fainter the less of it there is. */

import { type ConceptMap, STRONGEST, strengthsByConcept } from "../kernel/conceptSet";
import { resize } from "../math/postprocess";
import { channelsOf } from "./channels";
import { classColour } from "./classColours";
import { MemoCanvas } from "./memoCanvas";

/** Pixels of the longest side; the rest is scaled when drawn. */
const LONGEST = 160;
/** What is fainter than this, in parts of a concept's strongest place, is not drawn. */
const FAINTEST = 0.05;
/** Below 1, weaker places are seen better. */
const SOFTNESS = 0.8;

/** The colour of a concept, as #rrggbb; the grey of the first class is none, for it would be no colour over a photograph. */
export const conceptColour = (concept: number): string => classColour(concept + 1);

/** The concept that is strongest at each pixel, or one alone, in its colour, and as opaque as it is strong. */
export function paintConcepts(
  map: ConceptMap,
  alone: number | null,
  size: { width: number; height: number },
  out: Uint32Array,
): void {
  const concepts = strengthsByConcept(map);
  const best = new Float32Array(out.length);
  const winners = new Uint8Array(out.length);
  for (const [concept, strengths] of concepts.entries()) {
    if (alone !== null && concept !== alone) continue;
    const sized = resize(Float32Array.from(strengths), map.height, map.width, size.height, size.width);
    for (let i = 0; i < out.length; i++) {
      if (sized[i] <= best[i]) continue;
      best[i] = sized[i];
      winners[i] = concept;
    }
  }
  const bytes = new Uint8ClampedArray(out.buffer);
  const colours = concepts.map((_, concept) => channelsOf(conceptColour(concept)));
  for (let i = 0; i < out.length; i++) {
    const part = best[i] / STRONGEST;
    bytes.set(colours[winners[i]], 4 * i);
    bytes[4 * i + 3] = part < FAINTEST ? 0 : 255 * part ** SOFTNESS;
  }
}

/** The bitmap of one tile. */
export class ConceptBitmaps {
  private readonly areas = new MemoCanvas();

  painted = (map: ConceptMap, alone: number | null, inCells: boolean): OffscreenCanvas => {
    const larger = inCells ? 1 : LONGEST / Math.max(map.width, map.height);
    const [width, height] = [map.width, map.height].map((side) => Math.max(1, Math.round(side * larger)));
    return this.areas.show(width, height, [map, alone], (context) => {
      const pixels = new ImageData(width, height);
      paintConcepts(map, alone, { width, height }, new Uint32Array(pixels.data.buffer));
      context.putImageData(pixels, 0, 0);
    });
  };
}
