"""FullGrad: the score taken apart into what the input and what every bias adds."""

from collections.abc import Iterator
from typing import Any

from kx_widget.engine.lines import relative_gap
from kx_widget.engine.types import Floats, Partial


def full_gradients(probe: Any, target: Floats, rescale: str = "tensor") -> Iterator[Partial]:
    """ψ(∂S/∂x ⊙ x) + Σ_l Σ_k ψ(∂S/∂b_lk ⊙ b_lk), with ψ = interpolate(rescale(abs)), over all biases b.

    Biases are whatever the model adds that does not depend on the image: those of convolutions, and batch norm's
    implicit β − μγ/√(σ²+ε). Those of Dense layers have no map, but count for completeness: in a piecewise
    linear network all terms sum to the score, and `completeness_gap` reports by how much of it they miss.

    Args:
        probe: the images and the model.
        target: weights on the scores (B, C).
        rescale: to 0..1 over each layer's whole `"tensor"`, as the authors' code does, or over each `"channel"`.

    Yields:
        One `Partial` with maps (B, H, W) that are not negative.

    Reference: Srinivas and Fleuret 2019, arXiv 1905.00780.
    """
    maps, total = probe.full_gradients(target, rescale)
    score = (probe.scores() * target).sum(-1)
    yield Partial(maps, checks={"completeness_gap": relative_gap(total, score)})
