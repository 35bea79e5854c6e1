"""Relevance mass accuracy: how much of the evidence lies on what counts."""

import numpy as np

from kx_widget.engine.map_batch import MapBatch, MetricValues
from kx_widget.engine.postprocess import resize


def relevance_mass_accuracy(batch: MapBatch) -> MetricValues:
    """Σ_mask R / Σ R, of R = max(φ, 0) in the size of the image; by chance it is the part that the mask takes of it.

    A low value may be the model's: it looks elsewhere.

    Args:
        batch: the maps, and masks.

    Returns:
        0 to 1 (B, T); NaN where nothing speaks for the target, or the mask is empty.

    Reference: Arras et al. 2020, arXiv 2003.07258.
    """
    evidence = np.maximum(resize(batch.maps, batch.size), 0)
    total = evidence.sum((-2, -1))
    inside = (evidence * batch.required_masks()[:, None]).sum((-2, -1))
    return batch.score_on_masks(np.divide(inside, total, out=np.full_like(total, np.nan), where=total > 0))
