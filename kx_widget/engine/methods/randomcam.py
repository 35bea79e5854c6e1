"""RandomCAM: activations under random weights, a control."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kx_widget.engine.types import Floats, Partial


def randomcam(probe: Any, target: Floats) -> Iterator[Partial]:
    """Σ_k w_k A_k with w_k drawn evenly from −1 to 1: what a map looks like whose weights know nothing.

    It is no explanation, but what an explanation has to be better than. It does not depend on the class. The weights
    follow from the seed, the image and the layer.

    Args:
        probe: the images, the model and a layer.
        target: not looked at.

    Yields:
        One `Partial` with maps (B, h, w), whose sign means nothing.

    Reference: pytorch-grad-cam has it as a baseline for its metrics.
    """
    del target
    a = probe.activations()
    weights = [probe.rng(i, f"randomcam {probe.call.path}").uniform(-1, 1, a.shape[-1]) for i in range(len(a))]
    yield Partial(np.einsum("bhwk,bk->bhw", a, np.array(weights, np.float32)))
