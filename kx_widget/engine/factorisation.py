"""Numbers that are never below 0 as a sum of few parts: non-negative factorisation, and semi-non-negative."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from kx_widget.engine.types import Floats

# Passes over all of the numbers at most, and steps of one factor between two of them, which cost little.
MOST_SWEEPS, STEPS = 200, 4
# The error is that of the end when a sweep takes no more of it away than this part.
SETTLED = 1e-4
# Directions that the start is drawn from beside those that are asked for, and how often they are sharpened.
BESIDE, SHARPENED = 8, 3
CLUSTERINGS = 10
# A small error is too rough an estimate to go by.
EXACT = 1e-3
# Rows of a matrix whose differences are looked at together.
ROWS = 1024
TINY = np.float32(1e-12)


@dataclass(frozen=True)
class Factors:
    """A ≈ Wᵀ H, as far as it has come.

    Attributes:
        weights: W (G, n), how much of each part is in each row of A; never below 0.
        directions: H (G, K), of length 1 each; none below 0 where A is not.
        error: ‖A − Wᵀ H‖ / ‖A‖, NaN where A is 0.
    """

    weights: Floats
    directions: Floats
    error: float


def factorise(a: Floats, parts: int, seed: int = 0) -> Iterator[Factors]:
    """Approximate A (n, K) by Wᵀ H with W (G, n) ≥ 0 that makes ‖A − Wᵀ H‖ small, and H (G, K) ≥ 0 unless A has a sign.

    Columns of a factor are brought to their best value one after the other (hierarchical alternating least squares),
    from a start by non-negative double singular value decomposition. Where A has negative numbers H is the
    least-squares solution for W, which is semi-non-negative factorisation; its start are the means of clusters of rows.

    Args:
        a: float32, at least `parts` rows and columns.
        parts: G.
        seed: of the random numbers that the start is drawn with.

    Yields:
        Factors that get better; those of the largest share of A come first. The last ones are the answer.

    Reference: Cichocki and Phan 2009, IEICE Trans. Fundamentals; Gillis and Glineur 2012, arXiv 1107.5194; Boutsidis
    and Gallopoulos 2008, Pattern Recognition 41; Ding, Li and Jordan 2010, IEEE TPAMI 32.
    """
    square = float(np.linalg.norm(a)) ** 2
    if square == 0:
        yield Factors(np.zeros((parts, len(a)), np.float32), np.zeros((parts, a.shape[1]), np.float32), float("nan"))
        return
    is_signed = bool((a < 0).any())
    rng = np.random.default_rng(seed)
    if is_signed:
        h = _cluster_means(a, _apart(a, parts, rng))
        w = weights_of(a, h)
    else:
        w, h = _start(a, parts, rng)
    before = np.inf
    for _ in range(MOST_SWEEPS):
        w = _descend(w, h @ a.T, h @ h.T)
        if is_signed:
            h, left = _least_squares(w, a)
        else:
            product, gram = w @ a, w @ w.T
            h = _descend(h, product, gram)
            left = np.einsum("gk,gk->", h, 2 * product - gram @ h, dtype=np.float64)
        error = float(np.sqrt(max(0.0, 1 - left / square)))
        # A small difference of large numbers is no more than rounding.
        is_settled = error >= (1 - SETTLED) * before or error < EXACT
        yield _ordered(w, h, relative_error(a, w, h) if is_settled else error)
        if is_settled:
            return
        before = error


def weights_of(a: Floats, directions: Floats) -> Floats:
    """How much of each part (G, n) is in other rows A (n, K): W ≥ 0 that makes ‖A − Wᵀ H‖ smallest."""
    products, gram = directions @ a.T, directions @ directions.T
    w = np.maximum(products, 0) / np.maximum(np.diag(gram), TINY)[:, None]
    for _ in range(MOST_SWEEPS):
        before, w = w, _descend(w, products, gram)
        if np.abs(w - before).max(initial=0) <= 1e-5 * w.max(initial=0):
            break
    return w


def relative_error(a: Floats, w: Floats, h: Floats) -> float:
    """‖A − Wᵀ H‖ / ‖A‖."""
    parts = [np.linalg.norm(a[i : i + ROWS] - w[:, i : i + ROWS].T @ h) for i in range(0, len(a), ROWS)]
    return float(np.linalg.norm(parts) / np.linalg.norm(a))


def _descend(factor: Floats, products: Floats, gram: Floats) -> Floats:
    """Bring the rows of a factor (G, n) to their best value one after the other, with the other factor as it is.

    Args:
        factor: F, which is not changed.
        products: of the other factor and A (G, n).
        gram: of the other factor and itself (G, G).
    """
    factor = factor.copy()
    for _ in range(STEPS):
        for part, row in enumerate(factor):
            row += (products[part] - gram[part] @ factor) / max(gram[part, part], TINY)
            np.maximum(row, 0, out=row)
    return factor


def _least_squares(w: Floats, a: Floats) -> tuple[Floats, float]:
    """H (G, K) that makes ‖A − Wᵀ H‖ smallest, and which part of ‖A‖² it holds."""
    gram = (w @ w.T).astype(np.float64)
    product = (w @ a).astype(np.float64)
    h = np.linalg.lstsq(gram, product, rcond=1e-7)[0]
    return h.astype(np.float32), float((h * (2 * product - gram @ h)).sum())


def _ordered(w: Floats, h: Floats, error: float) -> Factors:
    """Directions of length 1, those that hold most of A first."""
    lengths = np.sqrt(np.einsum("gk,gk->g", h, h))
    w, h = w * lengths[:, None], h / np.maximum(lengths, TINY)[:, None]
    order = np.argsort(-np.einsum("gn,gn->g", w, w), kind="stable")
    return Factors(w[order], h[order], error)


def _start(a: Floats, parts: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """W (G, n) and H (G, K) ≥ 0 by non-negative double singular value decomposition."""
    u, values, v = _singular(a, parts, rng)
    w, h = np.zeros((parts, len(a)), np.float32), np.zeros((parts, a.shape[1]), np.float32)
    for part, (left, value, right) in enumerate(zip(u.T, values, v, strict=True)):
        sides = [(np.maximum(sign * left, 0), np.maximum(sign * right, 0)) for sign in (1, -1)]
        sizes = [(float(np.linalg.norm(x)), float(np.linalg.norm(y))) for x, y in sides]
        (x, y), (length, width) = max(zip(sides, sizes, strict=True), key=lambda each: each[1][0] * each[1][1])
        scale = np.sqrt(value * length * width)
        w[part], h[part] = scale * x / max(length, TINY), scale * y / max(width, TINY)
    return w, h


def _apart(a: Floats, parts: int, rng: np.random.Generator) -> Floats:
    """Rows (G, K) of A that are as far from being sums of each other as can be, by successive projections.

    Reference: Gillis and Vavasis 2014, arXiv 1208.1237.
    """
    u, values, _ = _singular(a, parts, rng)
    left, rows = u * values, list[int]()
    for _ in range(parts):
        rows.append(int(np.einsum("nk,nk->n", left, left).argmax()))
        direction = left[rows[-1]] / max(float(np.linalg.norm(left[rows[-1]])), TINY)
        left = left - np.outer(left @ direction, direction)
    return a[rows]


def _cluster_means(a: Floats, means: Floats) -> Floats:
    """Directions (G, K) of clusters of the rows of A, by spherical k-means from these."""
    means = _of_length_1(means)
    for _ in range(CLUSTERINGS):
        members = np.eye(len(means), dtype=np.float32)[(a @ means.T).argmax(1)]
        means = _of_length_1(np.where(members.any(0, keepdims=True).T, members.T @ a, means))
    return means


def _of_length_1(rows: Floats) -> Floats:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), TINY)


def _singular(a: Floats, parts: int, rng: np.random.Generator) -> tuple[Any, Any, Any]:
    """The first singular vectors and values of A, by a random projection that is sharpened a few times.

    Reference: Halko, Martinsson and Tropp 2011, arXiv 0909.4061.
    """
    drawn = rng.standard_normal((a.shape[1], min(parts + BESIDE, *a.shape)), np.float32)
    basis = np.linalg.qr(a @ drawn)[0]
    for _ in range(SHARPENED):
        basis = np.linalg.qr(a @ np.linalg.qr(a.T @ basis)[0])[0]
    u, values, v = np.linalg.svd(basis.T @ a, full_matrices=False)
    return (basis @ u)[:, :parts], values[:parts], v[:parts]
