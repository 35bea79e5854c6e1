"""SRG: the symmetric relevance gain, between what a map marks most and what it marks least."""

from collections.abc import Generator
from typing import Any

from kx_widget.engine.map_batch import MapBatch, area_under


def srg(batch: MapBatch) -> Generator[Any, None, None]:
    """Insertion − deletion, which is the area between covering the least and covering the most relevant pixels first.

    Covering the least relevant first leaves just what inserting the most relevant shows. Either area alone depends on
    what covers, their difference hardly does. Random maps have 0 on average, and −φ has what φ has with the other sign.

    Args:
        batch: the maps.

    Yields:
        Passes, and −1 to 1 (B, T); NaN where the value hardly falls when all is covered.

    Reference: Blücher et al. 2024, arXiv 2401.06654.
    """
    curves = yield from batch.curves()
    yield curves.score(area_under(curves.insertion, curves.shown) - area_under(curves.deletion, curves.covered))
