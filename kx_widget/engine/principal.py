"""Principal components of what a layer says of each cell of an image."""

import numpy as np

from kx_widget.engine.types import Floats


def first_component(rows: Floats) -> Floats:
    """R V₁ (n,) of rows R (n, K), by way of the smaller of R Rᵀ and Rᵀ R; its sign is arbitrary."""
    double = rows.astype(np.float64)
    if len(rows) <= rows.shape[1]:
        values, vectors = np.linalg.eigh(double @ double.T)
        return (np.sqrt(max(values[-1], 0.0)) * vectors[:, -1]).astype(np.float32)
    return (double @ np.linalg.eigh(double.T @ double)[1][:, -1]).astype(np.float32)


def agreeing(component: Floats, reference: Floats) -> Floats:
    """A component (n,), turned so that it rises with a reference (n,) rather than falls."""
    return component if component @ reference >= 0 else -component
