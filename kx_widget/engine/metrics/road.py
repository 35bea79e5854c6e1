"""ROAD: deletion and insertion whose pixels are made up from their neighbours instead of being covered."""

from collections.abc import Generator
from typing import Any

import numpy as np

from kx_widget.engine.map_batch import MapBatch


def road(batch: MapBatch, noise: float = 0.01) -> Generator[Any, None, None]:
    """Half the mean difference between removing the least and removing the most relevant pixels, at 10 to 90 %.

    A removed pixel is a mean of its neighbours, removed ones among them, and some noise. Large holes become blurs that
    one can see; each step takes a solution of a large system of equations.

    Args:
        batch: the maps; the noise follows from the seed.
        noise: its deviation, as a part of a pixel's range.

    Yields:
        Passes, and −1/2 to 1/2 (B, T); NaN where nothing that is removed changes the value.

    Raises:
        UnsupportedMethodError: scipy is missing.

    Reference: Rong et al. 2022, arXiv 2202.00449.
    """
    values = yield from batch.imputed_values(255 * noise)
    drops = batch.original()[..., None, None] - values
    scores = (values[:, :, 1] - values[:, :, 0]).mean(-1) / 2
    yield batch.score_drops(scores, drops.reshape(*np.shape(scores), -1))
