/** The region that a map is about, as a thin line over the picture. */

import type { LocatedRegionRecord, RegionRecord } from "../kernel/protocol";
import { bytesOf, unpack } from "../math/mask";
import { type Line, outlineOf } from "../math/outline";
import type { Point, Rect, Transform } from "../math/transform";
import { originalSize, type Picture } from "../state/store";
import { stroke } from "./lines";

/** Pixels of the page from a pixel that is pointed at to the ends of its cross, and from which these begin. */
const [ARM, GAP] = [9, 3];

const outlines = new WeakMap<LocatedRegionRecord, readonly Line[]>();

/** The outline of an object or a mask, in fractions of what the model sees. */
function outline(region: LocatedRegionRecord): readonly Line[] {
  const known = outlines.get(region);
  if (known) return known;
  const [height, width] = region.size;
  const lines = outlineOf(unpack(bytesOf(region.cells), width, height));
  outlines.set(region, lines);
  return lines;
}

/** Draws a region into the place of a picture; `corners` are those of a box that is not closed yet. */
export function drawRegion(
  context: CanvasRenderingContext2D,
  rect: Rect,
  view: Transform,
  picture: Picture,
  region: LocatedRegionRecord | RegionRecord,
  corners: readonly Point[] = [],
): void {
  const { kind, at } = region;
  if (corners.length === 0 && (kind === "wins" || kind === "whole")) return;
  const { width, height } = originalSize(picture);
  const screen = ({ x, y }: Point): Point => {
    const seen = view.apply({ x, y });
    // Lines are sharp along the middle of pixels.
    return { x: Math.round(rect.x + rect.width * seen.x) + 0.5, y: Math.round(rect.y + rect.height * seen.y) + 0.5 };
  };
  const line = ([from, to]: Line) => {
    const [start, end] = [screen(from), screen(to)];
    context.moveTo(start.x, start.y);
    context.lineTo(end.x, end.y);
  };
  const box = (a: Point, b: Point) => {
    const [start, end] = [screen(a), screen(b)];
    context.rect(start.x, start.y, end.x - start.x, end.y - start.y);
  };
  context.save();
  context.beginPath();
  context.rect(rect.x, rect.y, rect.width, rect.height);
  context.clip();
  context.beginPath();
  const isLocated = "cells" in region && region.size.length === 2 && region.size[0] > 0;
  if (corners.length > 0) box(corners[0], corners.at(-1) as Point);
  else if (kind === "box") box({ x: at[0] / width, y: at[1] / height }, { x: at[2] / width, y: at[3] / height });
  else if (isLocated) {
    const [left, top, right, bottom] = picture.box;
    const inPicture = ({ x, y }: Point) => ({ x: left + x * (right - left), y: top + y * (bottom - top) });
    for (const [from, to] of outline(region)) line([inPicture(from), inPicture(to)]);
  } else if (at.length === 2) cross(context, screen({ x: (at[0] + 0.5) / width, y: (at[1] + 0.5) / height }));
  stroke(context);
  context.restore();
}

/** A cross around a pixel, which stays to be seen. */
function cross(context: CanvasRenderingContext2D, { x, y }: Point): void {
  const scale = window.devicePixelRatio || 1;
  for (const [across, down] of [
    [1, 0],
    [-1, 0],
    [0, 1],
    [0, -1],
  ]) {
    context.moveTo(x + across * GAP * scale, y + down * GAP * scale);
    context.lineTo(x + across * ARM * scale, y + down * ARM * scale);
  }
}
