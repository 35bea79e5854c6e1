"""Ablation-CAM: activations weighted by how far the score falls without them."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kx_widget.engine.types import Floats, Partial


def ablationcam(probe: Any, target: Floats) -> Iterator[Partial]:
    """Σ_k ((S − S_{A_k=0}) / |S|) A_k; only what follows the layer is run again.

    The paper divides by S, which turns the map over where the score is negative; |S| keeps its sign. A channel
    that is 0 everywhere takes no pass.

    Args:
        probe: the images, the model and a layer.
        target: weights on the scores (B, C).

    Yields:
        `Partial`s with signed maps (B, h, w), of the channels so far; those of most energy come first.

    Reference: Desai and Ramaswamy 2020, Ablation-CAM, WACV.
    """
    a = probe.activations()
    off = ~a.any((1, 2))  # (B, K)
    order = probe.channels_by_energy(off)
    score = (probe.scores() * target).sum(-1)
    size = np.where(score == 0, 1, np.abs(score))
    weights = np.zeros(off.shape, np.float32)
    for batch in probe.ablated_scores(target, order, (~off).sum(1)):
        weights[batch.images, batch.items] = (score[batch.images] - batch.values) / size[batch.images]
        yield Partial(np.einsum("bhwk,bk->bhw", a, weights), batch.done, order.shape[1])
