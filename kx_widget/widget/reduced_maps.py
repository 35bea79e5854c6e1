"""Maps of more cells than can be sent."""

from collections.abc import Sequence

import numpy as np

from kx_widget.engine.types import Floats

# Of a longer map pages get one that is averaged; parts of it are sent where somebody looks closer.
LONGEST_MAP = 1024
# Those of superpixels have one value for each, which are fewer.
FEW_VALUES = 256


def reduce(values: Floats, side: int | None) -> Floats:
    """A map (h, w) averaged over square blocks, so that it is at most `side` long; None leaves it as it is.

    One of few values, as of superpixels, keeps to them, so that borders stay sharp: of each block its middle is taken.
    """
    factor = factor_of(values.shape, side)
    if factor == 1:
        return values
    if len(np.unique(values)) <= min(FEW_VALUES, values.size // factor**2 // 4):
        middles = [np.minimum(np.arange(0, n, factor) + factor // 2, n - 1) for n in values.shape]
        return values[np.ix_(*middles)]
    rows, columns = (np.arange(0, length, factor) for length in values.shape)
    heights, widths = (np.diff([*range(0, length, factor), length]) for length in values.shape)
    totals: Floats = np.add.reduceat(np.add.reduceat(values, rows, 0), columns, 1)
    return totals / np.outer(heights, widths).astype(np.float32)


def factor_of(shape: Sequence[int], side: int | None) -> int:
    """How many cells along a side become one, so that a map of this shape is at most `side` long."""
    return 1 if side is None else -(-max(shape) // side)
