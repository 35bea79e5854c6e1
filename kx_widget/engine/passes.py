"""Many passes of the model over the same few images: which go together, what comes back, what is kept."""

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kx_widget.engine.cache import Cache
from kx_widget.engine.types import Floats, Ints

READ_AT_ONCE = 1024
# A sample takes a processor hardly less time in a larger batch.
FAST = 8


@dataclass(frozen=True)
class Found:
    """What is known since the batch before: `values[n]` for `items[n]`, a channel, mask or step, of `images[n]`.

    `done` is how many passes are known of every image.
    """

    images: Ints
    items: Ints
    values: Any
    done: int


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


def evenly(passes: int, most: int, parts: int) -> int:
    """How many of `passes` go at once in batches of about one size, at most `most`.

    In `parts` batches where these are still fast ones, so that one sees how the map comes about.
    """
    number = max(1, math.ceil(passes / most), min(parts, passes // FAST))
    return max(1, math.ceil(passes / number))


def done(known: Ints, stop: Ints, total: int) -> int:
    """How many passes are known of every image; one that needs no more counts as having all."""
    return int(np.where(known >= stop, total, known).min())


def scored(
    run: Callable[[Ints, Ints], Floats],
    target: Floats,
    order: Ints,
    stop: Ints,
    cache: Cache,
    keys: Sequence[Hashable],
    size: int,
    most: int,
) -> Iterator[Found]:
    """Scores·target of each pass, from the table of all classes' scores that the cache keeps for each image.

    What a table lacks is run and added to it, also when the generator is closed half-way. Where the tables of all
    these images are more than the cache takes, those of the last ones are not kept.

    Args:
        run: (images (n,), items (n,)) -> scores (n, C).
        target: weights (B, C).
        order: items (B, passes), first ones first.
        stop: how many of these each image needs (B,).
        cache: keeps the tables.
        keys: one per image.
        size, most: how many to run at once; see `batches`.
    """
    held = [(cache.get(key) or (np.zeros((0, target.shape[1]), np.float32),))[0] for key in keys]
    known = np.zeros(len(keys), np.int64)
    start = np.minimum([len(h) for h in held], stop)
    fits = np.cumsum(np.maximum(stop, [len(h) for h in held])) * target.shape[1] * 4 <= cache.limit
    tables = [
        np.concatenate([h, np.empty((n - len(h), h.shape[1]), np.float32)]) if len(h) < n and fit else h
        for h, n, fit in zip(held, stop, fits, strict=True)
    ]

    def found(images: Ints, passes: Ints, scores: Floats) -> Found:
        np.add.at(known, images, 1)
        values = (scores * target[images]).sum(-1)
        return Found(images, order[images, passes], values, done(known, stop, order.shape[1]))

    if not stop.any():
        none = np.zeros(0, np.int64)
        yield found(none, none, np.zeros((0, target.shape[1]), np.float32))
    for images, passes in batches(known, start, READ_AT_ONCE):
        yield found(images, passes, np.stack([tables[i][k] for i, k in zip(images, passes, strict=True)]))
    try:
        for images, passes in batches(start, stop, size, most):
            scores = run(images, order[images, passes])
            for i, k, row in zip(images, passes, scores, strict=True):
                if k < len(tables[i]):
                    tables[i][k] = row
            yield found(images, passes, scores)
    finally:
        for key, table, old, n in zip(keys, tables, held, known, strict=True):
            if min(n, len(table)) > len(old):
                cache.put(key, (table if n == len(table) else table[:n].copy(),))


def through(images: Floats, masks: Floats) -> Floats:
    """Images (n, H, W, C), which are overwritten, each times its mask (n, H, W)."""
    # Plane by plane: numpy takes several times as long over an axis of three.
    for plane in np.moveaxis(images, -1, 0):
        plane *= masks
    return images


def spread(n: int) -> Ints:
    """0 to n − 1, so ordered that the first few lie evenly between the others; the last number comes first."""
    at = np.arange(1, n + 1)
    return np.argsort(-np.where(at == n, 2 * n, at & -at), kind="stable")
