"""KPCA-CAM: the first principal component of the activations under a kernel."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kx_widget.engine.principal import agreeing
from kx_widget.engine.types import Floats, Partial

# Cells that the component is found from: the time it takes grows with their cube.
MOST_CELLS = 196


def kpca_cam(probe: Any, target: Floats, kernel: str = "sigmoid", gamma: float | None = None) -> Iterator[Partial]:
    """The first component of kernel PCA of the cells' activations: Eigen-CAM that sees more than straight lines.

    With a_i the activations (K,) of cell i, less their mean over the cells, and K_ij = k(a_i, a_j), centred in both
    directions, it is √λ₁ v₁ of the largest eigenvalue λ₁ of K. Kernels are tanh(γ a·b + 1), as in the paper and in
    pytorch-grad-cam, and exp(−γ |a − b|²). It does not depend on the class. The sign of a component is arbitrary;
    here the map agrees with the mean over channels. Of a layer with more than 196 cells, the component is that of
    every second, third… row and column, onto which all cells are projected.

    Args:
        probe: the images, the model and a layer.
        target: not looked at.
        kernel: `"sigmoid"` or `"rbf"`.
        gamma: γ of the kernel; None is one divided by the number of channels.

    Yields:
        One `Partial` with signed maps (B, h, w).

    Reference: Karmani et al. 2024, arXiv 2410.00267.
    """
    del target
    a = probe.activations()
    step = int(np.ceil(np.sqrt(max(1, a.shape[1] * a.shape[2] / MOST_CELLS))))
    maps: list[Floats] = []
    for image in a.astype(np.float64):
        cells = image.reshape(-1, a.shape[-1])
        some = image[::step, ::step].reshape(-1, a.shape[-1])
        component = _first_component(cells, some, kernel, 1 / a.shape[-1] if gamma is None else gamma)
        maps.append(agreeing(component.astype(np.float32), (cells - cells.mean(0)).mean(1).astype(np.float32)))
    yield Partial(np.stack(maps).reshape(a.shape[:3]))


def _first_component(cells: Any, some: Any, kernel: str, gamma: float) -> Any:
    """Cells (n, K) on the first component (n,) that some of them (m, K) have under a kernel."""
    mean = some.mean(0)
    among, across = (_kernel(rows - mean, some - mean, kernel, gamma) for rows in (some, cells))
    columns, total = among.mean(0), among.mean()
    values, vectors = np.linalg.eigh(among - columns - columns[:, None] + total)
    if values[-1] <= np.finfo(np.float64).eps * len(some):
        return np.zeros(len(cells))
    centred = across - columns - across.mean(1, keepdims=True) + total
    return centred @ vectors[:, -1] / np.sqrt(values[-1])


def _kernel(a: Any, b: Any, kernel: str, gamma: float) -> Any:
    """The kernel (n, m) of rows (n, K) and (m, K)."""
    products = a @ b.T
    if kernel == "sigmoid":
        return np.tanh(gamma * products + 1)
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * products
    return np.exp(-gamma * squares.clip(min=0))
