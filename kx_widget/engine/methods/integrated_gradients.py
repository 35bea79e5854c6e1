"""Integrated gradients: gradients averaged on the way from a baseline to the image."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kx_widget.engine.lines import along_lines, completeness_gap, over_bands
from kx_widget.engine.perturbation import bit_reversal_order
from kx_widget.engine.types import Floats, Partial


def integrated_gradients(
    probe: Any, target: Floats, steps: int = 32, baseline: str = "black", channels: str = "sum"
) -> Iterator[Partial]:
    """Σ_channels (x − x') ⊙ ∫₀¹ ∂S/∂x(x' + t(x − x')) dt, by Gauss–Legendre quadrature.

    The map sums to S(x) − S(x'). By how much of that it misses is reported as `completeness_gap`; more steps
    make it smaller.

    Args:
        probe: the images and the model.
        target: weights on the scores (B, C).
        steps: points of the quadrature.
        baseline: x', `"black"`, the image's `"mean"` colour or the image with a `"blur"`; see `Probe.baseline`.
        channels: `"sum"`, or `"each"` for what is summed: all maps of an image then sum to S(x) − S(x').

    Yields:
        `Partial`s with signed maps (B, H, W), or (B, H, W, channels), estimated from the points so far.

    Reference: Sundararajan et al. 2017, arXiv 1703.01365.
    """
    start = probe.baseline(baseline)
    points, weights = gauss_legendre(steps)
    for attributions, done in along_lines(probe, target, lambda images, _: start[images], points, weights):
        maps = over_bands(attributions, channels)
        checks = completeness_gap(probe, target, maps, probe.scores_of(start)) if done == steps else {}
        yield Partial(maps, done, steps, checks)


def gauss_legendre(steps: int) -> tuple[Floats, Floats]:
    """Points between 0 and 1 and their weights (steps,), so ordered that the first few lie evenly."""
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    order = bit_reversal_order(steps)
    return ((nodes[order] + 1) / 2).astype(np.float32), weights[order].astype(np.float32)
