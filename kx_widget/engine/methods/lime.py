"""LIME: a linear model of the scores of pictures that show some superpixels."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from kx_widget.engine.superpixels import Shown, Superpixels, r_squared
from kx_widget.engine.types import Floats, Partial

RIDGE = 1


def lime(
    probe: Any,
    target: Floats,
    number: int = 40,
    superpixels: str = "grid",
    masks: int = 500,
    baseline: str = "mean",
    kernel_width: float = 0.25,
) -> Iterator[Partial]:
    """The β that minimise Σ_z w(z) (S(z) − β₀ − Σ_i z_i β_i)² + |β|², over drawn pictures and the image itself.

    z tells which superpixels are left to be seen, each of them with probability ½; w(z) = √exp(−d² / kernel_width²),
    where d = 1 − √(|z| / n) is the cosine distance between z and the image. Each pixel has the value of its superpixel
    as a whole. `checks["surrogate_r2"]` tells how far such a sum explains the scores near the image, as weighted.
    The paper's software explains probabilities, by default covers each superpixel with its own mean colour, and looks
    for superpixels by Quickshift; here as everywhere S is the score before softmax or sigmoid.

    Args:
        probe: the images and the model; what is drawn follows from its seed.
        target: weights on the scores (B, C).
        number: how many superpixels an image has at most.
        superpixels: `"grid"` or `"slic"`, which needs scikit-image.
        masks: how many pictures are scored.
        baseline: what covers: see `Probe.baseline`.
        kernel_width: how near to the image a picture must be to count.

    Yields:
        `Partial`s with signed maps (B, H, W), of the pictures so far.

    Reference: Ribeiro et al. 2016, arXiv 1602.04938.
    """
    parts = Superpixels(probe, superpixels, number, baseline)
    shown = [probe.rng(i, "lime").random((masks, n)) < 0.5 for i, n in enumerate(parts.counts)]
    fit = partial(ridge, kernel_width=kernel_width)
    yield from parts.explained(target, shown, [("halves", probe.seed)] * len(shown), [fit] * len(shown))


def ridge(shown: Shown, scores: Any, whole: float, kernel_width: float) -> tuple[Any, dict[str, float]]:
    """Values (n,) of superpixels by weighted ridge regression; see `superpixels.Estimate`."""
    z = np.concatenate([np.ones((1, shown.shape[1])), shown])
    y = np.concatenate([[whole], scores])
    distance = 1 - np.sqrt(z.mean(1))
    weights = np.exp(-((distance / kernel_width) ** 2) / 2)
    mean, level = np.average(z, 0, weights), np.average(y, weights=weights)
    apart = z - mean
    gram = (apart.T * weights) @ apart + RIDGE * np.eye(z.shape[1])
    values = np.linalg.solve(gram, apart.T @ (weights * (y - level)))
    return values, {"surrogate_r2": r_squared(y, level + apart @ values, weights)}
