"""Parts of images at full resolution, cut out when a view looks at them."""

from collections.abc import Callable, Sequence
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kx_widget.engine.drawing import encode
from kx_widget.engine.errors import ImageError, plain
from kx_widget.engine.types import Floats
from kx_widget.widget.codec import encode as encode_maps
from kx_widget.widget.encoded_maps import MapPart
from kx_widget.widget.image_sources import ImageSource, as_picture
from kx_widget.widget.reduced_maps import LONGEST_MAP, reduce
from kx_widget.widget.worker import Queue

LARGEST_CROP = 1_000_000
LONGEST_SIDE = 2048
# Pixels that are seen one by one come as they are, as long as they are no more.
LOSSLESS_PIXELS = 400_000
QUALITIES = (92, 80, 60)
MOST_WAITING = 20

MapOf = Callable[[int, int, int], Floats | None]


class Crops:
    """Cuts crops in a thread of their own: neither messages nor questions wait for a large file.

    Args:
        images: what they are cut out of.
        send: sends a message with its buffers.
        map_of: the map (h, w) of an image in a column of a question, by the question's number, the image's and the
            column's; None where there is none.
    """

    def __init__(
        self, images: ImageSource, send: Callable[[Any, list[bytes]], None], map_of: MapOf = lambda *_: None
    ) -> None:
        self._images = images
        self._send = send
        self._map_of = map_of
        self._queue = Queue("kx-crops", MOST_WAITING)

    def ask(self, view: str, image: int, box: Sequence[int], longest: int, of_map: tuple[int, int] = (0, 0)) -> None:
        """Answer an `enlarge` message; of those of one view that wait the latest is answered.

        Args:
            view, image, box, longest: of the message.
            of_map: its `gen` and `column`.
        """
        if image not in range(len(self._images)) or len(box) != 4 or longest < 1:
            self._refuse(view, image, f"There is no part {str(list(box))[:80]} of an image {str(image)[:20]}.")
        elif not self._queue.put(view, lambda: self._answer(view, image, box, min(longest, LONGEST_SIDE), of_map)):
            self._refuse(view, image, "Too many views ask for parts of images at once.")

    def close(self) -> None:
        """Cut nothing more."""
        self._queue.clear()

    def _answer(self, view: str, image: int, box: Sequence[int], longest: int, of_map: tuple[int, int]) -> None:
        try:
            pixels = self._images.original(image)
            height, width = pixels.shape[:2]
            (x0, x1), (y0, y1) = _part(box[0], box[2], width), _part(box[1], box[3], height)
            picture, mime, data = encode_crop(pixels[y0:y1, x0:x1], longest)
            fractions = x0 / width, y0 / height, x1 / width, y1 / height
            part, part_data = self._map_part(image, of_map, fractions, longest)
        except BaseException as error:
            self._refuse(view, image, str(error) if isinstance(error, ImageError) else plain(error))
            return
        about = {"id": view, "image": image, "box": [x0, y0, x1, y1], "original_size": [width, height]}
        about |= {"width": picture.width, "height": picture.height, "mime": mime, "map": part, "problem": ""}
        self._send({"kind": "crop", **about}, [data, part_data])

    def _map_part(
        self, image: int, of_map: tuple[int, int], box: Sequence[float], longest: int
    ) -> tuple[MapPart | None, bytes]:
        """The part of a map in a box, in fractions, of whole cells; None where all of the map was sent."""
        values = self._map_of(of_map[0], image, of_map[1])
        if values is None or max(values.shape) <= LONGEST_MAP:
            return None, b""
        height, width = values.shape
        rows, columns = (
            slice(*_part(int(a * n), ceil(b * n), n)) for a, b, n in ((box[1], box[3], height), (box[0], box[2], width))
        )
        (header,), data = encode_maps([reduce(values[rows, columns], min(2 * longest, LONGEST_SIDE))], exact_bytes=0)
        fractions = [columns.start / width, rows.start / height, columns.stop / width, rows.stop / height]
        return {**header, "gen": of_map[0], "column": of_map[1], "box": fractions}, data

    def _refuse(self, view: str, image: int, problem: str) -> None:
        about = {"id": view, "image": image, "box": [0, 0, 0, 0], "original_size": [0, 0]}
        self._send(
            {"kind": "crop", **about, "width": 0, "height": 0, "mime": "", "map": None, "problem": problem}, [b""]
        )


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
