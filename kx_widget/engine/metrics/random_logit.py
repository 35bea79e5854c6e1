"""Random logit: whether the map would be another one for another class."""

import numpy as np

from kx_widget.engine.errors import UnsupportedMethodError
from kx_widget.engine.map_batch import FLAT_OTHERS, MapBatch, MetricValues
from kx_widget.engine.statistics import pearson
from kx_widget.engine.types import Floats, Ints


def random_logit(batch: MapBatch, classes: int = 3, drawn: int = 1) -> MetricValues:
    """The mean of Pearson's correlations of the map with those of other classes: of the highest scores, and drawn ones.

    Near 1 the map shows where the model looks, and not why it says this class; `contrast(a, b)` asks for the
    difference.

    Args:
        batch: the maps; which classes are drawn follows from the seed.
        classes: how many of the classes of the highest scores beside the target are asked about.
        drawn: how many of the rest.

    Returns:
        −1 to 1 (B, T); NaN where the other maps are flat.

    Raises:
        UnsupportedMethodError: there is no other class or value, or the method is not known.

    Reference: Sixt et al. 2019, arXiv 1912.09818.
    """
    means = [
        np.mean([_correlations(batch, target, chosen) for chosen in _other_classes(batch, target, classes, drawn).T], 0)
        for target in range(batch.weights.shape[1])
    ]
    mean = np.stack(means, 1)
    return MetricValues(mean, {FLAT_OTHERS: np.isnan(mean)})


def _other_classes(batch: MapBatch, target: int, classes: int, drawn: int) -> Ints:
    """Classes (B, K) that are no part of a target, the best ones first."""
    is_other = batch.weights[:, target] == 0
    available = int(is_other.sum(1).min())
    if available < 1:
        raise UnsupportedMethodError("there is no other class or value to ask for")
    order = np.argsort(-np.where(is_other, batch.probe.scores(), -np.inf), 1, kind="stable")[:, :available]
    best = order[:, :classes]
    if not drawn:
        return best
    # Sorted by number, for scores far behind are in an order that rounding may change.
    rest = np.sort(order[:, classes:], 1)
    number = min(drawn, rest.shape[1])
    chosen = [batch.probe.rng(i, "classes").permutation(of_image)[:number] for i, of_image in enumerate(rest)]
    return np.concatenate([best, chosen], 1)


def _correlations(batch: MapBatch, target: int, chosen: Ints) -> Floats:
    """How alike the maps of a target and of other classes (B,) are, (B,)."""
    b, _, number = batch.weights.shape
    weights = np.zeros((b, number), np.float32)
    weights[np.arange(b), chosen] = 1
    maps = batch.maps_of(batch.probe, weights)
    return pearson(batch.maps[:, target].reshape(b, -1), maps.reshape(b, -1))
