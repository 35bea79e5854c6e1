"""LeGrad: how strongly each block's own reading of the image would grow with its attention to each patch."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kx_widget.engine.types import Floats, Partial


def legrad(probe: Any, target: Floats) -> Iterator[Partial]:
    """The mean over blocks l, heads and queries of ReLU(∂s_l/∂A_l), with s_l what the head reads from block l's tokens.

    The head is the model's own, its last norm included. Other implementations rescale the map to 0..1, which is left
    to drawing here.

    Args:
        probe: the images, the model and the layer to start from.
        target: weights on the scores (B, C).

    Yields:
        One `Partial` with maps (B, h, w) on the grid of patches that are not negative.

    Raises:
        UnsupportedMethodError: the model's attention is not among all its tokens, or its head does not fit all blocks.

    Reference: Bousselham et al. 2024, arXiv 2404.03214.
    """
    gradients = probe.attention_gradients("LeGrad", target, by_block=True)
    tokens = sum(np.maximum(g, 0).mean((1, 2)) for g in gradients) / len(gradients)  # (B, T)
    yield Partial(probe.on_the_patches(tokens))
