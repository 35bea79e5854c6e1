"""Edges of the picture, a control."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kx_widget.engine.types import Floats, Partial


def edges(probe: Any, target: Floats) -> Iterator[Partial]:
    """The Sobel magnitude √(G_x² + G_y²) of the mean of the image's channels; the model is not asked.

    It is no explanation: many maps of pixels look like it, and those that do may tell of the picture what they seem to
    tell of the model. Beyond its border, the image goes on as it ends.

    Args:
        probe: the images.
        target: not looked at.

    Yields:
        One `Partial` with maps (B, H, W) that are not negative.

    Reference: Adebayo et al. 2018, arXiv 1810.03292, who compare maps with an edge detector.
    """
    del target
    grey = np.pad(probe.x.mean(-1), ((0, 0), (1, 1), (1, 1)), "edge")
    across = grey[:, :, 2:] - grey[:, :, :-2]
    down = grey[:, 2:] - grey[:, :-2]
    x = across[:, :-2] + 2 * across[:, 1:-1] + across[:, 2:]
    y = down[:, :, :-2] + 2 * down[:, :, 1:-1] + down[:, :, 2:]
    yield Partial(np.hypot(x, y))
