"""Gradient × input: what each pixel adds to the score, to first order."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kx_widget.engine.types import Floats, Partial


def gradient_x_input(probe: Any, target: Floats) -> Iterator[Partial]:
    """Σ_channels x ⊙ ∂S/∂x, with x as the model receives it: 0 is where its preprocessing puts it.

    For a network of ReLUs without biases the map sums to the score.

    Args:
        probe: the images and the model.
        target: weights on the scores (B, C).

    Yields:
        One `Partial` with signed maps (B, H, W).

    Reference: Shrikumar et al. 2016, arXiv 1605.01713.
    """
    yield Partial(np.einsum("bhwc,bhwc->bhw", probe.x, probe.input_gradient(target)))
