"""Eigen-CAM: the first principal component of the activations."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kx_widget.engine.principal import agreeing, first_component
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
    cells = [image.reshape(-1, a.shape[-1]) for image in a]
    yield Partial(np.stack([agreeing(first_component(rows), rows.mean(1)) for rows in cells]).reshape(a.shape[:3]))
