"""KernelSHAP: Shapley values of superpixels, by a weighted linear model of the scores."""

from collections.abc import Iterator
from functools import partial
from math import comb
from typing import Any

import numpy as np

from kx_widget.engine.superpixels import Estimate, Shown, Superpixels, every_coalition, r_squared
from kx_widget.engine.types import Floats, Partial

# A part of numbers that is no more than rounding error.
NONE = 1e-10


def kernel_shap(
    probe: Any,
    target: Floats,
    number: int = 40,
    superpixels: str = "grid",
    masks: int = 500,
    baseline: str = "mean",
) -> Iterator[Partial]:
    """The φ that minimise Σ_z w(z) (S(z) − S(x') − Σ_i z_i φ_i)² where Σφ = S(x) − S(x'), x' having all covered.

    z tells which of n superpixels are left to be seen. Where 2ⁿ − 1 pictures are no more than `masks`, all are
    scored, w(z) = (n − 1) / (C(n, |z|) |z| (n − |z|)), and φ are the Shapley values. Else z are drawn with this
    probability, each with its complement, and w = 1. Each pixel has the value of its superpixel as a whole.
    `checks["surrogate_r2"]` tells how far such a sum of values explains the scores. Other implementations give S(x)
    and S(x') a large weight; here the sum holds exactly.

    Args:
        probe: the images and the model; what is drawn follows from its seed.
        target: weights on the scores (B, C).
        number: how many superpixels an image has at most.
        superpixels: `"grid"` or `"slic"`, which needs scikit-image.
        masks: how many pictures are scored.
        baseline: what covers: see `Probe.baseline`.

    Yields:
        `Partial`s with signed maps (B, H, W), of the pictures so far.

    Reference: Lundberg and Lee 2017, arXiv 1705.07874; Covert and Lee 2021, arXiv 2012.01536, for complements.
    """
    parts = Superpixels(probe, superpixels, number, baseline)
    shown: list[Shown] = []
    fits: list[Estimate] = []
    drawn: list[tuple[Any, ...]] = []
    for i, n in enumerate(parts.counts):
        is_all = 2**n - 1 <= masks
        shown.append(every_coalition(n) if is_all else drawn_coalitions(probe.rng(i, "coalitions"), n, masks))
        fits.append(partial(fitted, weights=shapley_kernel(n) if is_all else np.ones(n + 1)))
        drawn.append(("all",) if is_all else ("drawn", probe.seed))
    yield from parts.explained(target, shown, drawn, fits)


def shapley_kernel(number: int) -> Any:
    """What a picture of k of n superpixels weighs (n + 1,), k from 0; those of none and of all are bound to fit."""
    weights = np.zeros(number + 1)
    for k in range(1, number):
        weights[k] = (number - 1) / (comb(number, k) * k * (number - k))
    return weights


def drawn_coalitions(rng: np.random.Generator, number: int, masks: int) -> Shown:
    """Which of `number` superpixels are shown in drawn pictures (masks, n): in none, and then in pairs.

    The size k of the first of a pair has the probability of all pictures of that size, 1 / (k (n − k)) but for a
    factor; the second shows what the first covers.
    """
    random = rng.random((masks // 2, number + 1))
    sizes = np.arange(1, number)
    limits = np.cumsum(1 / (sizes * (number - sizes)))
    size = 1 + np.searchsorted(limits[:-1], random[:, 0] * limits[-1], side="right")
    # The superpixels of the least numbers are shown.
    first = random[:, 1:].argsort(1).argsort(1) < size[:, None]
    pairs = np.stack([first, ~first], 1).reshape(-1, number)
    return np.concatenate([np.zeros((1, number), np.bool_), pairs])[:masks]


def fitted(shown: Shown, scores: Any, whole: float, weights: Any) -> tuple[Any, dict[str, float]]:
    """Values (n,) of superpixels that fit the scores best; see `superpixels.Estimate`.

    Args:
        shown, scores, whole: the pictures known, the first of which shows none.
        weights: what a picture weighs (n + 1,), by how many superpixels it shows.
    """
    n, blank = shown.shape[1], scores[0]
    z, change = shown[1:].astype(np.float64), scores[1:] - blank
    share = (whole - blank) / n
    weight = weights[shown[1:].sum(1)]
    # What is left of φ once each has an equal share sums to 0, and so must what it is multiplied by.
    apart = z - z.mean(1, keepdims=True)
    gram, rest = (apart.T * weight) @ apart, weight * (change - share * z.sum(1))
    # Its rows sum to 0, and of few pictures not all values follow.
    ridge = NONE * max(float(np.trace(gram)), NONE) * np.eye(n)
    left = np.linalg.solve(gram + ridge, apart.T @ rest)
    values = left - left.mean() + share
    return values, {"surrogate_r2": r_squared(change, z @ values, weight)}
