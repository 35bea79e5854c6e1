"""μ-fidelity: whether what a map has under random masks is what the score loses under them."""

from collections.abc import Generator
from typing import Any

from kx_widget.engine.map_batch import MapBatch
from kx_widget.engine.statistics import pearson, spearman


def mu_fidelity(
    batch: MapBatch, grid: int = 9, share: float = 0.2, masks: int = 64, correlation: str = "spearman"
) -> Generator[Any, None, None]:
    """The correlation of Σ_mask φ with f(x) − f(x with the mask covered), over random masks of cells.

    The paper takes Pearson's correlation, xplique Spearman's.

    Args:
        batch: the maps; the masks follow from the seed.
        grid: cells a side.
        share: which part of the cells a mask covers on average.
        masks: how many masks.
        correlation: `"spearman"` or `"pearson"`.

    Yields:
        Passes, and −1 to 1 (B, T); NaN where no mask changes the value.

    Reference: Bhatt et al. 2020, arXiv 2005.00631.
    """
    drops = yield from batch.mask_drops(grid, share, masks)
    correlate = spearman if correlation == "spearman" else pearson
    yield batch.score_drops(batch.likeness(correlate, batch.mask_sums(grid, share, masks), drops), drops)
