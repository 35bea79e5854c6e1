"""Random logit: whether the map would be another one for another class."""

import numpy as np

from kx_widget.engine.errors import UnsupportedMethodError
from kx_widget.engine.map_batch import FLAT_OTHERS, MapBatch, MetricValues
from kx_widget.engine.statistics import pearson


def random_logit(batch: MapBatch, classes: int = 3) -> MetricValues:
    """The mean of Pearson's correlations of the map with those of the classes of the highest scores beside the target.

    Near 1 the map shows where the model looks, and not why it says this class; `contrast(a, b)` asks for the
    difference.

    Args:
        batch: the maps.
        classes: how many other classes are asked about.

    Returns:
        −1 to 1 (B, T); NaN where the other maps are flat.

    Raises:
        UnsupportedMethodError: the model has no other class, or the method is not known.

    Reference: Sixt et al. 2019, arXiv 1912.09818.
    """
    b, t, number = batch.weights.shape
    others = min(classes, int((batch.weights == 0).sum(-1).min()))
    if others < 1:
        raise UnsupportedMethodError("the model has no other class")
    correlations = np.empty((others, b, t), np.float32)
    for target in range(t):
        scores = np.where(batch.weights[:, target] == 0, batch.probe.scores(), -np.inf)
        best = np.argsort(-scores, 1, kind="stable")[:, :others]
        for other, chosen in zip(correlations, best.T, strict=True):
            weights = np.zeros((b, number), np.float32)
            weights[np.arange(b), chosen] = 1
            maps = batch.maps_of(batch.probe, weights)
            other[:, target] = pearson(batch.maps[:, target].reshape(b, -1), maps.reshape(b, -1))
    mean = correlations.mean(0)
    return MetricValues(mean, {FLAT_OTHERS: np.isnan(mean)})
