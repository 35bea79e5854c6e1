"""Items -> batches ready for the model, decoded while the model is busy."""

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, compress, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kx_widget.bulk.sources import BATCHES_AHEAD, SourceItem
from kx_widget.bulk.threads import ordered_map
from kx_widget.engine.budget import MOST
from kx_widget.engine.decoding import decode, is_deep
from kx_widget.engine.errors import ImageError
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.images import Images, Scaled, box_of, join, load, reduce, size_for
from kx_widget.engine.ranges import Ranges, ValueRange
from kx_widget.engine.types import Box


@dataclass(frozen=True)
class Sample:
    """An item and its pixels, which the model's own preprocessor may have seen already, or what is wrong with it.

    `size` is the (height, width) that the image was given in.
    """

    item: SourceItem
    pixels: NDArray[Any] | Scaled | Images | None
    problem: str = ""
    size: tuple[int, int] = (0, 0)


@dataclass
class Batch:
    """Images of one part that go through the model together; `broken` were met on the way."""

    part: int = 0
    good: list[Sample] = field(default_factory=list)
    broken: list[Sample] = field(default_factory=list)
    images: Images | None = None

    def without(self, bad: NDArray[np.bool_], problem: str) -> "Batch":
        """The same with the images that `bad` (N,) marks among the broken ones."""
        assert self.images is not None
        broken = [Sample(one.item, None, problem) for one in compress(self.good, bad)]
        good = list(compress(self.good, ~bad))
        return Batch(self.part, good, self.broken + broken, self.images.where(~bad) if good else None)


class FixedRange(Ranges):
    """Takes all images to be in the range that the first of them show."""

    def __init__(self, depth: int = 0) -> None:
        super().__init__(depth)
        self._first: ValueRange | None = None

    def depth_of(self, integers: Sequence[NDArray[Any]]) -> int:
        """The bits that the first images of whole numbers use."""
        # Threads that decode photographs ask without any, and must not undo what another has learned meanwhile.
        if integers and not self.depth:
            self.depth: int = super().depth_of(integers)
        return self.depth

    def span_of(self, floats: Sequence[NDArray[Any]]) -> ValueRange:
        """The range of the first float images, which these must not leave.

        Raises:
            ImageError: they leave it.
        """
        span = super().span_of(floats)
        if not floats:
            return span
        self._first = self._first or span
        if self._first in (span, "other") or (span == "0..1" and self._first in ("0..255", "-1..1")):
            return self._first
        raise ImageError(
            f"The first float images are in {self._first}, and later ones in {span}: bring all to one range, "
            "or pass uint8."
        )


class BatchLoader:
    """Reads, checks and resizes images in threads, exactly as `Explainer.explain` would.

    Args:
        explainer: knows the size and the preprocessing.
        batch_size: images at once; None keeps the source's own batches, and takes 32 of single images.
        on_error: what a broken image does, `"skip"` or `"raise"`.
        part_images: images after which no batch goes on; None for no such bounds.
    """

    def __init__(self, explainer: Explainer, batch_size: int | None, on_error: str, part_images: int | None) -> None:
        self._explainer = explainer
        self._batch_size = batch_size
        self._raises = on_error == "raise"
        self._part_images = part_images
        self._settled = False
        self._ranges = FixedRange(explainer.ranges.depth)
        height, width, self._channels = explainer.declared
        self._resizes = explainer.preprocessor.resizes(self._channels)
        self._size = None if height is None or width is None else (height, width)

    @property
    def depth(self) -> int:
        """The bits that whole numbers beyond 8 bits are taken to use, 0 without such; known once it is settled."""
        return self._ranges.depth

    def part_of(self, item: SourceItem) -> int:
        """The number of the part that an image belongs to."""
        return item.position // self._part_images if self._part_images else 0

    def settle(self, items: Iterator[SourceItem]) -> Iterator[SourceItem]:
        """Learn from the first batch what all images have in common, the input's size and the range of numbers.

        Args:
            items: of the whole source; only the first call looks at them.

        Returns:
            The same items.

        Raises:
            ImageError: there is no image.
        """
        if self._settled:
            return items
        head: list[SourceItem] = []
        for item in islice(items, self._batch_size or MOST):
            head.append(item)
            if item.ends and self._batch_size is None:
                break
        if not head:
            raise ImageError("There was no image: what should yield them is empty, or was used up before.")
        floats: list[NDArray[Any]] = []
        integers: list[NDArray[Any]] = []
        for item in head:
            if isinstance(item.value, (Path, bytes)) and self._size is not None and not is_deep(item.value):
                continue
            try:
                pixels = decode(item.value, self._channels)
            except ImageError:
                continue
            if self._size is None:
                self._size = self._size_for(pixels)
                self._explainer.prepare((*self._size, self._channels))
            if pixels.dtype != np.uint8:
                # The ends tell all, and pictures of bands are large.
                (floats if pixels.dtype.kind == "f" else integers).append(np.array([pixels.min(), pixels.max()]))
        if self._explainer.bands.value_range is None:
            self._ranges.depth_of(integers)
            self._ranges.span_of(floats)
        self._settled = True
        return chain(head, items)

    def _size_for(self, pixels: NDArray[Any]) -> tuple[int, int]:
        if self._resizes:
            height, width = self._explainer.load([pixels]).batch.shape[1:3]
            return height, width
        return size_for(pixels.shape, self._explainer.declared)

    def batches(self, items: Iterable[SourceItem]) -> Generator[Batch, None, None]:
        """Yield batches with their images loaded, once the source is settled.

        Raises:
            ImageError: an image is broken and `on_error` is `"raise"`, or float images change their range.
        """
        workers = max(2, os.cpu_count() or 1)
        size = self._batch_size or MOST
        samples = ordered_map(self._decode, items, workers, BATCHES_AHEAD * size)
        try:
            yield from ordered_map(self._load, self._grouped(samples), 1, BATCHES_AHEAD)
        finally:
            samples.close()

    def _decode(self, item: SourceItem) -> Sample:
        settings = self._explainer.settings
        try:
            size, about = None if self._resizes else self._size, (self._explainer.preprocessor, self._explainer.bands)
            pixels, own_size = reduce(item.value, size, settings.fit, self._ranges.depth, *about)
            # Photographs wait for the model in the size that it takes.
            is_photograph = self._resizes and (isinstance(pixels, Scaled) or pixels.dtype == np.uint8)
            return Sample(item, self._loaded([pixels]) if is_photograph else pixels, size=own_size)
        except ImageError as error:
            if self._raises:
                raise ImageError(f"{item.id}: {error}") from error
            return Sample(item, None, str(error))

    def _grouped(self, samples: Iterable[Sample]) -> Iterator[Batch]:
        batch, size = Batch(), self._batch_size or MOST
        for sample in samples:
            item = sample.item
            batch.part = self.part_of(item)
            (batch.broken if sample.pixels is None else batch.good).append(sample)
            ends_part = self._part_images and (item.position + 1) % self._part_images == 0
            if len(batch.good) == size or ends_part or (item.ends and self._batch_size is None):
                yield batch
                batch = Batch()
        if batch.good or batch.broken:
            yield batch

    def _load(self, batch: Batch) -> Batch:
        beside = self._read_beside(batch)
        if batch.good:
            pixels = [sample.pixels for sample in batch.good]
            if any(isinstance(one, Images) for one in pixels):
                images = join([one if isinstance(one, Images) else self._loaded([one]) for one in pixels])
            else:
                images = self._loaded(pixels)
            # The bits in use are those of the whole run, also for images that were read before they were known.
            names = tuple(sample.item.id for sample in batch.good)
            images = replace(images, names=names, depth=self._ranges.depth, seen=self._seen(batch, images))
            batch.images = images.with_beside(beside)
        return batch

    def _seen(self, batch: Batch, images: Images) -> tuple[tuple[tuple[int, int], Box], ...]:
        """Sizes and boxes of images as they were given, which may have been resized since."""
        if self._resizes:
            return images.seen
        size, fit = (images.batch.shape[1], images.batch.shape[2]), self._explainer.settings.fit
        return tuple((sample.size, box_of(sample.size, size, fit)) for sample in batch.good)

    def _read_beside(self, batch: Batch) -> list[NDArray[Any]]:
        """What else the model takes of the good images of a batch; those of which it is broken become broken ones."""
        if not batch.good:
            return []
        try:
            return self._beside(batch.good)
        except ImageError:
            problems = [self._problem_beside(sample) for sample in batch.good]
            if not any(problems):
                # Each is well by itself, and together they are not.
                raise
        for sample, problem in zip(batch.good, problems, strict=True):
            if problem and self._raises:
                raise ImageError(f"{sample.item.id}: {problem}")
        pairs = [*zip(batch.good, problems, strict=True)]
        batch.broken += [Sample(sample.item, None, problem) for sample, problem in pairs if problem]
        batch.good = [sample for sample, problem in pairs if not problem]
        return self._beside(batch.good) if batch.good else []

    def _problem_beside(self, sample: Sample) -> str:
        """Why what else the model takes of one image cannot be used, or ""."""
        try:
            self._beside([sample])
        except ImageError as error:
            # It is the only one here, so that its number says nothing.
            which, _, why = str(error).rpartition("1 of 1 images cannot be used:\n  ")
            return which + why.removeprefix("image 0: ")
        return ""

    def _beside(self, samples: Sequence[Sample]) -> list[NDArray[Any]]:
        """What else the model takes of these images."""
        rows = [sample.item.beside for sample in samples]
        return self._explainer.read_beside([list(values) for values in zip(*rows, strict=True)], len(rows))

    def _loaded(self, arrays: list[Any]) -> Images:
        explainer = self._explainer
        height, width = self._size or (None, None)
        declared = (height, width, self._channels)
        # Each image is met once, so that any name of its own will do.
        return load(
            arrays, declared, explainer.preprocessor, explainer.settings.fit, self._ranges, lambda _: object(),
            previews=False, bands=explainer.bands,
        )  # fmt: skip


def load_readable(
    explainer: Explainer, paths: Sequence[Path], beside: Sequence[tuple[Any, ...]] = ()
) -> tuple[list[str], Images | None]:
    """Why each of these files cannot be used, "" where it can, and those that can, ready for the model.

    Args:
        explainer: of the model.
        paths: of the files.
        beside: what else the model takes of each image, where it does.

    Raises:
        ImageError: the model takes what is not known of any image.
    """
    beside = [row for row in beside if row] or [()] * len(paths)
    if len(beside[0]) != len(explainer.inputs.others):
        names = ", ".join(repr(spec.name) for spec in explainer.inputs.others)
        raise ImageError(f"The model also takes {names}, and what that was is not kept with these files.")

    def read(chosen: Sequence[int]) -> Images:
        others = [list(values) for values in zip(*(beside[at] for at in chosen), strict=True)]
        return explainer.load(explainer.inputs.given([paths[at] for at in chosen], others))

    with suppress(ImageError):
        return [""] * len(paths), read(range(len(paths)))
    problems = [_problem(partial(read, [at]), path) for at, path in enumerate(paths)]
    good = [at for at, problem in enumerate(problems) if not problem]
    return problems, read(good) if good else None


def _problem(read: Callable[[], Images], path: Path) -> str:
    try:
        read()
    except ImageError as error:
        # The name of the one file that there is, is known.
        return str(error).rpartition(f"{path}: ")[2].strip()
    return ""
