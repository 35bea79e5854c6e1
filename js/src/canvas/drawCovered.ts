/** A picture that was scored, pixel by pixel. */

import type { Binary } from "../kernel/decode";
import type { CoveredPicture } from "../state/store";
import { decodePicture, type EncodedPicture } from "./bitmapCache";

/** A picture, and what a part of it is taken from. */
export type PictureData = EncodedPicture & Pick<CoveredPicture, "other">;

/** Draws it, unless another one is meant by then. */
export async function drawCovered(
  canvas: HTMLCanvasElement,
  { mime, problem, data, other }: PictureData,
  isCurrent: () => boolean,
): Promise<void> {
  const pixelsOf = async (data: Binary): Promise<ImageData | null> => {
    const bitmap = await decodePicture({ mime, problem, data });
    if (!bitmap) return null;
    const { width, height } = bitmap;
    const context = new OffscreenCanvas(width, height).getContext("2d");
    context?.drawImage(bitmap, 0, 0);
    bitmap.close();
    return context?.getImageData(0, 0, width, height) ?? null;
  };
  const pixels = await pixelsOf(data);
  const [covering, levels] = other ? await Promise.all([pixelsOf(other.data), pixelsOf(other.levels)]) : [];
  if (!pixels || !isCurrent()) return;
  if (other && covering && levels) {
    const [from, to] = [covering, pixels].map(({ data }) => new Uint32Array(data.buffer));
    for (let i = 0; i < to.length; i++) if (other.isOther(levels.data[4 * i])) to[i] = from[i];
  }
  [canvas.width, canvas.height] = [pixels.width, pixels.height];
  canvas.getContext("2d")?.putImageData(pixels, 0, 0);
}
