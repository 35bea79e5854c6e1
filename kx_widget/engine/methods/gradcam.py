"""Grad-CAM: activations weighted by their mean gradient."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kx_widget.engine.notes import ROUNDING
from kx_widget.engine.types import Floats, Partial


def gradcam(probe: Any, target: Floats) -> Iterator[Partial]:
    """Gradient-weighted class activation map, Σ_k mean_ij(∂S/∂A_k) A_k.

    Args:
        probe: the images, the model and a layer.
        target: weights on the scores (B, C).

    Yields:
        One `Partial` with signed maps (B, h, w). The paper shows the positive part; that is left to drawing.

    Reference: Selvaraju et al. 2017, arXiv 1610.02391.
    """
    g, a = probe.head_gradient(target), probe.activations()
    weights = g.mean((1, 2))
    # Where what follows normalises each channel over the map, its mean gradient is 0 but for rounding.
    terms = np.einsum("bhwk,bk->bhw", np.abs(a), np.abs(g).mean((1, 2))).max((1, 2))
    yield Partial(np.einsum("bhwk,bk->bhw", a, weights), noise=ROUNDING * terms)
