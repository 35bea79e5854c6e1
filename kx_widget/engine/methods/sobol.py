"""Sobol: which part of the score's variance goes when a cell no longer varies."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kx_widget.engine.cell_masks import CellMasks, meaningless_below
from kx_widget.engine.sobol_sequence import flipped, sequence
from kx_widget.engine.types import Floats, Ints, Partial


def sobol(probe: Any, target: Floats, designs: int = 32, cells: int = 7, baseline: str = "mean") -> Iterator[Partial]:
    """Total Sobol index of each cell i by Jansen's estimator, Σ_j (S(A_j) − S(C_ij))² / (2 n Var_j S(A_j)).

    A_j says how far design j shows each cell, from 0, covered, to 1, and C_ij is A_j with cell i shown as B_j has
    it. An index is the part of the variance of the score in which a cell has a share, alone or together with others;
    they add up to 1 where cells only add, and to more where they interact. There is no sign.

    A and B are halves of one Sobol' sequence, whose bits are flipped for each image by numbers that follow from the
    seed. B by itself is not run, as its authors' code does to no use.

    Args:
        probe: the images and the model.
        target: weights on the scores (B, C).
        designs: n, how many rows A and B have; best a power of two.
        cells: rows and columns of the grid.
        baseline: what covers: see `Probe.baseline`.

    Yields:
        `Partial`s with maps (B, H, W) that are not negative, of the designs so far.

    Reference: Fel et al. 2021, arXiv 2111.04138.
    """
    grid = CellMasks(probe, cells, probe.baseline(baseline))
    images, number = len(probe.x), cells**2
    points = sequence(designs, 2 * number)
    first, second = np.split(np.stack([flipped(points, probe.rng(i)) for i in range(images)]), 2, axis=2)

    def masked(images: Ints, items: Ints) -> Floats:
        rows, parts = np.divmod(items, number + 1)
        shown = first[images, rows]
        one = np.flatnonzero(parts)
        shown[one, parts[one] - 1] = second[images[one], rows[one], parts[one] - 1]
        return grid.masked(images, shown)

    scores = np.full((images, designs, number + 1), np.nan)
    flat = scores.reshape(images, -1)
    order = in_order(designs, number + 1)
    noise = np.zeros(images)
    for batch in probe.changed_scores(("sobol", probe.seed, cells, baseline), masked, target, order):
        flat[batch.images, batch.items] = batch.values
        for i in np.unique(batch.images):
            noise[i] = meaningless_below(flat[i, np.isfinite(flat[i])])
        yield Partial(grid.maps(total_indices(scores)), batch.done, len(order), noise=noise.copy())


def total_indices(scores: Any) -> Any:
    """Jansen's estimates (B, cells) of total Sobol indices, NaN where nothing is known.

    Args:
        scores: (B, designs, 1 + cells): first that of A_j, then those of C_ij; NaN where not known yet.
    """
    a, c = scores[..., :1], scores[..., 1:]
    # Two scores of A are known before those of any C.
    variance = np.array([np.var(row[np.isfinite(row)], ddof=1) if np.isfinite(row).sum() > 1 else np.nan for row in a])
    squares = (a - c) ** 2
    known = np.isfinite(squares)
    total, count = np.where(known, squares, 0).sum(1), known.sum(1)
    half = np.divide(total, 2 * count, out=np.full_like(total, np.nan), where=count > 0)
    indices = np.divide(half, variance[:, None], out=np.zeros_like(half), where=(variance != 0)[:, None])
    return np.where(count > 0, indices, np.nan)


def in_order(designs: int, length: int) -> Ints:
    """Items of `designs` rows of this length, row by row, but those that begin the first two rows come first."""
    items = np.arange(designs * length)
    return np.concatenate([items[: 2 * length : length], np.delete(items, np.s_[: 2 * length : length])])
