"""Relevance rank accuracy: how many of the highest pixels lie on what counts."""

import numpy as np

from kx_widget.engine.map_batch import MapBatch, MetricValues


def relevance_rank_accuracy(batch: MapBatch) -> MetricValues:
    """|top K ∩ mask| / K, of as many pixels K as the mask has; by chance it is the part that the mask takes.

    A low value may be the model's: it looks elsewhere.

    Args:
        batch: the maps, and masks.

    Returns:
        0 to 1 (B, T); NaN where the mask is empty.

    Reference: Arras et al. 2020, arXiv 2003.07258.
    """
    masks = batch.required_masks().reshape(len(batch.maps), -1)
    counts = masks.sum(1)
    accuracies = np.zeros(batch.indices.shape, np.float32)
    for t in range(batch.maps.shape[1]):
        first = batch.covering.ranks(batch.maps[:, t]) < counts[:, None]
        accuracies[:, t] = (first & masks).sum(1) / np.maximum(counts, 1)
    return batch.score_on_masks(accuracies)
