"""Single deletion: whether the cells that a map ranks first are those without which the score falls most."""

from collections.abc import Generator
from typing import Any

import numpy as np

from kx_widget.engine.map_batch import MapBatch, MetricValues
from kx_widget.engine.statistics import spearman

# Of n cells in random order but for the k that count, which come first in theirs, Spearman's correlation is on average
# 1 − (n − k)((n − k)² − 1) / n(n² − 1): 2.3 standard errors with a quarter of 16, 1.9 with three of them.
LEAST_PART = 0.25
FEW = "fewer than a quarter of the cells change the score, so that the order of the others is chance"


def single_deletion(batch: MapBatch, grid: int = 4) -> Generator[Any, None, None]:
    """Spearman's correlation of Σ_cell φ with f(x) − f(x with the cell covered), over grid × grid cells.

    Where an object shows its kind twice, covering either half changes nothing: a low value is not always the map's.
    Of 16 cells its standard error is about 0.25. Where fewer than a quarter of them count, nothing is told: the order
    of the others is chance, and not even the true map would be told from random ones.

    Args:
        batch: the maps.
        grid: cells a side.

    Yields:
        Passes, and −1 to 1 (B, T); NaN where no cell, or but few of them, change the value.

    Reference: Hesse et al. 2024, arXiv 2407.11910.
    """
    drops = yield from batch.cell_drops(grid)
    is_still = batch.is_still(drops[..., None])
    few = is_still.mean(-1) > 1 - LEAST_PART
    answer = batch.score_drops(batch.likeness(spearman, batch.cell_sums(grid), drops), drops)
    reasons = {**answer.reasons, FEW: few & ~is_still.all(-1)}
    yield MetricValues(np.where(few, np.nan, answer.values).astype(np.float32), reasons)
