"""Pointing game: whether the highest point of a map lies on what counts."""

import numpy as np

from kx_widget.engine.map_batch import MapBatch, MetricValues


def pointing_game(batch: MapBatch, tolerance: int = 15) -> MetricValues:
    """1 where the largest value of the map lies in the mask, or not farther from it than a tolerance; else 0.

    Which of several largest values counts is drawn. A miss may be the model's: it looks elsewhere.

    Args:
        batch: the maps, and masks.
        tolerance: in pixels.

    Returns:
        0 or 1 (B, T); NaN where the mask is empty.

    Reference: Zhang et al. 2016, arXiv 1608.00507; the tolerance is TorchRay's.
    """
    masks = batch.required_masks()
    hits = np.zeros(batch.indices.shape, np.float32)
    for t in range(batch.maps.shape[1]):
        peaks = batch.covering.ranks(batch.maps[:, t]).argmin(1)
        for i, (y, x) in enumerate(zip(*np.divmod(peaks, batch.size[1]), strict=True)):
            rows, columns = np.nonzero(masks[i])
            nearest = ((rows - y) ** 2 + (columns - x) ** 2).min(initial=np.iinfo(np.int64).max)
            hits[i, t] = nearest <= tolerance**2
    return batch.score_on_masks(hits)
