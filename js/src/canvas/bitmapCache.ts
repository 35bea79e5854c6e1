/** Decoded pictures. */

import { toBytes } from "../kernel/decode";
import type { Picture } from "../state/store";

/** A picture, or a part of one, as the kernel encoded it. */
export type EncodedPicture = Pick<Picture, "mime" | "data" | "problem">;

/** Null where there is no picture, or the browser cannot read it. */
export async function decodePicture(picture: EncodedPicture): Promise<ImageBitmap | null> {
  if (picture.problem) return null;
  const blob = new Blob([toBytes(picture.data)], { type: picture.mime });
  return createImageBitmap(blob).catch(() => null);
}

export class BitmapCache {
  private readonly bitmaps = new Map<EncodedPicture, ImageBitmap | null | undefined>();

  /** `onReady` is called for each picture once it is decoded. */
  constructor(private readonly onReady: (picture: EncodedPicture) => void) {}

  /** The decoded picture, null where it cannot be decoded, undefined until that is known. */
  get(picture: EncodedPicture): ImageBitmap | null | undefined {
    if (!this.bitmaps.has(picture)) {
      this.bitmaps.set(picture, undefined);
      void this.decode(picture);
    }
    return this.bitmaps.get(picture);
  }

  /** Frees every picture that is not among these. */
  keep(pictures: ReadonlySet<EncodedPicture>): void {
    for (const [picture, bitmap] of this.bitmaps) {
      if (pictures.has(picture)) continue;
      bitmap?.close();
      this.bitmaps.delete(picture);
    }
  }

  private async decode(picture: EncodedPicture): Promise<void> {
    const bitmap = await decodePicture(picture);
    // Dropped meanwhile, or dropped and decoded a second time.
    if (this.bitmaps.get(picture) || !this.bitmaps.has(picture)) return bitmap?.close();
    this.bitmaps.set(picture, bitmap);
    this.onReady(picture);
  }
}
