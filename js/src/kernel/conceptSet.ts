/** The concepts of many images; `kx_widget/widget/concept_search.py` packs them. */

import { type Binary, copyPart, toBytes } from "./decode";
import type { FoundConcepts, TypicalRecord } from "./protocol";

/** What a concept is in its strongest place. */
export const STRONGEST = 255;

/** How strong each concept is in each cell of an image, concept by concept and row by row, up to `STRONGEST`. */
export interface ConceptMap {
  height: number;
  width: number;
  strengths: Uint8Array;
}

/** How strong each concept is in each cell, of each its rows. */
export function strengthsByConcept({ height, width, strengths }: ConceptMap): Uint8Array[] {
  const cells = height * width;
  const concepts = Array.from({ length: strengths.length / cells });
  return concepts.map((_, concept) => strengths.subarray(concept * cells, (concept + 1) * cells));
}

export interface ConceptSet {
  key: string;
  layer: string;
  sentence: string;
  notes: readonly string[];
  /** Why there are none. */
  problem: string;
  /** Of each concept the parts of images that are most typical of it. */
  typical: readonly (readonly TypicalRecord[])[];
  /** What each class loses without each concept, concept by concept. */
  importance: Float32Array;
  /** By image. */
  maps: ReadonlyMap<number, ConceptMap>;
}

type Content = Omit<FoundConcepts, "kind" | "done">;

/** The concepts of a message with those that were here before, of which it may bring more maps. */
export function readConcepts(message: Content, buffers: readonly Binary[], before: ConceptSet | null): ConceptSet {
  const { key, layer, sentence, notes, problem, concepts, shape, images } = message;
  const isMore = before !== null && before.key === key;
  const numbers = toBytes(buffers[0]);
  const bytes = toBytes(buffers[1]);
  const [height, width] = shape;
  const size = concepts.length * height * width;
  if (bytes.length !== images.length * size) {
    throw new Error(`the concepts of ${images.length} images have ${bytes.length} cells, not ${images.length * size}`);
  }
  const maps = images.map((image, i): [number, ConceptMap] => [
    image,
    { height, width, strengths: copyPart(bytes, i * size, size) },
  ]);
  return {
    ...{ key, layer, sentence, notes, problem },
    typical: concepts.map(({ typical }) => typical),
    importance:
      numbers.length > 0 || !isMore ? new Float32Array(copyPart(numbers, 0, numbers.length).buffer) : before.importance,
    maps: new Map([...(isMore ? before.maps : []), ...maps]),
  };
}

/** What a page has kept: the message, and where its buffers lie in that of the page. */
export type SavedConcepts = Content & { parts: readonly (readonly [offset: number, length: number])[] };

export const readSavedConcepts = (saved: readonly SavedConcepts[], buffer: Uint8Array<ArrayBuffer>) =>
  saved.reduce<ConceptSet | null>(
    (before, { parts, ...message }) =>
      readConcepts(
        message,
        parts.map(([offset, length]) => copyPart(buffer, offset, length)),
        before,
      ),
    null,
  );
