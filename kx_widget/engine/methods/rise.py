"""RISE: random masks, weighted by the scores of what they leave to see."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kx_widget.engine.notes import ROUNDING
from kx_widget.engine.perturbation import apply_mask
from kx_widget.engine.postprocess import bilinear
from kx_widget.engine.types import Floats, Ints, Partial


def rise(probe: Any, target: Floats, masks: int = 1000, cells: int = 7, probability: float = 0.5) -> Iterator[Partial]:
    """1/(n p) Σ_m S(x ⊙ M_m) M_m over n masks: coarse random grids, interpolated, each shifted by its own offset.

    The paper weights by probabilities; here as everywhere S is the score before softmax or sigmoid. What a mask
    hides becomes 0, which is where the preprocessing puts it.

    Args:
        probe: the images and the model; the masks follow from its seed.
        target: weights on the scores (B, C).
        masks: n, how many masks.
        cells: rows and columns of a grid.
        probability: p, the part of the cells that is left to see.

    Yields:
        `Partial`s with signed maps (B, H, W), of the masks so far.

    Reference: Petsiuk et al. 2018, arXiv 1806.07421.
    """
    drawn = Masks(probe, masks, cells, probability)

    def masked(images: Ints, numbers: Ints) -> Floats:
        return apply_mask(probe.x[images], drawn.whole(images, numbers))

    fact = ("rise", probe.seed, cells, probability)
    seen = np.zeros(len(probe.x))
    low, high = (np.full(len(probe.x), end) for end in (np.inf, -np.inf))
    for batch in probe.changed_scores(fact, masked, target, np.arange(masks)):
        drawn.add(batch.images, batch.items, batch.values)
        np.add.at(seen, batch.images, 1)
        scale = 1 / (np.maximum(seen, 1) * probability)
        np.minimum.at(low, batch.images, batch.values)
        np.maximum.at(high, batch.images, batch.values)
        # Where no mask changes the score, the map shows how often the masks left each pixel to see.
        noise = np.where(high - low <= ROUNDING * np.maximum(np.abs(low), np.abs(high)), np.inf, 0)
        yield Partial(drawn.sum() * scale[:, None, None].astype(np.float32), batch.done, masks, noise=noise)


class Masks:
    """The masks of each image, and the sum of those added so far, each times its score.

    A mask is rows(dy) · grid · columns(dx)ᵀ. Sums are kept by dy, before the rows are applied, so that no mask is
    made whole only to be summed.
    """

    def __init__(self, probe: Any, masks: int, cells: int, probability: float) -> None:
        b, height, width, _ = probe.x.shape
        random = np.stack([probe.rng(i).random((masks, cells**2 + 2)) for i in range(b)])
        self._grids = (random[..., :-2] < probability).astype(np.float32).reshape(b, masks, cells, cells)
        self._rows, self._columns = (shifted(n, cells) for n in (height, width))
        steps = np.array([len(self._rows), len(self._columns)])
        self._shifts = (random[..., -2:] * steps).astype(np.int64)
        self._sums = np.zeros((b, len(self._rows), cells, width), np.float32)

    def whole(self, images: Ints, numbers: Ints) -> Floats:
        """Masks (n, H, W) in 0..1."""
        dy = self._shifts[images, numbers, 0]
        return self._rows[dy] @ self._without_rows(images, numbers)

    def _without_rows(self, images: Ints, numbers: Ints) -> Floats:
        dx = self._shifts[images, numbers, 1]
        return self._grids[images, numbers] @ self._columns[dx].transpose(0, 2, 1)  # (n, cells, W)

    def add(self, images: Ints, numbers: Ints, scores: Floats) -> None:
        """Add these masks, each times its score, to their image's sum."""
        dy = self._shifts[images, numbers, 0]
        np.add.at(self._sums, (images, dy), scores[:, None, None] * self._without_rows(images, numbers))

    def sum(self) -> Floats:
        """The sums (B, H, W)."""
        return np.tensordot(self._sums, self._rows, ((1, 2), (0, 2))).transpose(0, 2, 1)


def shifted(size: int, cells: int) -> Floats:
    """Interpolation weights (shifts, size, cells) along one axis, one set for each shift within a cell."""
    cell = -(-size // cells)
    weights = bilinear(cells, (cells + 1) * cell)
    return np.stack([weights[shift : shift + size] for shift in range(cell)])
