"""Grad-CAM element-wise: what raised the score, cell by cell and channel by channel."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kx_widget.engine.types import Floats, Partial


def gradcam_elementwise(probe: Any, target: Floats) -> Iterator[Partial]:
    """Σ_k ReLU(∂S/∂A_k ⊙ A_k): HiResCAM of what speaks for the target alone.

    Where the activations are not negative it is LayerCAM.

    Args:
        probe: the images, the model and a layer.
        target: weights on the scores (B, C).

    Yields:
        One `Partial` with maps (B, h, w) that are not negative.

    Reference: Gildenblat and contributors 2021, pytorch-grad-cam.
    """
    yield Partial(np.maximum(probe.head_gradient(target) * probe.activations(), 0).sum(-1))
