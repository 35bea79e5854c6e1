"""Randomization: whether the map would be another one if the model had learned nothing."""

import numpy as np

from kx_widget.engine.errors import UnsupportedMethodError
from kx_widget.engine.map_batch import MapBatch, MetricValues
from kx_widget.engine.statistics import spearman
from kx_widget.engine.types import Floats

NOTHING_LEFT = "the maps of the randomised model say nothing"


def randomization(batch: MapBatch, order: str = "top_down", draws: int = 1) -> MetricValues:
    """The mean of Spearman's correlations of the map with those of the model with weights permuted.

    The class stays the same, and the user's model untouched: permuted weights are passed into the same graph. A high
    value condemns a map; a low one proves little, for noise has it, too.

    Args:
        batch: the maps; the permutations follow from the seed.
        order: `"top_down"` permutes the layers after that of the map in three stages, the last one first, for
            which its activations stay as they are; of a method that sees the input, all layers. `"bottom_up"`
            permutes all layers at once.
        draws: how many permutations.

    Returns:
        −1 to 1 (B, T).

    Raises:
        UnsupportedMethodError: no weights come after the layer, or the method is not known.

    Reference: Adebayo et al. 2018, arXiv 1810.03292.
    """
    probe, method = batch.probe, batch.method
    call = probe.call if method is not None and method.sees == "layer" else None
    other = probe.with_other_weights()
    weights = other.graph.weights
    assert weights is not None
    layers, facts = weights.layers, None
    if call is not None and order == "top_down":
        after = set(other.functions.head_reads(call))
        layers = [layer & after for layer in layers if layer & after]
        # Of tokens, what crosses the cut was made with the weights after it.
        place = probe.graph.places.of(call.tensor)
        is_quick = method is not None and method.cost == "instant" and not batch.wrappers
        facts = probe.layer_facts() if is_quick and not (place is not None and place.tokens) else None
    if not layers:
        raise UnsupportedMethodError("the model has no weights after the layer, so that nothing can be permuted")
    counts = sorted({1, -(-len(layers) // 2), len(layers)}) if order == "top_down" else [len(layers)]
    correlations: list[Floats] = []
    for draw in range(draws):
        for count in counts:
            names = frozenset[str]().union(*layers[:count])
            with weights.permuted(names, probe.seed * 1000 + draw):
                version = probe.with_other_weights(facts)
                maps = np.stack([batch.maps_of(version, w) for w in batch.weights.swapaxes(0, 1)], 1)
            flat = (*batch.indices.shape, -1)
            correlations.append(spearman(batch.maps.reshape(flat), maps.reshape(flat)))
    told = np.isfinite(correlations)
    mean = np.divide(np.where(told, correlations, 0).sum(0), told.sum(0), out=_nothing(batch), where=told.any(0))
    return MetricValues(mean, {NOTHING_LEFT: np.isnan(mean)})


def _nothing(batch: MapBatch) -> Floats:
    return np.full(batch.indices.shape, np.nan, np.float32)
