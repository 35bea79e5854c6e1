"""Grad-CAM++: Grad-CAM whose weights favour places where the gradient is positive."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kx_widget.engine.types import Floats, Partial


def gradcampp(probe: Any, target: Floats) -> Iterator[Partial]:
    """Σ_k [Σ_ij α_ijk ReLU(g_ijk)] A_k with α = g² / (2 g² + (Σ_ab A_abk) g³), g = ∂S/∂A, and 0/0 = 0.

    The paper derives α for exp(S) as the score. Its factor exp(S) is one positive constant per map, and it
    overflows for large scores: it is left out.

    Args:
        probe: the images, the model and a layer.
        target: weights on the scores (B, C).

    Yields:
        One `Partial` with signed maps (B, h, w).

    Reference: Chattopadhay et al. 2018, arXiv 1710.11063.
    """
    g, a = probe.head_gradient(target), probe.activations()
    # g² cancels: α = 1 / (2 + ΣA·g) wherever g ≠ 0, which also keeps tiny gradients from underflowing.
    below = a.sum((1, 2), keepdims=True) * g
    below += 2
    if not below.all():
        below[below == 0] = np.inf
    weights = np.divide(np.maximum(g, 0), below, out=below).sum((1, 2))
    yield Partial(np.einsum("bhwk,bk->bhw", a, weights))
