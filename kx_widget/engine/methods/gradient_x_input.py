"""Gradient × input: what each pixel adds to the score, to first order."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kx_widget.engine.types import Floats, Partial


def gradient_x_input(probe: Any, target: Floats, channels: str = "sum") -> Iterator[Partial]:
    """Σ_channels x ⊙ ∂S/∂x, with x as the model receives it: 0 is where its preprocessing puts it.

    For a network of ReLUs without biases the map sums to the score.

    Args:
        probe: the images and the model.
        target: weights on the scores (B, C).
        channels: `"sum"`, or `"each"` for what is summed.

    Yields:
        One `Partial` with signed maps (B, H, W), or (B, H, W, channels).

    Reference: Shrikumar et al. 2016, arXiv 1605.01713.
    """
    out = "bhwc" if channels == "each" else "bhw"
    yield Partial(np.einsum(f"bhwc,bhwc->{out}", probe.x, probe.input_gradient(target)))
