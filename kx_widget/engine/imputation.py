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
    """An image (H, W, C) whose removed pixels (H, W) are means of their neighbours, removed ones among them.

    x_i = Σ_j w_j x_j / Σ_j w_j over the neighbours j within the image, with 1/6 for those beside it and 1/12 for those
    across, which is a system of linear equations.

    Raises:
        UnsupportedMethodError: scipy is missing.

    Reference: Rong et al. 2022, arXiv 2202.00449.
    """
    try:
        from scipy.sparse import coo_matrix
        from scipy.sparse.linalg import splu
    except ImportError as error:
        raise UnsupportedMethodError("it needs scipy: pip install scipy") from error
    height, width, channels = image.shape
    number = np.full((height, width), -1)
    unknowns = int(removed.sum())
    if not unknowns:
        return image
    number[removed] = np.arange(unknowns)
    y, x = np.nonzero(removed)
    total = np.zeros(unknowns)
    right = np.zeros((unknowns, channels))
    entries: list[tuple[Any, Any, Any]] = []
    for (dy, dx), weight in NEIGHBOURS.items():
        inside = (y + dy >= 0) & (y + dy < height) & (x + dx >= 0) & (x + dx < width)
        rows, ys, xs = np.flatnonzero(inside), (y + dy)[inside], (x + dx)[inside]
        total[rows] += weight
        is_unknown = removed[ys, xs]
        right[rows[~is_unknown]] += weight * image[ys[~is_unknown], xs[~is_unknown]]
        unknown = rows[is_unknown]
        entries.append((np.full(len(unknown), -weight), unknown, number[ys[is_unknown], xs[is_unknown]]))
    diagonal = np.arange(unknowns)
    values, rows, columns = (np.concatenate(parts) for parts in zip(*entries, (total, diagonal, diagonal), strict=True))
    equations = coo_matrix((values, (rows, columns)), shape=(unknowns, unknowns)).tocsc()
    imputed = image.copy()
    imputed[removed] = splu(equations).solve(right)
    return imputed
