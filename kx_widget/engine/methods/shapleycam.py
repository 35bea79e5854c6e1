"""ShapleyCAM: Grad-CAM with a term of second order."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kx_widget.engine.notes import ROUNDING
from kx_widget.engine.types import Floats, Partial


def shapleycam(probe: Any, target: Floats, utility: str = "score") -> Iterator[Partial]:
    """Σ_k mean_ij(g − ½ H A)_k A_k with g and H the gradient and the Hessian of the utility U at the activations A.

    A ⊙ (g − ½ H A) are the Shapley values of the cells of A as far as U is of second order, and sum to U(A) − U(0)
    then. Where what follows the layer is linear, or ReLU and linear, the score has no H, and the map is Grad-CAM's.
    The paper takes U = S + log p, S the score and p its probability, which curves at every layer. Where it weighs
    positions evenly, as here, implementations agree; pytorch-grad-cam begins with U = S, too.

    Args:
        probe: the images, the model and a layer.
        target: weights on the scores (B, C).
        utility: `"score"`, U = S, or `"rest"`, the paper's.

    Yields:
        One `Partial` with signed maps (B, h, w).

    Raises:
        UnsupportedMethodError: what follows the layer cannot be differentiated twice.

    Reference: Cai 2025, arXiv 2501.06261.
    """
    a = probe.activations()
    g, product = probe.head_curvature(target, utility)
    weights = g - product / 2
    terms = np.einsum("bhwk,bk->bhw", np.abs(a), np.abs(weights).mean((1, 2))).max((1, 2))
    yield Partial(np.einsum("bhwk,bk->bhw", a, weights.mean((1, 2))), noise=ROUNDING * terms)
