"""Facts about the images of a batch, each computed once per image and kept as long as there is room."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kx_widget.engine.cache import Cache, stacked
from kx_widget.engine.types import Floats

Fact = tuple[Any, ...]
Compute = Callable[[list[int]], Sequence[Any]]


@dataclass(frozen=True)
class FactCache:
    """Arrays that belong to images, by fact: a tuple that names what they are.

    Args:
        cache: keeps them, beside those of other images.
        keys: what each image of the batch is known by there.
    """

    cache: Cache
    keys: Sequence[tuple[Any, ...]]

    def get(self, fact: Fact, compute: Compute) -> list[Any]:
        """The arrays (B, …) of a fact, read-only; `compute` makes those of the rows that lack them, (rows, …) each."""
        values = [self.cache.get((*key, *fact)) for key in self.keys]
        missing = [row for row, value in enumerate(values) if value is None]
        if missing:
            arrays = [read_only(array) for array in compute(missing)]
            for number, row in enumerate(missing):
                values[row] = tuple(array[number, ...] for array in arrays)
                self.cache.put((*self.keys[row], *fact), values[row] or ())
            if len(missing) == len(self.keys):
                return arrays
        return [read_only(stacked(rows)) for rows in zip(*(value or () for value in values), strict=True)]

    def put(self, fact: Fact, array: Any, rows: Sequence[int] | None = None) -> None:
        """Keep the array of a fact for the images in these rows, by default all, unless they have it already."""
        keys = self.keys if rows is None else [self.keys[row] for row in rows]
        replace(self, keys=keys).get(fact, lambda missing: [array[missing]])

    def __contains__(self, fact: Fact) -> bool:
        """Whether a fact is kept for all images."""
        return all((*key, *fact) in self.cache for key in self.keys)

    def for_target(self, target: Floats) -> "FactCache":
        """Facts that besides depend on target weights (B, C)."""
        return replace(self, keys=[(*key, row.tobytes()) for key, row in zip(self.keys, target, strict=True)])


def read_only(array: Any) -> Any:
    """The array, which is handed out more than once and refuses to be written to."""
    array.flags.writeable = False
    return array
