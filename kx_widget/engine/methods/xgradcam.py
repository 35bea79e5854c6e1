"""XGrad-CAM: Grad-CAM whose weights agree best with the score's sensitivity to each channel."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kx_widget.engine.types import Floats, Partial


def xgradcam(probe: Any, target: Floats) -> Iterator[Partial]:
    """Σ_k (Σ_ij g_ijk A_ijk / Σ_ij A_ijk) A_k with g = ∂S/∂A; a channel that sums to 0 gets weight 0.

    Args:
        probe: the images, the model and a layer.
        target: weights on the scores (B, C).

    Yields:
        One `Partial` with signed maps (B, h, w).

    Reference: Fu et al. 2020, arXiv 2008.02312.
    """
    g, a = probe.head_gradient(target), probe.activations()
    below = a.sum((1, 2))
    weights = np.divide(np.einsum("bhwk,bhwk->bk", g, a), below, out=np.zeros_like(below), where=below != 0)
    yield Partial(np.einsum("bhwk,bk->bhw", a, weights))
