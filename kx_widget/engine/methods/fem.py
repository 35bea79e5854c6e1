"""FEM: where channels are far above their own mean."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kx_widget.engine.types import Floats, Partial


def fem(probe: Any, target: Floats, k: float = 2) -> Iterator[Partial]:
    """Σ_k μ_k [A_k ≥ μ_k + k σ_k]: in which cells channels are rarely high, each channel weighted by its mean.

    It does not depend on the class. μ_k and σ_k are the mean and the deviation of channel k over the map. This is
    the paper's map, and xplique's; pytorch-grad-cam's of the same name is Σ_k mean[A_k > μ_k + k σ_k] A_k instead.

    Args:
        probe: the images, the model and a layer.
        target: not looked at.
        k: how many deviations above its mean a channel is rarely high. Of n cells none is above √(n − 1).

    Yields:
        One `Partial` with signed maps (B, h, w).

    Reference: Fuad et al. 2020, IPTA.
    """
    del target
    a = probe.activations()
    means, deviations = a.mean((1, 2), keepdims=True), a.std((1, 2), keepdims=True)
    # A channel that is the same everywhere is nowhere higher than elsewhere.
    is_high = (a >= means + k * deviations) & (a > means)
    yield Partial(np.where(is_high, means, 0).sum(-1))
