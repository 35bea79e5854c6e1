"""Completeness: whether a map adds up to what it explains."""

import numpy as np

from kx_widget.engine.errors import UnsupportedMethodError
from kx_widget.engine.map_batch import MapBatch
from kx_widget.engine.types import Floats

# Methods whose maps add up, or are on average, the score less what it is without the layer, if the layer is pooled
# and followed by one linear layer.
SUMS, MEANS = ("gradcam", "hirescam", "xgradcam"), ("cam",)


def completeness(batch: MapBatch) -> Floats:
    """How far Σφ is from S(x) − S(x'), as a part of it: |Σφ − (S − S')| / |S − S'|.

    Integrated gradients and FullGrad tell it themselves. Of CAM, Grad-CAM, XGrad-CAM and HiResCAM before global
    average pooling and one linear layer, S' is the score where the layer has no activation. It says nothing about
    where.

    Args:
        batch: the maps.

    Returns:
        0 or more (B, T).

    Raises:
        UnsupportedMethodError: there is nothing that maps of this method and layer must add up to.

    Reference: Sundararajan et al. 2017, arXiv 1703.01365.
    """
    if "completeness_gap" in batch.checks:
        return np.asarray(batch.checks["completeness_gap"], np.float32)
    known = batch.method is not None and batch.method.id in (*SUMS, *MEANS) and not batch.wrappers
    call = batch.probe.call
    if not known or call is None or not batch.probe.graph.is_pooled_linear(call):
        raise UnsupportedMethodError(
            "maps of this method at this layer need not add up to anything; those of integrated gradients do"
        )
    # Without activation images are alike, unless something else rides along.
    rows = slice(None if batch.probe.beside else 1)
    a, *rest = (array[rows] for array in batch.probe.layer_facts())
    without = batch.probe.functions.head_scores(call, [np.zeros_like(a), *rest])
    left = np.einsum("btc,bc->bt", batch.weights, batch.probe.scores() - without)
    assert batch.method is not None
    total = batch.maps.mean((-2, -1)) if batch.method.id in MEANS else batch.maps.sum((-2, -1))
    gaps = np.divide(np.abs(total - left), np.abs(left), out=np.full_like(left, np.nan), where=left != 0)
    return gaps.astype(np.float32)
