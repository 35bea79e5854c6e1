"""Deletion: how soon the score falls when what the map marks is covered."""

from collections.abc import Generator
from typing import Any

from kx_widget.engine.map_batch import MapBatch, area_under


def deletion(batch: MapBatch) -> Generator[Any, None, None]:
    """The area under the value of the target as the pixels of the largest values are covered, first ones first.

    The value is the probability, or the score rescaled from 0, blank, to 1, the image. RISE covers with one thing for
    deletion and another for insertion; here both covers are the same.

    Args:
        batch: the maps.

    Yields:
        Passes, and 0 to about 1 (B, T); NaN where the value hardly falls when all is covered.

    Reference: Petsiuk et al. 2018, arXiv 1806.07421.
    """
    curves = yield from batch.curves()
    yield curves.score(area_under(curves.deletion, curves.covered))
