"""HiResCAM: gradient times activation, cell by cell."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kx_widget.engine.types import Floats, Partial


def hirescam(probe: Any, target: Floats) -> Iterator[Partial]:
    """Σ_k ∂S/∂A_k ⊙ A_k: highlights only cells that raised the score.

    Args:
        probe: the images, the model and a layer.
        target: weights on the scores (B, C).

    Yields:
        One `Partial` with signed maps (B, h, w).

    Reference: Draelos and Carin 2020, arXiv 2011.08891.
    """
    yield Partial(np.einsum("bhwk,bhwk->bhw", probe.head_gradient(target), probe.activations()))
