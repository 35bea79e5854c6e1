"""Where images are found once more at full resolution: none is kept there."""

import weakref
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, repeat
from pathlib import Path
from typing import Any

from kx_widget.engine.decoding import items_of
from kx_widget.engine.errors import ImageError

GONE = "the array or picture that it was made from is not held by anybody any more: keep it in a variable"


@dataclass(frozen=True)
class Original:
    """What an image was made from.

    Attributes:
        size: (height, width) in pixels.
        place: its file, or a weak reference to what holds it; None where nothing leads back to it.
        number: which of the images that `place` holds.
        channels: that the model takes.
    """

    size: tuple[int, int]
    place: "Path | weakref.ref[Any] | None"
    number: int = 0
    channels: int = 3

    def item(self) -> Any:
        """What `decode` takes.

        Raises:
            ImageError: it is not there any more.
        """
        if isinstance(self.place, Path):
            return self.place
        holder = self.place and self.place()
        if holder is None:
            raise ImageError(GONE)
        return items_of(holder, self.channels)[self.number][1]

    def __reduce__(self) -> Any:
        # An array stays behind in its process.
        return Original, (self.size, self.place if isinstance(self.place, Path) else None, self.number, self.channels)


def originals_of(
    images: Any, items: Sequence[tuple[str, Any]], sizes: Iterable[tuple[int, int]], channels: int = 3
) -> tuple[Original, ...]:
    """The originals of images.

    Args:
        images: as they were given.
        items: what `items_of` made of them.
        sizes: (height, width) of each.
        channels: that the model takes.
    """
    return tuple(Original(size, *place, channels) for size, place in zip(sizes, _places(images, items), strict=True))


def _places(images: Any, items: Sequence[tuple[str, Any]]) -> "Iterator[tuple[Path | weakref.ref[Any] | None, int]]":
    is_list = isinstance(images, (list, tuple))
    # Paths may be patterns of several files, anything else in a list is one image.
    holders = (each for each in images if not isinstance(each, (str, Path))) if is_list else repeat(images)
    numbers = repeat(0) if is_list else count()
    for _, item in items:
        if isinstance(item, Path):
            yield item.absolute(), 0
        else:
            yield _weak(next(holders)), next(numbers)


def _weak(holder: Any) -> "weakref.ref[Any] | None":
    try:
        return weakref.ref(holder)
    except TypeError:  # Lists of numbers.
        return None
