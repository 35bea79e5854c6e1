"""Score-CAM: activations weighted by the score of what they let through."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kx_widget.engine.perturbation import apply_mask
from kx_widget.engine.postprocess import resize
from kx_widget.engine.score_prediction import predict_missing
from kx_widget.engine.types import Floats, Ints, Partial


def scorecam(probe: Any, target: Floats, channels: int | None = None, weighting: str = "softmax") -> Iterator[Partial]:
    """Σ_k softmax_k(S(x ⊙ H_k)) A_k, with H_k = minmax(interpolate(A_k)).

    The paper subtracts the score of a baseline from each S, which a softmax over channels does not see. With
    `weighting="scores"`: Σ_k S(x ⊙ H_k) minmax(A_k), as keras-explainable has it. A flat channel has no mask and
    is left out.

    Args:
        probe: the images, the model and a layer.
        target: weights on the scores (B, C).
        channels: how many of the channels of most energy, None for all (Faster Score-CAM: a few).
        weighting: `"softmax"` or `"scores"`.

    Yields:
        `Partial`s with signed maps (B, h, w). Channels of most energy come first; for those still to come
        the score is predicted.

    Reference: Wang et al. 2020, arXiv 1910.01279.
    """
    a = probe.activations()
    flat = np.ptp(a, axis=(1, 2)) == 0  # (B, K)
    order = probe.channels_by_energy(flat)
    total = min(channels or a.shape[-1], a.shape[-1])
    counts = np.minimum((~flat).sum(1), total)

    def masked(images: Ints, chosen: Ints) -> Floats:
        return apply_mask(probe.x[images], minmax(resize(a[images, :, :, chosen], probe.x.shape[1:3])))

    shapes = minmax(np.moveaxis(a, -1, 1))  # (B, K, h, w)
    drawn = np.moveaxis(shapes, 1, -1) if weighting == "scores" else a
    scores = np.full(flat.shape, np.nan, np.float32)
    to_come = np.zeros_like(flat)
    np.put_along_axis(to_come, order, np.arange(flat.shape[1]) < counts[:, None], 1)
    for batch in probe.changed_scores(("scorecam", probe.call.path), masked, target, order, counts):
        scores[batch.images, batch.items] = batch.values
        to_come[batch.images, batch.items] = False
        weights = np.stack(
            [weights_of(predict_missing(shapes[i], scores[i], to_come[i], order[i]), weighting) for i in range(len(a))]
        )
        yield Partial(np.einsum("bhwk,bk->bhw", drawn, weights), min(batch.done, total), total)


def weights_of(scores: Floats, weighting: str) -> Floats:
    """Weights (K,) of the channels of an image; 0 where the score is NaN."""
    valid = ~np.isnan(scores)
    if weighting == "softmax" and valid.any():
        scores = np.exp(scores - scores[valid].max())
        scores = scores / scores[valid].sum()
    return np.where(valid, scores, 0).astype(np.float32)


def minmax(maps: Floats) -> Floats:
    """Maps (…, h, w), each brought to 0..1."""
    low, high = maps.min((-2, -1), keepdims=True), maps.max((-2, -1), keepdims=True)
    scale = np.divide(1, high - low, out=np.zeros_like(low), where=high - low > np.finfo(low.dtype).tiny)
    scaled = maps - low
    scaled *= scale
    return scaled
