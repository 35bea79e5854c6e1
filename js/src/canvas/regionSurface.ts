/** Points at what a map is to explain, by pointer and by keys. */

import { type Point, within } from "../math/transform";
import type { Actions } from "../state/actions";
import { takeTool } from "../state/regionPicker";
import { regionAt } from "../state/regions";
import { originalSize, type Store, type TilePlace } from "../state/store";
import type { Surface } from "./gestures";

const clamped = ({ x, y }: Point): Point => ({ x: within(x, 0, 1), y: within(y, 0, 1) });

export class RegionSurface implements Surface {
  /** A pointer is down. */
  private isDown = false;

  constructor(
    private readonly store: Store,
    private readonly actions: Actions,
    private readonly tile: TilePlace,
  ) {}

  get isOn(): boolean {
    return this.store.regionPicker.tool.peek() !== null;
  }

  begin(at: Point): void {
    this.isDown = true;
    this.points = [at];
  }

  move(at: Point | null): void {
    const { store, actions, tile } = this;
    if (at) actions.focusTile(tile);
    const isBox = store.regionPicker.tool.peek() === "box";
    store.crosshair.value = at && !this.isDown && isInside(at) ? at : null;
    if (this.isDown && at) this.points = isBox ? [this.points[0], at] : [at];
  }

  end(): void {
    if (!this.isDown) return;
    this.isDown = false;
    this.choose();
  }

  cancel(): void {
    this.isDown = false;
    this.points = [];
  }

  press(key: string, at: Point): boolean {
    const { store, points } = this;
    if (key === "Escape") {
      if (points.length > 0) this.cancel();
      else if (!this.actions.resetRegion(this.tile.image)) takeTool(store.regionPicker, null);
      return true;
    }
    if (key !== "Enter" && key !== " ") return false;
    this.points = [...points, at];
    if (store.regionPicker.tool.peek() !== "box" || this.points.length > 1) this.choose();
    return true;
  }

  private get points(): readonly Point[] {
    const corners = this.store.regionPicker.corners.peek();
    return corners?.image === this.tile.image ? corners.points : [];
  }

  private set points(points: readonly Point[]) {
    const image = this.tile.image;
    this.store.regionPicker.corners.value = points.length > 0 ? { image, points: points.map(clamped) } : null;
  }

  /** Explains what is pointed at. */
  private choose(): void {
    const { store, actions, tile, points } = this;
    const picture = store.traits._images.peek()[tile.image];
    const tool = store.regionPicker.tool.peek();
    this.points = [];
    actions.selectTile(tile);
    const region = picture && tool && regionAt(tool, points, originalSize(picture));
    if (region) actions.chooseRegion(tile.image, region);
  }
}

const isInside = ({ x, y }: Point) => x >= 0 && x <= 1 && y >= 0 && y <= 1;
