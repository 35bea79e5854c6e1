import { afterEach, expect, it, vi } from "vitest";
import { BitmapCache } from "../src/canvas/bitmapCache";

afterEach(() => vi.unstubAllGlobals());

it("frees what was decoded twice, or for nobody", async () => {
  const bitmaps: { close: ReturnType<typeof vi.fn> }[] = [];
  vi.stubGlobal("createImageBitmap", async () => {
    bitmaps.push({ close: vi.fn() });
    return bitmaps[bitmaps.length - 1];
  });
  const onReady = vi.fn();
  const cache = new BitmapCache(onReady);
  const box = [0, 0, 1, 1];
  const picture = { name: "a", width: 1, height: 1, box, mime: "image/png", data: new ArrayBuffer(1) };
  cache.get(picture);
  cache.keep(new Set());
  cache.get(picture);
  await vi.waitFor(() => expect(onReady).toHaveBeenCalled());
  cache.keep(new Set());
  expect(bitmaps.map(({ close }) => close.mock.calls.length)).toEqual([1, 1]);
});
