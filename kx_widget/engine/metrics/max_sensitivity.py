"""Max-sensitivity: how much a map changes under noise that nobody sees."""

from collections.abc import Generator
from typing import Any

import numpy as np

from kx_widget.engine.covering import Passes
from kx_widget.engine.map_batch import MapBatch
from kx_widget.engine.types import Floats, Ints


def max_sensitivity(batch: MapBatch, radius: float = 0.02, copies: int = 8) -> Generator[Any, None, None]:
    """max_δ ‖φ(x + δ) − φ(x)‖ / ‖φ(x)‖ over copies with noise δ, uniform within ± radius of a pixel's range 0..255.

    A map that is always the same is perfectly stable: this alone says nothing for a map.

    Args:
        batch: the maps; the noise follows from the seed.
        radius: a part of the range of a pixel.
        copies: how many noisy copies.

    Yields:
        Passes, and 0 or more (B, T).

    Reference: Yeh et al. 2019, arXiv 1901.09392.
    """
    probe, reach = batch.probe, radius * 255 * batch.pixel_scale()
    rngs = [probe.rng(i, "noise") for i in range(len(probe.x))]
    largest = np.zeros(batch.indices.shape, np.float32)
    lengths = np.sqrt((batch.maps**2).sum((-2, -1)))
    done = np.zeros(len(probe.x), np.int64)
    for images, _ in probe.copies(copies):
        noise = np.stack([rngs[i].uniform(-1, 1, probe.x.shape[1:]) * reach[i] for i in images]).astype(np.float32)
        version = probe.at(probe.x[images] + noise, images)
        for t in range(batch.maps.shape[1]):
            maps = batch.maps_of(version, batch.weights[images, t])
            np.maximum.at(largest[:, t], images, _distances(maps, batch.maps, images, t))
        np.add.at(done, images, 1)
        yield Passes(int(done.min()), copies)
    yield np.divide(largest, lengths, out=np.full_like(largest, np.nan), where=lengths > 0)


def _distances(maps: Floats, originals: Floats, images: Ints, t: int) -> Floats:
    return np.sqrt(((maps - originals[images, t]) ** 2).sum((-2, -1)))
