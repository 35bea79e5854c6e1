"""Expected gradients: integrated gradients from many baselines, one drawn point of each."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kx_widget.engine.lines import along_lines, completeness_gap, over_bands
from kx_widget.engine.types import Floats, Ints, Partial

BASELINES = ("black", "mean", "blur")


def expected_gradients(
    probe: Any, target: Floats, draws: int = 50, background: Any = None, channels: str = "sum"
) -> Iterator[Partial]:
    """Σ_channels mean over drawn (x', t) of (x − x') ⊙ ∂S/∂x(x' + t(x − x')), also called GradientSHAP.

    The map sums to S(x) − mean S(x') over the x' that were drawn. By how much of that it misses, which is chance, is
    reported as `completeness_gap`; more draws make it smaller. Baselines are taken in turn, shuffled, and t lies in
    each n-th part of 0..1 once, so that the map has the same expectation as with independent draws, and varies less.
    Other implementations draw both independently, or add noise to x.

    Args:
        probe: the images and the model; what is drawn follows from its seed.
        target: weights on the scores (B, C).
        draws: n, how many pairs are drawn.
        background: images whose `batch` (M, H, W, C) the x' are drawn of; without, they are black, the image's mean
            colour and the image with a blur.
        channels: `"sum"`, or `"each"` for what is summed.

    Yields:
        `Partial`s with signed maps (B, H, W), or (B, H, W, channels), estimated from those drawn so far.

    Reference: Erion et al. 2019, arXiv 1906.10670; Lundberg and Lee 2017, arXiv 1705.07874.
    """
    number = len(BASELINES) if background is None else len(background.batch)
    baselines = [probe.baseline(kind) for kind in BASELINES] if background is None else []
    pairs = [pairs_of(probe, i, draws, number) for i in range(len(probe.x))]
    which, points = (np.stack(each) for each in zip(*pairs, strict=True))

    def starts(images: Ints, items: Ints) -> Floats:
        numbers = which[images, items]
        if background is not None:
            return background.batch[numbers]
        return np.stack([baselines[n][i] for i, n in zip(images, numbers, strict=True)])

    weights = np.ones(draws, np.float32)
    for attributions, done in along_lines(probe, target, starts, points, weights):
        maps, checks = over_bands(attributions, channels), {}
        if done == draws:
            everyone = np.arange(len(probe.x))
            # The first ones are all different, and then they come again.
            counts = np.bincount(np.arange(draws) % number)
            scores = [probe.scores_of(starts(everyone, np.full_like(everyone, n))) for n in range(len(counts))]
            checks = completeness_gap(probe, target, maps, np.average(scores, 0, counts))
        yield Partial(maps, done, draws, checks)


def pairs_of(probe: Any, image: int, draws: int, number: int) -> tuple[Ints, Floats]:
    """Which of so many baselines, and at which t, the pairs (draws,) of an image are."""
    rng = probe.rng(image, "expected_gradients")
    which = np.resize(rng.permutation(number), draws)
    return which, ((rng.permutation(draws) + rng.random(draws)) / draws).astype(np.float32)
