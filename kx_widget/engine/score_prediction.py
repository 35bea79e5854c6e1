"""Scores of masks that were not tried yet, predicted from those that were, by a Gaussian process over the masks."""

from typing import Any

import numpy as np

from kx_widget.engine.types import Floats, Ints

TRAINED_ON = 64
# Root mean square of the difference of two masks at which their scores are hardly alike any more.
LENGTH_SCALE = 0.6
NOISE = 1e-2


def predict_missing(masks: Floats, scores: Floats, missing: Any, order: Ints) -> Floats:
    """The scores of an image's masks, with a prediction where they are missing.

    Masks that look alike score alike. The process is trained on the first few masks in `order` that have a score; its
    mean is the lowest of these scores, and what it predicts lies between the lowest and the highest.

    Args:
        masks: (K, h, w) in 0..1.
        scores: (K,), NaN where there is none.
        missing: bool (K,), which to predict; others that are NaN stay so.
        order: the masks' numbers (K,), first ones first.

    Returns:
        Scores (K,).
    """
    train = order[:TRAINED_ON]
    train = train[~np.isnan(scores[train])]
    if not missing.any() or not len(train):
        return scores
    flat = masks.reshape(len(masks), -1)
    squares = (flat**2).mean(1)
    distances = squares[:, None] + squares[train] - 2 / flat.shape[1] * flat @ flat[train].T
    kernel = np.exp(-distances / (2 * LENGTH_SCALE**2))  # (K, trained)
    low, high = scores[train].min(), scores[train].max()
    weights = np.linalg.solve(kernel[train] + NOISE * np.eye(len(train)), scores[train] - low)
    return np.where(missing, np.clip(low + kernel @ weights, low, high), scores)
