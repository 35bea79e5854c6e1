"""LayerCAM: each cell weighted by its own positive gradient."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kx_widget.engine.types import Floats, Partial


def layercam(probe: Any, target: Floats) -> Iterator[Partial]:
    """Σ_k ReLU(∂S/∂A_k) ⊙ A_k: sharp also at early layers.

    Args:
        probe: the images, the model and a layer.
        target: weights on the scores (B, C).

    Yields:
        One `Partial` with maps (B, h, w), signed where activations are.

    Reference: Jiang et al. 2021, LayerCAM, IEEE Transactions on Image Processing 30.
    """
    g = probe.head_gradient(target)
    yield Partial(np.einsum("bhwk,bhwk->bhw", np.maximum(g, 0), probe.activations()))
