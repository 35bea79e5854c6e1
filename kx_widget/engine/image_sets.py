"""Images that are a parameter of a question, and the text that stands for them."""

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from kx_widget.engine.cache import digest
from kx_widget.engine.errors import ImageError, ParameterError
from kx_widget.engine.images import Images
from kx_widget.engine.registry import Method
from kx_widget.engine.types import Floats

Shape = tuple[int, int, int]
TEXT = re.compile(r"\d+ images? [0-9a-f]{12}")
# How many sets a text can still be looked up of.
KEPT = 4


class ImageSet(str):
    """Images that are a parameter of a question, ready for the model.

    It is a text, wherever a question is compared, shown or written down: how many images, and a digest of them. What
    is written down is the text alone, so that whoever reads it has to pass the images again.

    Args:
        batch: the images (M, H, W, C), read-only.
        source: what they were read from, for models of another size.
    """

    batch: Floats
    source: Any

    def __new__(cls, batch: Floats, source: Any) -> "ImageSet":
        """The text of these images, with the images."""
        self = super().__new__(cls, f"{len(batch)} image{'s' * (len(batch) != 1)} {digest(batch)[:12]}")
        self.batch, self.source = batch, source
        return self

    def __getnewargs__(self) -> tuple[Any, ...]:
        return self.batch, self.source


def names_in(*methods: Method) -> set[str]:
    """The names of the parameters of methods that are images."""
    return {p.name for method in methods for p in method.params if p.kind == "images"}


def is_text(value: Any) -> bool:
    """Whether a value is a text that stands for images."""
    return isinstance(value, str) and TEXT.fullmatch(value) is not None


class ImageSets:
    """Reads the parameters of methods that are images; what was read is found again by its text.

    Args:
        read: makes images of every accepted kind ready for inputs of a shape.
    """

    def __init__(self, read: Callable[[Any, Shape], Images]) -> None:
        self._read = read
        self._known: OrderedDict[str, ImageSet] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, method: Method, params: Mapping[str, Any], shape: Shape) -> dict[str, Any]:
        """The parameters of a method, where those that are images are `ImageSet`s for this shape.

        Raises:
            ParameterError: the images cannot be read, or a text stands for images that are not at hand.
        """
        return {
            name: self.read(f"{method.title}: {name}", value, shape) if name in names_in(method) else value
            for name, value in params.items()
        }

    def written(self, methods: Iterable[Method], params: Mapping[str, Any], shape: Shape) -> dict[str, Any]:
        """Parameters of any of these methods with texts for images; a store may know what an unknown text stands for.

        Raises:
            ParameterError: the images cannot be read.
        """
        raw = {name for name in names_in(*methods) & set(params) if not is_text(params[name])}
        return {name: self.read(name, value, shape) if name in raw else value for name, value in params.items()}

    def read(self, where: str, value: Any, shape: Shape) -> ImageSet | None:
        """Images for this shape, None for None.

        Args:
            where: what they are, for the error.
            value: images of every accepted kind, or the text of some that were read.
            shape: of the model's input.

        Raises:
            ParameterError: as in `of`.
        """
        if value is None:
            return None
        images = value if isinstance(value, ImageSet) else self._known.get(value) if isinstance(value, str) else None
        if images is None and is_text(value):
            raise ParameterError(
                f"{where}={str(value)!r} stands for images that were not kept with it: pass these images again."
            )
        if images is None or images.batch.shape[1:] != shape:
            source = value if images is None else images.source
            try:
                batch = self._read(source, shape).batch
            except ImageError as error:
                raise ParameterError(f"{where}: {error}") from error
            images = ImageSet(batch, source)
        with self._lock:
            self._known[images] = images
            self._known.move_to_end(images)
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        return images
