"""Random logit: whether the map would be another one for another class."""

import numpy as np

from kx_widget.engine.map_batch import FLAT_OTHERS, MapBatch, MetricValues
from kx_widget.engine.statistics import pearson
from kx_widget.engine.types import Floats, Ints

NO_OTHERS = "there is no other class or value to ask for"
NONE_COUNTS = "no other class wins anywhere, so that there is none to ask for"


def random_logit(batch: MapBatch, classes: int = 3, drawn: int = 1) -> MetricValues:
    """The mean of Pearson's correlations of the map with those of other classes: of the highest scores, and drawn ones.

    Near 1 the map shows where the model looks, and not why it says this class; `contrast(a, b)` asks for the
    difference.

    Where the region is where a class wins, classes that win nowhere are not asked about: nothing counts for them, and
    their maps are flat.

    Args:
        batch: the maps; which classes are drawn follows from the seed.
        classes: how many of the classes of the highest scores beside the target are asked about.
        drawn: how many of the rest.

    Returns:
        −1 to 1 (B, T); NaN where another map is flat, or there is no other class or value.

    Raises:
        UnsupportedMethodError: the method is not known.

    Reference: Sixt et al. 2019, arXiv 1912.09818.
    """
    mean = np.stack([_mean(batch, target, classes, drawn) for target in range(batch.weights.shape[1])], 1)
    is_other = batch.weights == 0
    counts = is_other & batch.probe.counted[:, None]
    reasons = {FLAT_OTHERS: np.isnan(mean), NONE_COUNTS: ~counts.any(-1), NO_OTHERS: ~is_other.any(-1)}
    return MetricValues(mean, reasons)


def _mean(batch: MapBatch, target: int, classes: int, drawn: int) -> Floats:
    """The mean (B,) of the correlations of a target with other classes."""
    chosen = _other_classes(batch, target, classes, drawn)
    numbers = np.array([len(of_image) for of_image in chosen])
    total = np.zeros(len(chosen), np.float32)
    for k in range(numbers.max()):
        # An image with fewer is asked again about one that is known by now.
        asked = np.array([of_image[k] if k < len(of_image) else (*of_image, 0)[0] for of_image in chosen])
        total += np.where(k < numbers, _correlations(batch, target, asked), 0)
    return np.divide(total, numbers, out=np.full_like(total, np.nan), where=numbers > 0)


def _other_classes(batch: MapBatch, target: int, classes: int, drawn: int) -> list[Ints]:
    """Classes of each image that are no part of a target and count somewhere, the best ones first."""
    is_other = (batch.weights[:, target] == 0) & batch.probe.counted
    order = np.argsort(-np.where(is_other, batch.probe.scores(), -np.inf), 1, kind="stable")
    chosen: list[Ints] = []
    for i, number in enumerate(is_other.sum(1)):
        best, rest = order[i, :number][:classes], order[i, :number][classes:]
        if drawn:
            # Sorted by number, for scores far behind are in an order that rounding may change.
            rest = batch.probe.rng(i, "classes").permutation(np.sort(rest))
        chosen.append(np.concatenate([best, rest[:drawn]]))
    return chosen


def _correlations(batch: MapBatch, target: int, chosen: Ints) -> Floats:
    """How alike the maps of a target and of other classes (B,) are, (B,)."""
    b, _, number = batch.weights.shape
    weights = np.zeros((b, number), np.float32)
    weights[np.arange(b), chosen] = 1
    maps = batch.maps_of(batch.probe, weights)
    return pearson(batch.maps[:, target].reshape(b, -1), maps.reshape(b, -1))
