"""Items -> batches ready for the model, decoded while the model is busy."""

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, compress, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kx_widget.bulk.ahead import in_order
from kx_widget.bulk.sources import BATCHES_AHEAD, Item
from kx_widget.engine.budget import MOST
from kx_widget.engine.decoding import decode, is_deep
from kx_widget.engine.errors import ImageError
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.images import Images, digest, join, load, reduce, size_for
from kx_widget.engine.ranges import Ranges, Span


@dataclass(frozen=True)
class Decoded:
    """An item and its pixels, which the model's own preprocessor may have seen already, or what is wrong with it."""

    item: Item
    pixels: NDArray[Any] | Images | None
    problem: str = ""


@dataclass
class Batch:
    """Images that go through the model together; `broken` were met on the way; `part` is the same for all of them."""

    part: int = 0
    good: list[Decoded] = field(default_factory=list)
    broken: list[Decoded] = field(default_factory=list)
    images: Images | None = None

    def without(self, bad: NDArray[np.bool_], problem: str) -> "Batch":
        """The same with the images that `bad` (N,) marks among the broken ones."""
        assert self.images is not None
        broken = [Decoded(one.item, None, problem) for one in compress(self.good, bad)]
        good = list(compress(self.good, ~bad))
        return Batch(self.part, good, self.broken + broken, self.images.where(~bad) if good else None)


class Passing:
    """The digest of an image that is met once: made only for whoever draws random numbers by it."""

    def __init__(self, x: NDArray[Any]) -> None:
        self._x = x

    def __repr__(self) -> str:
        return repr(digest(self._x))


class Steady(Ranges):
    """Takes all images to be in the range that the first of them show."""

    def __init__(self) -> None:
        self._first: Span | None = None
        self.depth = 0

    def depth_of(self, whole: Sequence[NDArray[Any]]) -> int:
        """The bits that the first images of whole numbers use."""
        self.depth = self.depth or super().depth_of(whole)
        return self.depth

    def span_of(self, floats: Sequence[NDArray[Any]]) -> Span:
        """The range of the first float images, which these must not leave.

        Raises:
            ImageError: they leave it.
        """
        found = super().span_of(floats)
        if not floats:
            return found
        self._first = self._first or found
        if self._first in (found, "other") or (found == "0..1" and self._first in ("0..255", "-1..1")):
            return self._first
        raise ImageError(
            f"The first float images are in {self._first}, and later ones in {found}: bring all to one range, "
            "or pass uint8."
        )


class Reader:
    """Reads, checks and resizes images in threads, exactly as `Explainer.explain` would.

    Args:
        explainer: knows the size and the preprocessing.
        batch_size: images at once; None keeps the source's own batches, and takes 32 of single images.
        on_error: `"skip"` or `"raise"`.
        part: images after which no batch goes on; None for no such bounds.
        wanted: which parts to read.
    """

    def __init__(
        self,
        explainer: Explainer,
        batch_size: int | None,
        on_error: str,
        part: int | None = None,
        wanted: Callable[[int], bool] = lambda _: True,
    ) -> None:
        self._explainer = explainer
        self._batch_size = batch_size
        self._raises = on_error == "raise"
        self._part = part
        self._wanted = wanted
        self._ranges = Steady()
        height, width, self._channels = explainer.declared
        self._own = explainer.preprocessor.resizes(self._channels)
        self._size = None if height is None or width is None else (height, width)

    def batches(self, items: Iterator[Item]) -> Generator[Batch, None, None]:
        """Batches with their images loaded.

        Raises:
            ImageError: there is no image; one is broken and `on_error` is `"raise"`; or float images change
                their range.
        """
        workers = max(2, os.cpu_count() or 1)
        size = self._batch_size or MOST
        decoded = in_order(self._decode, self._chosen(items), workers, BATCHES_AHEAD * size)
        try:
            yield from in_order(self._load, self._grouped(decoded), 1, BATCHES_AHEAD)
        finally:
            decoded.close()

    def _chosen(self, items: Iterator[Item]) -> Iterator[Item]:
        """The wanted items; the first batch settles what all have in common, wanted or not."""
        head: list[Item] = []
        for item in islice(items, self._batch_size or MOST):
            head.append(item)
            if item.ends and self._batch_size is None:
                break
        if not head:
            raise ImageError("There was no image: what should yield them is empty, or was used up before.")
        self._settle(head)
        return (item for item in chain(head, items) if self._wanted(self._part_of(item)))

    def _settle(self, head: list[Item]) -> None:
        floats: list[NDArray[Any]] = []
        whole: list[NDArray[Any]] = []
        for item in head:
            if isinstance(item.value, (Path, bytes)) and self._size is not None and not is_deep(item.value):
                continue
            try:
                pixels = decode(item.value)
            except ImageError:
                continue
            if self._size is None:
                x = self._explainer
                shape = x.load([pixels]).batch.shape[1:3] if self._own else size_for(pixels.shape, x.declared)
                self._size = shape[0], shape[1]
                self._explainer.prepare((*self._size, self._channels))
            if pixels.dtype != np.uint8:
                (floats if pixels.dtype.kind == "f" else whole).append(pixels)
        self._ranges.depth_of(whole)
        self._ranges.span_of(floats)

    def _part_of(self, item: Item) -> int:
        return item.position // self._part if self._part else 0

    def _decode(self, item: Item) -> Decoded:
        x = self._explainer
        try:
            pixels = reduce(item.value, None if self._own else self._size, x.settings.fit, self._ranges.depth)
            # Photographs wait for the model in the size that it takes.
            seen = self._own and pixels.dtype == np.uint8
            return Decoded(item, self._loaded([pixels]) if seen else pixels)
        except ImageError as error:
            if self._raises:
                raise ImageError(f"{item.id}: {error}") from error
            return Decoded(item, None, str(error))

    def _grouped(self, decoded: Iterable[Decoded]) -> Iterator[Batch]:
        batch, size = Batch(), self._batch_size or MOST
        for one in decoded:
            part = self._part_of(one.item)
            if part != batch.part:
                if batch.good or batch.broken:
                    yield batch
                batch = Batch(part)
            (batch.broken if one.pixels is None else batch.good).append(one)
            if len(batch.good) == size or (one.item.ends and self._batch_size is None):
                yield batch
                batch = Batch(part)
        if batch.good or batch.broken:
            yield batch

    def _load(self, batch: Batch) -> Batch:
        if batch.good:
            parts = [one.pixels for one in batch.good]
            if any(isinstance(part, Images) for part in parts):
                images = join([part if isinstance(part, Images) else self._loaded([part]) for part in parts])
            else:
                images = self._loaded(parts)
            # The bits in use are those of the whole run, also for images that were read before they were known.
            names = tuple(one.item.id for one in batch.good)
            batch.images = replace(images, names=names, depth=self._ranges.depth)
        return batch

    def _loaded(self, arrays: list[Any]) -> Images:
        x = self._explainer
        height, width = self._size or (None, None)
        shape = (height, width, self._channels)
        return load(arrays, shape, x.preprocessor, x.settings.fit, self._ranges, Passing, previews=False)
