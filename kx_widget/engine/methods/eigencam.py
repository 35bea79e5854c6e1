"""Eigen-CAM: the first principal component of the activations."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kx_widget.engine.types import Floats, Partial


def eigencam(probe: Any, target: Floats) -> Iterator[Partial]:
    """A V₁, the activations (hw, K) on their first right singular vector, without centring.

    It does not depend on the class. The sign of a singular vector is arbitrary; here it is chosen so that the
    map agrees with the mean over channels.

    Args:
        probe: the images, the model and a layer.
        target: not looked at.

    Yields:
        One `Partial` with signed maps (B, h, w).

    Reference: Muhammad and Yeasin 2020, arXiv 2008.00299.
    """
    del target
    a = probe.activations()
    yield Partial(np.stack([_first_component(image.reshape(-1, a.shape[-1])) for image in a]).reshape(a.shape[:3]))


def _first_component(a: Floats) -> Floats:
    """A V₁ (hw,) of one image's A (hw, K), by way of the smaller of A Aᵀ and Aᵀ A."""
    double = a.astype(np.float64)
    if len(a) <= a.shape[1]:
        values, vectors = np.linalg.eigh(double @ double.T)
        component = np.sqrt(max(values[-1], 0.0)) * vectors[:, -1]
    else:
        component = double @ np.linalg.eigh(double.T @ double)[1][:, -1]
    return np.float32(1 if component @ double.mean(1) >= 0 else -1) * component.astype(np.float32)
