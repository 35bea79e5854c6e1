/** Pointing at what a map is to explain. */

import { batch, type Signal, signal } from "@preact/signals";
import type { Point } from "../math/transform";

/** What is pointed at in a picture: by a click, or a drag. */
export const REGION_TOOLS = ["pixel", "object", "box"] as const;
export type RegionTool = (typeof REGION_TOOLS)[number];

/** What pointers point at, and the corners of a box that is not closed yet, in fractions of an image. */
export interface RegionPicker {
  readonly tool: Signal<RegionTool | null>;
  readonly corners: Signal<{ readonly image: number; readonly points: readonly Point[] } | null>;
}

export const createRegionPicker = (): RegionPicker => ({
  tool: signal<RegionTool | null>(null),
  corners: signal(null),
});

/** Takes another tool, or puts it away; a box that is not closed yet is given up. */
export function takeTool({ tool, corners }: RegionPicker, name: RegionTool | null): void {
  batch(() => {
    tool.value = name;
    corners.value = null;
  });
}
