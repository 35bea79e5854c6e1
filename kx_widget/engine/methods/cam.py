"""CAM: the class's own weights on the last activation."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kx_widget.engine.types import Floats, Partial


def cam(probe: Any, target: Floats) -> Iterator[Partial]:
    """Class activation map, Σ_k w_k A_k, with w the weights from pooled channel k to the class.

    With global average pooling and one linear layer, w_k is the sum of ∂S/∂A_k over space, which is how it is
    read here, so that Dense layers and 1×1 convolutions are one case.

    Args:
        probe: the images, the model and a layer that is pooled directly.
        target: weights on the scores (B, C).

    Yields:
        One `Partial` with signed maps (B, h, w); their mean over space plus the bias is the score.

    Raises:
        UnsupportedMethodError: another head follows the layer; names it.

    Reference: Zhou et al. 2016, arXiv 1512.04150.
    """
    probe.require_pooled_linear_head()
    weights = probe.head_gradient(target).sum((1, 2))
    yield Partial(np.einsum("bhwk,bk->bhw", probe.activations(), weights))
