"""Shapley values of superpixels, exactly."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kx_widget.engine.superpixels import Shown, Superpixels, every_coalition
from kx_widget.engine.types import Floats, Partial


def shapley(
    probe: Any, target: Floats, number: int = 9, superpixels: str = "grid", baseline: str = "mean"
) -> Iterator[Partial]:
    """φ_i = 1/n Σ_k mean_{|Z| = k, i ∉ Z} (S(Z ∪ {i}) − S(Z)), S(Z) being the score where only Z is left to be seen.

    Each pixel has the value of its superpixel as a whole, not a share of it: the values of the n superpixels sum to
    S(x) − S(x'), x' being the image with all of them covered.

    Args:
        probe: the images and the model.
        target: weights on the scores (B, C).
        number: how many superpixels an image has at most, 10 or less: 2ⁿ pictures are scored.
        superpixels: `"grid"` or `"slic"`, which needs scikit-image.
        baseline: what covers: see `Probe.baseline`.

    Yields:
        `Partial`s with signed maps (B, H, W), of the differences known so far; NaN where there is none of a superpixel.

    Reference: Shapley 1953, Contributions to the Theory of Games 2; Lundberg and Lee 2017, arXiv 1705.07874.
    """
    parts = Superpixels(probe, superpixels, number, baseline)
    shown = [every_coalition(n) for n in parts.counts]
    yield from parts.explained(target, shown, [("all",)] * len(shown), [exact_values] * len(shown))


def exact_values(shown: Shown, scores: Any, whole: float) -> tuple[Any, dict[str, float]]:
    """Shapley values (n,) of superpixels by the scores of the pictures known; see `superpixels.Estimate`.

    Of each size of Z it is the mean of the differences known that counts, where one is.
    """
    n = shown.shape[1]
    score_of = np.full(2**n, np.nan)
    score_of[shown @ (1 << np.arange(n))] = scores
    score_of[-1] = whole
    codes = np.arange(2**n)
    size = ((codes[:, None] >> np.arange(n)) % 2).sum(1)
    values = np.full(n, np.nan)
    for i in range(n):
        without = codes[(codes >> i) % 2 == 0]
        difference = score_of[without | 1 << i] - score_of[without]
        known = ~np.isnan(difference)
        times = np.bincount(size[without][known], minlength=n)
        total = np.bincount(size[without][known], difference[known], minlength=n)
        if known.any():
            values[i] = (total[times > 0] / times[times > 0]).mean()
    return values, {}
