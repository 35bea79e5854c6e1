"""Gradient-weighted attention: attention that raised the score, followed through the blocks."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kx_widget.engine.types import Floats, Partial


def attention_gradient(probe: Any, target: Floats) -> Iterator[Partial]:
    """The row of the tokens that the head reads, of R = Π_l (I + mean_h ReLU(∂S/∂A_l ⊙ A_l)).

    This is the generic rule R ← R + Ā_l R for self-attention, from R = I. A token's relevance to itself, the I, has no
    place on the map of a class token; where the head reads the patches themselves it is left out.

    Args:
        probe: the images, the model and the layer to start from.
        target: weights on the scores (B, C).

    Yields:
        One `Partial` with maps (B, h, w) on the grid of patches that are not negative.

    Raises:
        UnsupportedMethodError: the model's attention is not among all its tokens.

    Reference: Chefer et al. 2021, arXiv 2103.15679.
    """
    title = "Gradient-weighted attention"
    gradients = probe.attention_gradients(title, target)
    attentions = probe.attentions(title)
    read = np.broadcast_to(probe.read_out, attentions[-1].shape[::3])
    rows = read
    # From the last block back: one row in place of a product of whole matrices.
    for attention, gradient in zip(reversed(attentions), reversed(gradients), strict=True):
        # Image by image, so that a product stays in the processor's cache; its mean over heads comes last.
        rows = rows + np.stack(
            [(row @ np.maximum(a * g, 0)).mean(0) for row, a, g in zip(rows, attention, gradient, strict=True)]
        )
    yield Partial(probe.on_the_patches(rows - read))
