"""DeepLIFT: what each pixel adds to the change of the score from a baseline, gate by gate."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kx_widget.engine.lines import relative_gap
from kx_widget.engine.types import Floats, Partial


def deeplift(probe: Any, target: Floats, baseline: str = "black", channels: str = "sum") -> Iterator[Partial]:
    """Σ_channels (x − x') ⊙ m, where m is ∂S/∂x with Δout/Δin in place of the derivative of each activation.

    Δ is what a number in the model is at x less what it is at the baseline x', so that the map sums to S(x) − S(x');
    by how much of that rounding makes it miss is reported as `completeness_gap`. Where no activation changes its slope
    it is gradient × (x − x').

    This is the rescale rule. What a maximum gains counts where it is in the image, and what it loses where it was in
    the baseline; where several are equal, as in a baseline of one colour, at one of them. Of a product of two numbers,
    as in SiLU, GELU, squeeze-and-excitation and layer normalization, each takes the change that the mean of the other
    lets it make, as shap has it. Softmax within a model, as attention has it, and products of matrices that both depend
    on the image are refused.

    Args:
        probe: the images and the model.
        target: weights on the scores (B, C).
        baseline: x', `"black"`, the image's `"mean"` colour or the image with a `"blur"`; see `Probe.baseline`.
        channels: `"sum"`, or `"each"` for what is summed: all maps of an image then sum to S(x) − S(x').

    Yields:
        One `Partial` with signed maps (B, H, W), or (B, H, W, channels).

    Raises:
        UnsupportedMethodError: the model has an operation without such a rule; names it.

    Reference: Shrikumar et al. 2017, arXiv 1704.02685.
    """
    multipliers, change = probe.multipliers(target, baseline)
    out = "bhwc" if channels == "each" else "bhw"
    maps = np.einsum(f"bhwc,bhwc->{out}", probe.x - probe.baseline(baseline), multipliers)
    gap = relative_gap(maps.reshape(len(maps), -1).sum(1), change)
    yield Partial(maps, checks={"completeness_gap": gap})
