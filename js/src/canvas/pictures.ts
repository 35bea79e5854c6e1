import { toBytes } from "../codec";
import type { Picture } from "../store";

export interface Pictures {
  /** The decoded picture, null if it cannot be; undefined until that is known, `ready` is called then. */
  get(picture: Picture): ImageBitmap | null | undefined;
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
  const decoded = new Map<Picture, ImageBitmap | null | undefined>();

  const decode = async (picture: Picture) => {
    const bitmap = await decodePicture(picture);
    if (decoded.has(picture)) {
      decoded.set(picture, bitmap);
      ready(picture);
    } else {
      bitmap?.close();
    }
  };

  return {
    get(picture) {
      if (!decoded.has(picture)) {
        decoded.set(picture, undefined);
        void decode(picture);
      }
      return decoded.get(picture);
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
