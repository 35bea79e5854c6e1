"""Any method asked about copies of the images, many at a time, and its maps averaged."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from kx_widget.engine.registry import MethodFunction
from kx_widget.engine.types import Floats, Ints, Partial

Make = Callable[[Ints, Ints], Floats]
Undo = Callable[[Floats, Ints], tuple[Floats, Floats]]


def averaged(
    method: MethodFunction,
    probe: Any,
    target: Floats,
    params: Mapping[str, Any],
    copies: int,
    make: Make,
    undo: Undo | None = None,
    itself: int = 0,
) -> Iterator[Partial]:
    """The mean of a method's maps over copies of each image, as many at once as memory allows.

    Maps are added in the order of the copies, so that it does not matter which of them go together.

    Args:
        method: what to ask about the copies.
        probe: the images and the model.
        target: weights on the scores (B, C).
        params: the method's parameters.
        copies: how many there are of each image.
        make: (images (n,), copies (n,)) -> inputs (n, H, W, C). Copies of an image are asked for in order, from
            another thread.
        undo: (maps (n, h, w, …), copies (n,)) -> maps in the place of the image's, 0 where they do not count, and
            where they count (n, h, w, …), as 0 or 1.
        itself: how often the image itself counts beside its copies.

    Yields:
        `Partial`s with the mean over the copies that are done; of an image of which none is, over those begun.
    """
    counts = np.zeros(len(probe.x), np.int64)
    total: Any = None
    seen: Any = None
    sums: Any = None
    noise = np.zeros(len(probe.x), np.float32)
    weights: Any = None
    for version, images, numbers, times in _versions(probe, copies, make, itself):
        begun, before = counts > 0, counts.min()
        np.add.at(counts, images, times)
        for part in method(version, target[images], **params):
            maps, inside = part.maps, np.ones(len(images), np.float32)
            if undo and version is not probe:
                maps, inside = undo(maps, numbers)
            if total is None:
                total = np.zeros((len(counts), *maps.shape[1:]), np.float32)
                seen = np.zeros_like(total) if undo else np.zeros((len(counts), *[1] * (maps.ndim - 1)), np.float32)
            sums, weights = total.copy(), seen.copy()
            for i, values, counted in zip(images, maps, inside, strict=True):
                if part.done == part.total or not begun[i]:
                    sums[i] += values if times == 1 else times * values
                    weights[i] += times * counted
            with np.errstate(invalid="ignore"):
                mean = sums / weights
            # Of few passes much more may be chance than of all.
            if part.noise is not None and part.done == part.total:
                np.maximum.at(noise, images, np.asarray(part.noise, np.float32))
            done = before * part.total + (counts.min() - before) * part.done
            yield Partial(mean, int(done), (itself + copies) * part.total, noise=noise)
        total, seen = sums, weights


def _versions(probe: Any, copies: int, make: Make, itself: int) -> Iterator[tuple[Any, Ints, Ints, int]]:
    """(probe, images, copies, how often each counts): the image itself, if it counts, and its copies."""
    if itself:
        everyone = np.arange(len(probe.x))
        yield probe, everyone, np.zeros_like(everyone), itself
    chunks = list(probe.copies(copies))
    with ThreadPoolExecutor(1) as pool:
        # The next ones are made while the model is at these.
        ahead = [pool.submit(make, *chunk) for chunk in chunks[:1]]
        if not probe.passing:
            # The answer tells them in any case; the first copies are made meanwhile.
            probe.scores()
        for n, (images, numbers) in enumerate(chunks):
            x = ahead.pop().result()
            ahead = [pool.submit(make, *chunk) for chunk in chunks[n + 1 : n + 2]]
            yield probe.at(x, images), images, numbers, 1
