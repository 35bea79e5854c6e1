"""Parts of images at full resolution, cut out when a view looks at them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kx_widget.engine.drawing import encode
from kx_widget.engine.errors import ImageError, plain
from kx_widget.widget.image_sources import ImageSource, as_picture
from kx_widget.widget.worker import Queue

LARGEST_CROP = 1_000_000
LONGEST_SIDE = 2048
# Pixels that are seen one by one come as they are, as long as they are no more.
LOSSLESS_PIXELS = 400_000
QUALITIES = (92, 80, 60)
MOST_WAITING = 20


class Crops:
    """Cuts crops in a thread of their own: neither messages nor questions wait for a large file.

    Args:
        images: what they are cut out of.
        send: sends a message with its buffers.
    """

    def __init__(self, images: ImageSource, send: Callable[[Any, list[bytes]], None]) -> None:
        self._images = images
        self._send = send
        self._queue = Queue("kx-crops", MOST_WAITING)

    def ask(self, view: str, image: int, box: Sequence[int], longest: int) -> None:
        """Answer an `enlarge` message; of those of one view that wait the latest is answered."""
        if image not in range(len(self._images)) or len(box) != 4 or longest < 1:
            self._refuse(view, image, f"There is no part {str(list(box))[:80]} of an image {str(image)[:20]}.")
        elif not self._queue.put(view, lambda: self._answer(view, image, box, min(longest, LONGEST_SIDE))):
            self._refuse(view, image, "Too many views ask for parts of images at once.")

    def close(self) -> None:
        """Cut nothing more."""
        self._queue.clear()

    def _answer(self, view: str, image: int, box: Sequence[int], longest: int) -> None:
        try:
            pixels = self._images.original(image)
            height, width = pixels.shape[:2]
            (x0, x1), (y0, y1) = _part(box[0], box[2], width), _part(box[1], box[3], height)
            picture, mime, data = encode_crop(pixels[y0:y1, x0:x1], longest)
        except BaseException as error:
            self._refuse(view, image, str(error) if isinstance(error, ImageError) else plain(error))
            return
        about = {"id": view, "image": image, "box": [x0, y0, x1, y1], "original_size": [width, height]}
        about |= {"width": picture.width, "height": picture.height, "mime": mime, "problem": ""}
        self._send({"kind": "crop", **about}, [data])

    def _refuse(self, view: str, image: int, problem: str) -> None:
        about = {"id": view, "image": image, "box": [0, 0, 0, 0], "original_size": [0, 0]}
        self._send({"kind": "crop", **about, "width": 0, "height": 0, "mime": "", "problem": problem}, [b""])


def _part(start: int, end: int, length: int) -> tuple[int, int]:
    """From where to where a line of pixels is cut: at least one of them."""
    start = min(max(start, 0), length - 1)
    return start, min(max(end, start + 1), length)


def encode_crop(pixels: NDArray[np.uint8], longest_side: int) -> tuple[Image.Image, str, bytes]:
    """Pixels (height, width, 1 or 3) as a picture, encoded in at most 1 MB; without loss where they are not too many.

    Returns:
        The picture, at most `longest_side` long, its MIME type, and the bytes of its file.
    """
    picture = as_picture(pixels)
    if max(picture.size) > longest_side:
        picture.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    elif picture.width * picture.height <= LOSSLESS_PIXELS:
        data = encode(picture, compress_level=3)
        if len(data) <= LARGEST_CROP:
            return picture, "image/png", data
    while True:
        for quality in QUALITIES:
            data = encode(picture, "jpeg", quality=quality, subsampling=0)
            if len(data) <= LARGEST_CROP:
                return picture, "image/jpeg", data
        picture = picture.reduce(2)
