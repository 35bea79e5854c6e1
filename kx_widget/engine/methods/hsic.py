"""HSIC: how much the score depends on whether a cell is seen."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kx_widget.engine.cell_masks import CellMasks, meaningless_below
from kx_widget.engine.types import Floats, Ints, Partial

# Masks that together show each cell as often as they hide it.
BLOCK = 50
GROWTH = 1.2


def hsic(
    probe: Any, target: Floats, masks: int = 500, cells: int = 7, baseline: str = "mean", width: str = "distance"
) -> Iterator[Partial]:
    """tr(K_i H L H) / n² of each cell i, over n masks that show or cover each cell at random.

    K_i = 1 for masks that do the same with the cell, else 0; L = exp(−(S − S')² / 2σ²) for their scores; H takes means
    away. 0 is a cell on which the score does not depend; interactions of cells count, too. There is no sign.

    Masks are halves of a Latin hypercube, as the paper's: of 50 masks, each cell is shown in 25. Its authors write
    K_i = 3/2 − (m − m')², which H makes the same, take for σ the median of the scores, which changes with a bias,
    and leave the n² out or divide by n; here σ is the median distance of two scores, as is usual.

    Args:
        probe: the images and the model; the masks follow from its seed.
        target: weights on the scores (B, C).
        masks: n, how many masks.
        cells: rows and columns of the grid.
        baseline: what covers: see `Probe.baseline`.
        width: σ, the median `"distance"` of scores, or the median `"score"`.

    Yields:
        `Partial`s with maps (B, H, W) that are not negative, of the masks so far.

    Reference: Novello et al. 2022, arXiv 2206.06219.
    """
    grid = CellMasks(probe, cells, probe.baseline(baseline))
    drawn = np.stack([halves(probe.rng(i), masks, cells**2) for i in range(len(probe.x))])

    def masked(images: Ints, numbers: Ints) -> Floats:
        return grid.masked(images, drawn[images, numbers])

    scores = np.zeros((len(probe.x), masks))
    count, told = np.zeros((2, len(probe.x)), np.int64)
    values, noise = np.full((len(probe.x), cells**2), np.nan), np.zeros(len(probe.x))
    for batch in probe.changed_scores(("hsic", probe.seed, cells, baseline), masked, target, np.arange(masks)):
        scores[batch.images, batch.items] = batch.values
        np.add.at(count, batch.images, 1)
        # It takes a square of the masks: not for a few more of them.
        for i in np.flatnonzero((count > told) & ((count >= GROWTH * told) | (count == masks))):
            told[i] = count[i]
            known = scores[i, : count[i]]
            values[i] = dependence(drawn[i, : count[i]], gaussian(known, width))
            noise[i] = meaningless_below(known)
        yield Partial(grid.maps(values), batch.done, masks, noise=noise.copy())


def halves(rng: np.random.Generator, masks: int, cells: int) -> Floats:
    """Masks (masks, cells) of 0 and 1, where more masks begin with fewer."""
    half = np.repeat(np.arange(2, dtype=np.float32), BLOCK // 2)[:, None].repeat(cells, 1)
    return np.concatenate([rng.permuted(half, axis=0) for _ in range(-(-masks // BLOCK))])[:masks]


def gaussian(scores: Any, width: str) -> Any:
    """The kernel (n, n) of scores (n,)."""
    distances = np.abs(scores[:, None] - scores)
    sigma = middle_distance(distances) if width == "distance" else float(np.median(scores))
    # Of more than half of the scores that are equal, the others are far away.
    return np.exp(-(distances**2) / (2 * sigma**2)) if sigma else (distances == 0).astype(float)


def middle_distance(distances: Any) -> float:
    """The median of distances (n, n) of two that are not the same, 0 of a single one."""
    count = len(distances)
    # Those of each to itself come first.
    middle = count + count * (count - 1) // 2
    return (
        float(np.partition(distances, (middle - 1, middle), axis=None)[middle - 1 : middle + 1].mean())
        if count > 1
        else 0
    )


def dependence(masks: Floats, kernel: Any) -> Any:
    """HSIC (cells,) of each column of masks (n, cells) of 0 and 1 and a kernel (n, n) of scores."""
    centred = masks - masks.mean(0)
    # Of 0 and 1, H K H is twice the outer product of the centred column with itself.
    return 2 * (centred * (kernel @ centred)).sum(0) / len(masks) ** 2
