"""Where a widget's images come from; see `stored` for those of a store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kx_widget.engine.drawing import encode
from kx_widget.engine.files import shared_names
from kx_widget.engine.images import Images
from kx_widget.engine.nearest import NearestImages, directions_of, nearest_images
from kx_widget.engine.ranges import Pixels
from kx_widget.engine.types import Floats
from kx_widget.widget.worker import start_timer

if TYPE_CHECKING:
    from kx_widget.engine.explainer import Explainer

LONGEST_SIDE = 512
LOSSLESS_SIDE = 192
# Images whose pass a question may have to wait for.
IMAGES_IN_A_PASS = 8
# A notebook saved with its widgets holds them in base64, beside the bundle and a snapshot, in 8 MB.
ALL_BYTES = 4 * 10**6
# An image decoded at full size is kept so long, if it takes no more.
SECONDS_KEPT = 30.0
KEPT_BYTES = 2**28


@dataclass(frozen=True)
class Preview:
    """A picture as a browser takes it, or the `problem` for which there is none.

    `box` is the part of it that the model sees, (x0, y0, x1, y1) in fractions; `original_size` is the (width, height)
    of what it was made from.
    """

    name: str
    width: int
    height: int
    box: tuple[float, float, float, float]
    original_size: tuple[int, int]
    mime: str = ""
    data: bytes = b""
    problem: str = ""


@dataclass(frozen=True)
class NearestRequest:
    """What is to be known of which images are alike.

    Attributes:
        explainer: of the model, if there is one.
        layer: path of the layer that sees them, None for the recommended one.
        numbers: of the images whose neighbours are asked for.
        count: how many of each.
        scores: of all images, (N, C), where the model has told them.
        stale: tells that nobody wants to know any more.
    """

    explainer: Explainer | None
    layer: str | None
    numbers: Sequence[int]
    count: int
    scores: Floats | None
    stale: Callable[[], bool]


class ImageSource(Protocol):
    """Numbered images.

    `at_once` tells whether a question is answered for all of them, or for those that are looked at; `path` is that of
    the store that they belong to, if they do. `labels` are the true classes that the widget was given, one an image, or
    none. `inputs` are those of the model's other inputs that are shown beside them, `models` the same images as each of
    several models is given them, the first of which is that of the images.
    """

    at_once: bool
    path: str
    labels: Sequence[int | None]
    inputs: Sequence[InputImages]
    models: Sequence[ModelImages]

    def __len__(self) -> int: ...

    def preview(self, image: int) -> Preview:
        """The picture of an image."""
        ...

    def size(self, image: int) -> tuple[int, int] | None:
        """The (height, width) of an image's picture, None where it is read later."""
        ...

    def label(self, image: int) -> int | None:
        """The true class of an image, None where it is unknown."""
        ...

    @property
    def has_labels(self) -> bool:
        """Whether the true class of any image is known."""
        ...

    def original(self, image: int) -> Pixels:
        """An image at full resolution, uint8 (height, width, 1 or 3).

        Raises:
            ImageError: it is not there any more, and why.
        """
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

    def nearest(self, request: NearestRequest) -> tuple[NearestImages, NearestImages | None] | None:
        """The images most like some others, and those of them that are predicted right, by their numbers.

        Of the latter there are none where no true class is known; of both where nobody wants them any more.

        Raises:
            KxError: images cannot be compared, and why.
        """
        ...


def load_only(source: ImageSource, explainer: Explainer, images: Sequence[int]) -> tuple[Images, list[int]]:
    """Those of these images that can be read, ready for the model, and their numbers; no others.

    Raises:
        ImageError: none of them can be used.
    """
    loaded, numbers = source.load(explainer, images)
    is_wanted = np.isin(numbers, images)
    wanted = loaded if is_wanted.all() else loaded.where(is_wanted)
    return wanted, np.asarray(numbers)[is_wanted].tolist()


class LastDecoded:
    """The image decoded last, at full size, for a while: who looks at a part of it looks at the next one soon."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: tuple[int, Pixels] | None = None
        self._timer = threading.Timer(0, self.forget)

    def get(self, image: int, decode: Callable[[], Pixels]) -> Pixels:
        """The image of this number, decoded unless it is the last one."""
        with self._lock:
            kept = self._kept
        if kept is None or kept[0] != image:
            kept = image, decode()
        with self._lock:
            self._kept = kept if kept[1].nbytes <= KEPT_BYTES else None
            self._timer.cancel()
            self._timer = start_timer(SECONDS_KEPT, self.forget)
        return kept[1]

    def forget(self) -> None:
        """Keep nothing."""
        with self._lock:
            self._kept = None


@dataclass(frozen=True)
class InputImages:
    """The images of one input of a model that has several, and what explains them."""

    name: str
    explainer: Explainer
    images: Images


@dataclass(frozen=True)
class ModelImages:
    """The images as one of several models is given them, and what explains them."""

    name: str
    explainer: Explainer
    images: Images


@dataclass
class LoadedImages:
    """Images that were given as arrays or files, and are held ready for the model, with their labels.

    `inputs` are those of other inputs of the model that are shown beside them; `models` are as in `ImageSource`.
    """

    images: Images
    labels: Sequence[int | None] = ()
    inputs: Sequence[InputImages] = ()
    models: Sequence[ModelImages] = ()
    decoded: LastDecoded = field(default_factory=LastDecoded)
    at_once = True
    path = ""

    def __len__(self) -> int:
        return len(self.images.batch)

    def preview(self, image: int, longest_side: int = LONGEST_SIDE) -> Preview:
        """The picture of an image, at most so large."""
        images = self.images
        return encode_preview(
            images.previews[image], self.names[image], images.boxes[image], longest_side, self.size(image)
        )

    def size(self, image: int) -> tuple[int, int]:
        """The (height, width) of an image's picture."""
        return self.images.size(image)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of the images, without where they lie: pages and notebooks are handed on."""
        return shared_names(self.images.names)

    def original(self, image: int) -> Pixels:
        """The image from its file, or from the array that it was given in, as long as somebody else holds that."""
        images = self.images
        if images.originals and isinstance(images.originals[image].place, Path):
            return self.decoded.get(image, lambda: images.original(image))
        return images.original(image)

    def label(self, image: int) -> int | None:
        """The true class of an image, None where it is unknown."""
        return self.labels[image] if self.labels else None

    @property
    def has_labels(self) -> bool:
        """Whether the true class of any image is known."""
        return any(label is not None for label in self.labels)

    def metadata(self) -> Iterable[tuple[dict[str, Any], bytes]]:
        """Nothing before the model's predictions."""
        return ()

    def load(self, explainer: Explainer, images: Sequence[int]) -> tuple[Images, Sequence[int]]:
        """All images, which are held."""
        return self.images, range(len(self))

    def nearest(self, request: NearestRequest) -> tuple[NearestImages, NearestImages | None] | None:
        """The images most like some others, and those of them that are predicted right; see `ImageSource.nearest`."""
        # What is stored is shown without TensorFlow.
        from kx_widget.engine.pooled_activations import at_layer, pooled_activations

        assert request.explainer is not None
        question = request.explainer.ask(self.images, [0], method="gradients", batch_size=IMAGES_IN_A_PASS)
        question = at_layer(question, request.layer)
        parts: list[Floats] = []
        for _, pooled in pooled_activations(question):
            if request.stale():
                return None
            parts.append(pooled)
        vectors, own = np.concatenate(parts), np.asarray(request.numbers)
        about = request.count, str(question.layer), own
        directions = directions_of(vectors)
        nearest = nearest_images(vectors[own], directions, *about)
        if not self.has_labels or request.scores is None or request.explainer.units:
            return nearest, None
        labels = np.array([-1 if label is None else label for label in self.labels])
        return nearest, nearest_images(vectors[own], directions, *about, labels == request.scores.argmax(-1))


def encode_all(images: LoadedImages) -> list[dict[str, Any]]:
    """All pictures as the `_images` trait wants them, 4 MB at most."""
    side = LONGEST_SIDE
    # Most models see the same part of a picture, which is then theirs, too.
    others = [each for each in images.models if each.images.boxes != images.images.boxes]
    sources = {each.name: LoadedImages(each.images) for each in (*images.inputs, *others)}
    while True:
        previews = [images.preview(image, side) for image in range(len(images))]
        beside = {name: [each.preview(i, side) for i in range(len(each))] for name, each in sources.items()}
        size = sum(len(preview.data) for of_input in (previews, *beside.values()) for preview in of_input)
        if size <= ALL_BYTES or side <= 32:
            break
        side //= 2
    return [
        _record(preview) | ({"inputs": {name: _record(each[i]) for name, each in beside.items()}} if beside else {})
        for i, preview in enumerate(previews)
    ]


def _record(preview: Preview) -> dict[str, Any]:
    names, lists = ("width", "height", "mime", "data", "name"), ("box", "original_size")
    return {n: getattr(preview, n) for n in names} | {n: list(getattr(preview, n)) for n in lists}


def encode_preview(
    pixels: NDArray[np.uint8],
    name: str,
    box: tuple[float, float, float, float],
    longest_side: int,
    size: tuple[int, int] | None = None,
) -> Preview:
    """A picture (height, width, 1 or 3) encoded for a browser, at most so large.

    Args:
        pixels, name, box: of the picture.
        longest_side: in pixels.
        size: (height, width) of what it was made from, if not its own.
    """
    height, width = size or pixels.shape[:2]
    picture = as_picture(pixels)
    if max(picture.size) > longest_side:
        picture.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    kind = "png" if max(picture.size) <= LOSSLESS_SIDE else "jpeg"
    data = encode(picture, kind, **({"quality": 90} if kind == "jpeg" else {}))
    return Preview(name, picture.width, picture.height, box, (width, height), f"image/{kind}", data)


def as_picture(pixels: NDArray[np.uint8]) -> Image.Image:
    """Pixels (height, width, 1 or 3) in colour."""
    return Image.fromarray(np.ascontiguousarray(pixels if pixels.shape[-1] == 3 else pixels.repeat(3, -1)))
