"""Infidelity: how far what a map has under random masks is from what the score loses, at the best scale."""

from collections.abc import Generator
from typing import Any

import numpy as np

from kx_widget.engine.map_batch import MapBatch
from kx_widget.engine.statistics import cosine


def infidelity(batch: MapBatch, grid: int = 9, share: float = 0.2, masks: int = 64) -> Generator[Any, None, None]:
    """min_β≥0 E[(β Σ_mask φ − Δ)²] / E[Δ²] with Δ = f(x) − f(x with the mask covered): 1 − cos², or 1 if cos < 0.

    Normalised so that neither the scale of a map nor that of the score counts; a map that says the opposite is not
    turned around.

    Args:
        batch: the maps; the masks follow from the seed.
        grid: cells a side.
        share: which part of the cells a mask covers on average.
        masks: how many masks.

    Yields:
        Passes, and 0 to 1 (B, T); NaN where no mask changes the value.

    Reference: Yeh et al. 2019, arXiv 1901.09392.
    """
    drops = yield from batch.mask_drops(grid, share, masks)
    cosines = batch.likeness(cosine, batch.mask_sums(grid, share, masks), drops)
    yield batch.score_drops(1 - np.maximum(cosines, 0) ** 2, drops)
