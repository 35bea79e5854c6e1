"""Sparseness: whether a map keeps to few places."""

import numpy as np

from kx_widget.engine.map_batch import MapBatch
from kx_widget.engine.statistics import gini
from kx_widget.engine.types import Floats


def sparseness(batch: MapBatch) -> Floats:
    """The Gini coefficient of |φ| in 28 × 28 cells: 0 where all cells have as much, 1 − 1/n where one has all.

    Maps of all sizes are brought to the same cells, for the coefficient grows with the number of values. It says that
    a map is tidy, and not that it is true.

    Args:
        batch: the maps.

    Returns:
        0 to 1 (B, T).

    Reference: Chalasani et al. 2018, arXiv 1810.06583.
    """
    return gini(batch.in_cells(np.abs(batch.maps)))
