"""EigenGradCAM: the first principal component of gradient times activation."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kx_widget.engine.notes import ROUNDING
from kx_widget.engine.principal import agreeing, first_component
from kx_widget.engine.types import Floats, Partial


def eigengradcam(probe: Any, target: Floats) -> Iterator[Partial]:
    """M V₁ of M = ∂S/∂A ⊙ A (hw, K), each channel less its mean over space: Eigen-CAM that depends on the class.

    A component has no sign of its own, and is the same for S and −S. Here it rises with Σ_k M_k, HiResCAM's map;
    pytorch-grad-cam, where the method comes from, leaves the sign to chance.

    Args:
        probe: the images, the model and a layer.
        target: weights on the scores (B, C).

    Yields:
        One `Partial` with signed maps (B, h, w), whose mean is 0.

    Reference: Gildenblat and contributors 2021, pytorch-grad-cam, after arXiv 2008.00299.
    """
    a = probe.activations()
    products = (probe.head_gradient(target) * a).reshape(len(a), -1, a.shape[-1])
    centred = products - products.mean(1, keepdims=True)
    maps = np.stack([agreeing(first_component(rows), rows.sum(1)) for rows in centred])
    # What is left of products that are the same everywhere is rounding error.
    noise = ROUNDING * np.abs(products).sum(2).max(1)
    yield Partial(maps.reshape(a.shape[:3]), noise=noise)
