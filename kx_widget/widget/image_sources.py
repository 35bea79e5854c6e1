"""Where a widget's images come from; see `stored` for those of a store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kx_widget.engine.drawing import encode
from kx_widget.engine.images import Images

if TYPE_CHECKING:
    from kx_widget.engine.explainer import Explainer

LONGEST_SIDE = 512
LOSSLESS_SIDE = 192
# A notebook saved with its widgets holds them in base64, beside the bundle and a snapshot, in 8 MB.
ALL_BYTES = 4 * 10**6


@dataclass(frozen=True)
class Preview:
    """A picture as a browser takes it, or the `problem` for which there is none.

    `box` is the part of it that the model sees, (x0, y0, x1, y1) in fractions.
    """

    name: str
    width: int
    height: int
    box: tuple[float, float, float, float]
    mime: str = ""
    data: bytes = b""
    problem: str = ""


class ImageSource(Protocol):
    """Numbered images.

    `at_once` tells whether a question is answered for all of them, or for those that are looked at; `path` is that of
    the store that they belong to, if they do.
    """

    at_once: bool
    path: str

    def __len__(self) -> int: ...

    def preview(self, image: int) -> Preview:
        """The picture of an image."""
        ...

    def metadata(self) -> Iterable[tuple[dict[str, Any], bytes]]:
        """Messages with what pages filter and sort by where nothing is predicted."""
        ...

    def load(self, explainer: Explainer, images: Sequence[int]) -> tuple[Images, Sequence[int]]:
        """At least these images, ready for the model, and the numbers of those that are ready.

        Raises:
            ImageError: none of them can be used.
        """
        ...


@dataclass(frozen=True)
class LoadedImages:
    """Images that were given as arrays or files, and are held ready for the model."""

    images: Images
    at_once = True
    path = ""

    def __len__(self) -> int:
        return len(self.images.batch)

    def preview(self, image: int, longest_side: int = LONGEST_SIDE) -> Preview:
        """The picture of an image, at most so large."""
        images = self.images
        return encode_preview(images.previews[image], images.names[image], images.boxes[image], longest_side)

    def metadata(self) -> Iterable[tuple[dict[str, Any], bytes]]:
        """Nothing before the model's predictions."""
        return ()

    def load(self, explainer: Explainer, images: Sequence[int]) -> tuple[Images, Sequence[int]]:
        """All images, which are held."""
        return self.images, range(len(self))


def encode_all(images: LoadedImages) -> list[dict[str, Any]]:
    """All pictures as the `_images` trait wants them, 4 MB at most."""
    side = LONGEST_SIDE
    while True:
        previews = [images.preview(image, side) for image in range(len(images))]
        if sum(len(preview.data) for preview in previews) <= ALL_BYTES or side <= 32:
            break
        side //= 2
    names = ("width", "height", "mime", "data", "name")
    return [{name: getattr(p, name) for name in names} | {"box": list(p.box)} for p in previews]


def encode_preview(
    pixels: NDArray[np.uint8], name: str, box: tuple[float, float, float, float], longest_side: int
) -> Preview:
    """A picture (height, width, 1 or 3) encoded for a browser, at most so large."""
    picture = Image.fromarray(pixels if pixels.shape[-1] == 3 else pixels.repeat(3, -1))
    if max(picture.size) > longest_side:
        picture.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    kind = "png" if max(picture.size) <= LOSSLESS_SIDE else "jpeg"
    data = encode(picture, kind, **({"quality": 90} if kind == "jpeg" else {}))
    return Preview(name, picture.width, picture.height, box, f"image/{kind}", data)
