"""Guided Grad-CAM: the lines of guided backpropagation, where Grad-CAM looks."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kx_widget.engine.methods.gradcam import gradcam
from kx_widget.engine.postprocess import resize
from kx_widget.engine.types import Floats, Partial


def guided_gradcam(probe: Any, target: Floats, **_: Any) -> Iterator[Partial]:
    """Guided gradient ⊙ max(U(Grad-CAM), 0), U being bilinear interpolation; `over_channels` makes it a map.

    The lines are those of `guided_gradients`, which hardly depend on the class; what depends on it is where they are
    shown. Other implementations repeat cells instead of interpolating them.

    Args:
        probe: the images, the model and a layer.
        target: weights on the scores (B, C).

    Yields:
        One `Partial` with the product (B, H, W, C), of the size of the image.

    Reference: Selvaraju et al. 2017, arXiv 1610.02391.
    """
    (cam,) = gradcam(probe, target)
    guided = probe.input_gradient(target, guided=True)
    where = np.maximum(resize(cam.maps, probe.x.shape[1:3]), 0)
    yield Partial(guided * where[..., None], noise=cam.noise * np.abs(guided).max((1, 2, 3)))
