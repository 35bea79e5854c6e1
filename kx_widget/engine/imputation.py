"""Pixels made up from their neighbours, as ROAD does where it removes them."""

from typing import Any

import numpy as np

from kx_widget.engine.errors import UnsupportedMethodError
from kx_widget.engine.types import Floats

# Neighbours (dy, dx) and how much of a pixel is made of each.
NEIGHBOURS = {
    **dict.fromkeys(((0, 1), (0, -1), (1, 0), (-1, 0)), 1 / 6),
    **dict.fromkeys(((1, 1), (1, -1), (-1, 1), (-1, -1)), 1 / 12),
}


def impute(image: Floats, removed: Any) -> Floats:
    """An image (H, W, C) whose removed pixels (H, W) are made up: see `Imputation`."""
    return Imputation(removed).fill(image) if removed.any() else image


class Imputation:
    """Makes removed pixels (H, W) means of their neighbours, removed ones among them.

    x_i = Σ_j w_j x_j / Σ_j w_j over the neighbours j within the image, with 1/6 for those beside it and 1/12 for those
    across, which is a system of linear equations; it is solved for every image anew, and taken apart once.

    Raises:
        UnsupportedMethodError: scipy is missing.

    Reference: Rong et al. 2022, arXiv 2202.00449.
    """

    def __init__(self, removed: Any) -> None:
        try:
            from scipy.sparse import coo_matrix, diags
            from scipy.sparse.linalg import splu
        except ImportError as error:
            raise UnsupportedMethodError("it needs scipy: pip install scipy") from error
        self._removed = removed
        height, width = removed.shape
        y, x = np.nonzero(removed)
        entries: list[tuple[Any, Any, Any]] = []
        for (dy, dx), weight in NEIGHBOURS.items():
            inside = (y + dy >= 0) & (y + dy < height) & (x + dx >= 0) & (x + dx < width)
            pixels = (y + dy)[inside] * width + (x + dx)[inside]
            entries.append((np.full(len(pixels), weight), np.flatnonzero(inside), pixels))
        values, rows, columns = (np.concatenate(parts) for parts in zip(*entries, strict=True))
        weights = coo_matrix((values, (rows, columns)), shape=(len(y), height * width)).tocsc()
        unknown = removed.ravel()
        self._known = weights[:, ~unknown]
        self._equations = splu((diags(weights.sum(1).A1) - weights[:, unknown]).tocsc())

    def fill(self, image: Floats) -> Floats:
        """The image (H, W, C) with these pixels made up."""
        imputed = image.copy()
        imputed[self._removed] = self._equations.solve(self._known @ image[~self._removed].astype(np.float64))
        return imputed
