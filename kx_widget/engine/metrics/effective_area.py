"""Effective area: in how much of the picture the evidence lies."""

import numpy as np

from kx_widget.engine.map_batch import NOTHING_FOR, MapBatch, MetricValues
from kx_widget.engine.statistics import smallest_share


def effective_area(batch: MapBatch, part: float = 0.5) -> MetricValues:
    """The smallest share of the picture that holds a part of what speaks for the target, max(φ, 0).

    Told in 28 × 28 cells, to which maps of all sizes are brought.

    Args:
        batch: the maps.
        part: which part of the evidence.

    Returns:
        0 to 1 (B, T); NaN where nothing speaks for the target.

    Reference: after the minimal sufficient areas of Petsiuk et al. 2018, arXiv 1806.07421.
    """
    shares = smallest_share(batch.in_cells(batch.evidence()), part)
    return MetricValues(shares, {NOTHING_FOR: np.isnan(shares)})
