"""Scores and gradients of many changed versions of the same few images: which go together, and what is kept."""

import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kx_widget.engine.cache import Cache
from kx_widget.engine.types import Floats, Ints

READ_AT_ONCE = 1024
# A sample takes a processor hardly less time in a larger batch.
FAST = 8


@dataclass(frozen=True)
class PassBatch:
    """Results of passes that ran together: `values[n]` for `items[n]`, a channel, mask or step, of `images[n]`.

    A value is a number, a gradient, or the scores (C,) of all classes.

    `done` is how many passes are known of every image.
    """

    images: Ints
    items: Ints
    values: Any
    done: int


class PassCounter:
    """Counts the passes that are known of each image.

    Args:
        counts: how many each image needs (B,).
        total: how many an image counts as having that needs no more.
    """

    def __init__(self, counts: Ints, total: int) -> None:
        self._counts, self._total = counts, total
        self._known = np.zeros_like(counts)

    def add(self, images: Ints) -> int:
        """Count one more pass of each of these images; how many passes are now known of every image."""
        np.add.at(self._known, images, 1)
        return int(np.where(self._known >= self._counts, self._total, self._known).min(initial=self._total))


class ScoreTable:
    """The scores of one image's passes for all classes, in the order of the passes, as far as they are known.

    Args:
        cache: where they are kept.
        key: by what.
        classes: how many.
    """

    def __init__(self, cache: Cache, key: Hashable, classes: int) -> None:
        self.classes: int = classes
        self._cache, self._key = cache, key
        entry = cache.get(key)
        self._scores: Floats = np.zeros((0, classes), np.float32) if entry is None else entry[0]
        self._kept = self._known = len(self._scores)

    def __len__(self) -> int:
        """How many passes are known, the first ones."""
        return self._known

    def __getitem__(self, number: int) -> Floats:
        """The scores (C,) of a pass that is known."""
        return self._scores[number]

    def reserve(self, passes: int) -> None:
        """Make room for so many passes; those beyond the room are not kept."""
        if passes > len(self._scores):
            room = np.empty((passes - self._known, self._scores.shape[1]), np.float32)
            self._scores = np.concatenate([self._scores, room])

    def append(self, scores: Floats) -> None:
        """Add the scores (C,) of the next pass."""
        if self._known < len(self._scores):
            self._scores[self._known] = scores
            self._known += 1

    def commit(self) -> None:
        """Have the cache keep what was added."""
        if self._known > self._kept:
            is_full = self._known == len(self._scores)
            self._cache.put(self._key, (self._scores if is_full else self._scores[: self._known].copy(),))


def tables_for(cache: Cache, keys: Sequence[Hashable], counts: Ints, classes: int) -> list[ScoreTable]:
    """A table for each image (B,), with room for as many passes as it needs, while all of them fit the cache.

    Args:
        cache: keeps the tables.
        keys: by what, one per image.
        counts: how many passes each image needs (B,).
        classes: how many.
    """
    tables = [ScoreTable(cache, key, classes) for key in keys]
    room = cache.limit
    for table, count in zip(tables, counts.tolist(), strict=True):
        room -= max(count, len(table)) * classes * 4
        if room >= 0:
            table.reserve(count)
    return tables


def scored(
    run: Callable[[Ints, Ints], Floats],
    target: Floats | None,
    order: Ints,
    counts: Ints,
    tables: Sequence[ScoreTable],
    size: int,
    most: int,
) -> Iterator[PassBatch]:
    """Scores·target of each pass, or those of all classes: those that the tables have first, then those that are run.

    What is run is added to the tables, which are committed in the end, also when the generator is closed half-way.

    Args:
        run: (images (n,), items (n,)) -> scores (n, C).
        target: weights (B, C), or None for the scores of all classes.
        order: items (B, passes), first ones first.
        counts: how many of these each image needs (B,).
        tables: one per image.
        size, most: how many to run at once; see `batches`.
    """
    counter = PassCounter(counts, order.shape[1])
    start = np.minimum([len(table) for table in tables], counts)

    def batch(images: Ints, passes: Ints, scores: Floats) -> PassBatch:
        values = scores if target is None else (scores * target[images]).sum(-1)
        return PassBatch(images, order[images, passes], values, counter.add(images))

    if not counts.any():
        none = np.zeros(0, np.int64)
        yield batch(none, none, np.zeros((0, tables[0].classes), np.float32))
    for images, passes in batches(np.zeros_like(start), start, READ_AT_ONCE):
        yield batch(images, passes, np.stack([tables[i][k] for i, k in zip(images, passes, strict=True)]))
    try:
        for images, passes in batches(start, counts, size, most):
            scores = run(images, order[images, passes])
            for i, row in zip(images, scores, strict=True):
                tables[i].append(row)
            yield batch(images, passes, scores)
    finally:
        for table in tables:
            table.commit()


def batches(start: Ints, stop: Ints, size: int, most: int = 0) -> Iterator[tuple[Ints, Ints]]:
    """(images, passes) that cover the passes `start` to `stop` (B,) of each image; all images advance together.

    The first two are of `size`, the next ones twice as large each, up to `most`: a picture early, and then the
    speed of large batches.
    """
    images = np.repeat(np.arange(len(start)), stop - start)
    passes = np.concatenate([np.arange(a, b) for a, b in zip(start, stop, strict=True)])
    together = np.lexsort((images, passes))
    at = number = 0
    while at < len(together):
        rows = together[at : at + max(size, min(most, size << max(0, number - 1)))]
        yield images[rows], passes[rows]
        at, number = at + len(rows), number + 1


def even_size(passes: int, most: int, parts: int) -> int:
    """How many of `passes` go at once in batches of about one size, at most `most`.

    In `parts` batches where these are still fast ones, so that one sees how the map comes about.
    """
    number = max(1, math.ceil(passes / most), min(parts, passes // FAST))
    return max(1, math.ceil(passes / number))


def apply_mask(images: Floats, masks: Floats) -> Floats:
    """Images (n, H, W, C), which are overwritten, each times its mask (n, H, W)."""
    # Plane by plane: numpy takes several times as long over an axis of three.
    for plane in np.moveaxis(images, -1, 0):
        plane *= masks
    return images


def cover_where(images: Floats, covers: Iterable[Floats], masks: Iterable[NDArray[np.bool_]]) -> Floats:
    """Images (n, H, W, C), which are overwritten, with what covers each (H, W, C) where its mask (H, W) is True."""
    for image, cover, mask in zip(images, covers, masks, strict=True):
        # Numpy takes several times as long where the mask has to be spread over an axis of three.
        np.copyto(image.reshape(len(mask), -1), cover.reshape(len(mask), -1), where=mask.repeat(image.shape[-1], 1))
    return images


def bit_reversal_order(n: int) -> Ints:
    """0 to n − 1, so ordered that the first few lie evenly between the others; the last number comes first."""
    at = np.arange(1, n + 1)
    return np.argsort(-np.where(at == n, 2 * n, at & -at), kind="stable")
