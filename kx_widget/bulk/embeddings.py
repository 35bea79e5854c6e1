"""The mean activations of a store's images, and which of them are most alike."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kx_widget.bulk.arrow import pa
from kx_widget.engine.nearest import NearestImages, directions_of, nearest_images
from kx_widget.engine.types import Floats, Ints

# Up to so many bytes they are kept as float32, which is read ten times as fast.
WIDE_BYTES = 2**29


def embedding_column(vectors: Any, targets: int) -> pa.Array:
    """A column of N × `targets` rows: the direction of each image's vector (N, K), float16, in its first row alone.

    A vector that is 0 stays so, and one that is not finite is NaN.
    """
    n, channels = vectors.shape
    directions = np.where(np.any(vectors, -1, keepdims=True), directions_of(vectors), 0).astype(np.float16)
    is_first = np.arange(n * targets) % targets == 0
    offsets = np.concatenate([[0], np.cumsum(is_first * channels)]).astype(np.int32)
    return pa.ListArray.from_arrays(offsets, pa.array(directions.ravel()), mask=pa.array(~is_first))


@dataclass(frozen=True, eq=False)
class StoredEmbeddings:
    """The directions of mean activations.

    Attributes:
        layer: path of the layer.
        rows: numbers of the first row of each image (M,), in their order.
        directions: (M, K), float32 or, of very many, float16; NaN where there is none.
        are_zero: where that is because all activations were 0 (M,).
    """

    layer: str
    rows: Ints
    directions: Any
    are_zero: Any

    @classmethod
    def read(cls, batches: Iterable[Any], count: int, layer: str, channels: int) -> StoredEmbeddings:
        """Read them piece by piece.

        Args:
            batches: arrays of the column of all rows, see `embedding_column`.
            count: how many rows the store has.
            layer, channels: of what was embedded.
        """
        dtype = np.float32 if 4 * count * channels <= WIDE_BYTES else np.float16
        directions, rows = np.empty((count, channels), dtype), np.empty(count, np.int64)
        images = first = 0
        for batch in batches:
            numbers = np.flatnonzero(batch.is_valid().to_numpy(zero_copy_only=False))
            at = slice(images, images + len(numbers))
            rows[at] = first + numbers
            directions[at] = batch.flatten().to_numpy(zero_copy_only=False).reshape(-1, channels)
            images, first = images + len(numbers), first + len(batch)
        rows, directions = rows[:images], directions[:images]
        are_zero = ~directions.any(1)
        directions[are_zero] = np.nan
        return cls(layer, rows, directions, are_zero)

    def nearest(self, places: Ints, k: int, among: Ints | None = None) -> NearestImages:
        """The images most like some others, none of which is its own neighbour; see `nearest_to`.

        Args:
            places: which of the M images are asked about.
        """
        vectors = np.where(self.are_zero[places, None], 0, self.directions[places])
        return self._nearest(vectors, k, among, places)

    def nearest_to(self, vectors: Floats, k: int, among: Ints | None = None) -> NearestImages:
        """The images most like vectors (N, K), by the numbers of their first rows.

        Args:
            vectors: mean activations at the layer.
            k: how many of each.
            among: which of the M images to look among; None for all.
        """
        return self._nearest(vectors, k, among, None)

    def _nearest(self, vectors: Any, k: int, among: Ints | None, own: Ints | None) -> NearestImages:
        mask = None
        if among is not None:
            mask = np.zeros(len(self.rows), np.bool_)
            mask[among] = True
        neighbours = nearest_images(vectors, self.directions, k, self.layer, own, mask)
        rows = np.append(self.rows, -1)
        return replace(neighbours, indices=rows[neighbours.indices])
