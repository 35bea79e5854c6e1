"""Guided backpropagation: gradients from which every ReLU removes what is negative."""

from collections.abc import Iterator
from typing import Any

from kx_widget.engine.types import Floats, Partial


def guided_gradients(probe: Any, target: Floats, **_: Any) -> Iterator[Partial]:
    """As `gradients`, but each ReLU passes back max(g, 0) only; `over_channels` makes it a map.

    Fine lines, but be warned: it fails sanity checks. The maps hardly change when the class does or when the
    upper layers get random weights (Adebayo et al. 2018, arXiv 1810.03292): they show the image's edges more
    than the decision. In a model without ReLUs they are the plain gradients.

    Args:
        probe: the images and the model; see `Probe`.
        target: weights on the scores (B, C).

    Yields:
        One `Partial` with the bare guided gradient (B, H, W, C).

    Reference: Springenberg et al. 2014, arXiv 1412.6806.
    """
    yield Partial(probe.input_gradient(target, guided=True))
