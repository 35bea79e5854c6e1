"""Pictures for the browser: small enough to send, sharp enough to see."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kx_widget.engine.images import Images

LONGEST_SIDE = 512
LOSSLESS_SIDE = 192
# A notebook saved with its widgets holds them in base64, beside the bundle and a snapshot, in 8 MB.
ALL_BYTES = 4 * 10**6


def encode_pictures(images: Images) -> list[dict[str, Any]]:
    """The images as the `_images` trait wants them, 4 MB at most in all."""
    side = LONGEST_SIDE
    while True:
        encoded = [encode_picture(pixels, side) for pixels in images.previews]
        if sum(len(e["data"]) for e in encoded) <= ALL_BYTES or side <= 32:
            break
        side //= 2
    rows = zip(encoded, images.names, images.boxes, strict=True)
    return [{**e, "name": name, "box": list(box)} for e, name, box in rows]


def encode_picture(pixels: NDArray[np.uint8], side: int) -> dict[str, Any]:
    """A picture (height, width, 3), at most `side` long: its size, type and bytes."""
    picture = Image.fromarray(pixels)
    if max(picture.size) > side:
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    lossless = max(picture.size) <= LOSSLESS_SIDE
    picture.save(file, "PNG" if lossless else "JPEG", quality=90)
    return {
        "width": picture.width,
        "height": picture.height,
        "mime": "image/png" if lossless else "image/jpeg",
        "data": file.getvalue(),
    }
