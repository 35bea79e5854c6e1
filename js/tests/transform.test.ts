import { describe, expect, it } from "vitest";
import { contain, Transform } from "../src/math/transform";

describe("Transform", () => {
  const about = { x: 0.25, y: 0.75 };

  it("keeps what is seen at the centre of a zoom where it is", () => {
    const before = Transform.identity.zoom(2, { x: 0.5, y: 0.5 });
    const after = before.zoom(3, about);
    expect(after.k).toBe(6);
    expect(after.invert(about).x).toBeCloseTo(before.invert(about).x, 12);
    expect(after.invert(about).y).toBeCloseTo(before.invert(about).y, 12);
  });

  it("inverts", () => {
    const view = Transform.identity.zoom(4, about).pan(0.1, -0.2);
    const back = view.invert(view.apply({ x: 0.3, y: 0.6 }));
    expect(back.x).toBeCloseTo(0.3, 12);
    expect(back.y).toBeCloseTo(0.6, 12);
  });

  it("never shows anything beside the picture", () => {
    const view = Transform.identity.zoom(2).pan(9, -9);
    expect([view.x, view.y]).toEqual([0, -1]);
    expect(Transform.identity.pan(0.3, 0.3)).toEqual(Transform.identity);
  });

  it("stays between 1 and 32 times, and comes back to the identity", () => {
    expect(Transform.identity.zoom(1000).k).toBe(32);
    expect(Transform.identity.zoom(5, about).zoom(1 / 100, { x: 1, y: 0 })).toEqual(Transform.identity);
    expect(Transform.identity.zoom(0.5).isIdentity).toBe(true);
  });

  it("can be given another nearest zoom, which all that comes of it keeps", () => {
    const whole = Transform.upTo(200);
    expect(whole.zoom(1000).pan(0.1, 0).zoom(3).k).toBe(200);
    expect([whole.zoom(9).whole, Transform.upTo(3).zoom(99).k]).toEqual([whole, Transform.identity.zoom(99).k]);
  });

  it("does not change", () => {
    const view = Transform.identity.zoom(2);
    view.pan(0.1, 0.1);
    view.zoom(2);
    expect([view.k, view.x, view.y]).toEqual([2, -0.5, -0.5]);
  });

  it("pans no further than it must to reveal a point", () => {
    const view = Transform.identity.zoom(4, { x: 0, y: 0 });
    expect(view.reveal({ x: 0.1, y: 0.2 })).toEqual(view);
    expect(view.reveal({ x: 0.5, y: 0.1 }).apply({ x: 0.5, y: 0.1 }).x).toBeCloseTo(1, 12);
  });
});

describe("contain", () => {
  it("centres the largest rectangle of the aspect ratio", () => {
    expect(contain(100, 50, 1)).toEqual({ x: 25, y: 0, width: 50, height: 50 });
    expect(contain(100, 100, 2)).toEqual({ x: 0, y: 25, width: 100, height: 50 });
  });
});
