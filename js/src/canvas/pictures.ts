import { toBytes } from "../codec";
import type { Picture } from "../store";

export interface Pictures {
  /** The decoded picture, or null while it is decoded; `ready` is called afterwards. */
  get(picture: Picture): ImageBitmap | null;
  /** Frees every picture that is not in the list. */
  keep(wanted: ReadonlySet<Picture>): void;
}

/** Null where there is none, or the browser cannot read it. */
export async function decodePicture(picture: Picture): Promise<ImageBitmap | null> {
  if (picture.problem) return null;
  const blob = new Blob([toBytes(picture.data)], { type: picture.mime });
  return createImageBitmap(blob).catch(() => null);
}

export function createPictures(ready: (picture: Picture) => void): Pictures {
  const decoded = new Map<Picture, ImageBitmap | null>();

  const decode = async (picture: Picture) => {
    const bitmap = await decodePicture(picture);
    if (!bitmap) return;
    if (decoded.has(picture)) {
      decoded.set(picture, bitmap);
      ready(picture);
    } else {
      bitmap.close();
    }
  };

  return {
    get(picture) {
      const bitmap = decoded.get(picture);
      if (bitmap !== undefined) return bitmap;
      decoded.set(picture, null);
      void decode(picture);
      return null;
    },
    keep(wanted) {
      for (const [picture, bitmap] of decoded) {
        if (wanted.has(picture)) continue;
        bitmap?.close();
        decoded.delete(picture);
      }
    },
  };
}
