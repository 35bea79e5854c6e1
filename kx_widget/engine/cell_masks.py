"""Masks of the cells of a grid laid over a picture, and what is told of each cell as a map."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from kx_widget.engine.covering import cells_of
from kx_widget.engine.notes import ROUNDING
from kx_widget.engine.perturbation import apply_mask
from kx_widget.engine.postprocess import resize
from kx_widget.engine.types import Floats, Ints


@dataclass(frozen=True)
class CellMasks:
    """Pictures whose cells are covered in part.

    Args:
        probe: the images.
        cells: rows and columns of the grid.
        cover: what covers (B, H, W, C).
    """

    probe: Any
    cells: int
    cover: Floats

    def masked(self, images: Ints, shown: Floats) -> Floats:
        """These images (n,) x as x m + cover (1 − m), m being how far each cell is shown (n, cells²), 0 to 1."""
        x, cover = self.probe.x[images], self.cover[images]
        x -= cover
        apply_mask(x, shown[:, cells_of(x.shape[1:3], self.cells)])
        x += cover
        return x

    def maps(self, values: Any) -> Floats:
        """What is told of each cell (B, cells²) as maps (B, H, W), interpolated between the centres of cells."""
        grids = values.reshape(-1, self.cells, self.cells).astype(np.float32)
        return resize(grids, self.probe.x.shape[1:3])


def meaningless_below(scores: Any) -> float:
    """Up to which magnitude a map that does not go by the size of scores (n,) says nothing: ∞ if these are the same."""
    return np.inf if np.ptp(scores) <= ROUNDING * np.abs(scores).max() else 0
