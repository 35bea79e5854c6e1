"""AOPC: by how much the score falls on the way, averaged over the steps."""

from collections.abc import Generator
from typing import Any

from kx_widget.engine.map_batch import MapBatch


def aopc(batch: MapBatch, order: str = "morf") -> Generator[Any, None, None]:
    """1 / (L + 1) Σ_k [f(x) − f(x_k)] over the L steps of covering pixels, k from 0.

    Args:
        batch: the maps.
        order: the most relevant first, `"morf"`, or the least relevant, `"lerf"`, where less is better.

    Yields:
        Passes, and −1 to 1 (B, T); NaN where the value hardly falls when all is covered.

    Reference: Samek et al. 2015, arXiv 1509.06321.
    """
    curves = yield from batch.curves()
    curve = curves.deletion if order == "morf" else curves.insertion[..., ::-1]
    yield curves.score((curve[..., :1] - curve).mean(-1))
