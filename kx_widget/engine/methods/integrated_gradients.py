"""Integrated gradients: gradients averaged on the way from a baseline to the image."""

from collections.abc import Iterator
from typing import Any

import numpy as np

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
    way = probe.x - start
    order = bit_reversal_order(steps)
    nodes, weights = (v[order].astype(np.float32) for v in np.polynomial.legendre.leggauss(steps))

    def between(images: Any, points: Any) -> Floats:
        x = way[images]
        x *= ((nodes[points] + 1) / 2)[:, None, None, None]
        x += start[images]
        return x

    out = "bhwc" if channels == "each" else "bhw"
    mean, seen = np.zeros_like(way), np.zeros(len(way), np.float32)
    for batch in probe.changed_gradients(between, target, steps):
        for i, point, gradient in zip(batch.images, batch.items, batch.values, strict=True):
            mean[i] += weights[point] * gradient
            seen[i] += weights[point]
        along = np.einsum(f"bhwc,bhwc->{out}", way, mean)
        passed = seen.reshape(-1, *[1] * (along.ndim - 1))
        maps = np.divide(along, passed, out=np.full_like(along, np.nan), where=passed > 0)
        checks = {}
        if batch.done == steps:
            expected = ((probe.scores() - probe.scores_of(start)) * target).sum(-1)
            checks["completeness_gap"] = relative_gap(maps.reshape(len(maps), -1).sum(1), expected)
        yield Partial(maps, batch.done, steps, checks)


def relative_gap(actual: Floats, expected: Floats) -> Floats:
    """|actual − expected| as a part of |expected|, or of 10⁻⁶ where that is less."""
    return np.asarray(np.abs(actual - expected) / np.maximum(np.abs(expected), 1e-6), np.float32)
