"""Correlation, concentration and confidence, along the last axis of arrays."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kx_widget.engine.notes import ROUNDING
from kx_widget.engine.types import Floats

Reals = NDArray[np.floating[Any]]
RESAMPLES = 1000
COVERAGE = 0.95


def pearson(a: Any, b: Any) -> Floats:
    """Pearson's correlation of (…, n) with (…, n); NaN where one of the two is the same everywhere."""
    return _cosine(_centred(a), _centred(b))


def standardised(values: Any) -> Reals:
    """Values (…, n) less their mean, of length 1: the product of two is their correlation; NaN of a constant."""
    centred = _centred(values)
    lengths = np.sqrt((centred**2).sum(-1, keepdims=True))
    return np.divide(centred, lengths, out=np.full(centred.shape, np.nan), where=lengths > 0)


def spearman(a: Any, b: Any) -> Floats:
    """Spearman's rank correlation of (…, n) with (…, n), ties ranked in the middle; NaN where one is constant."""
    return pearson(ranks(a), ranks(b))


def _centred(values: Any) -> Any:
    values = np.asarray(values, np.float64)
    centred = values - values.mean(-1, keepdims=True)
    # What is left of a constant is rounding error.
    largest = np.abs(values).max(-1, keepdims=True)
    return np.where(np.abs(centred).max(-1, keepdims=True) <= ROUNDING * largest, 0, centred)


def _cosine(a: Any, b: Any) -> Floats:
    lengths = np.sqrt((a**2).sum(-1) * (b**2).sum(-1))
    cosines = np.divide((a * b).sum(-1), lengths, out=np.full(lengths.shape, np.nan), where=lengths > 0)
    return np.clip(cosines, -1, 1).astype(np.float32)


def cosine(a: Any, b: Any) -> Floats:
    """The cosine of the angle between (…, n) and (…, n); NaN where one of the two is 0."""
    return _cosine(np.asarray(a, np.float64), np.asarray(b, np.float64))


def ranks(values: Any) -> Reals:
    """The rank of each value (…, n) along the last axis, from 0; equal values share the middle of theirs."""
    values = np.asarray(values)
    order = np.argsort(values, -1, kind="stable")
    ordered = np.take_along_axis(values, order, -1)
    first = np.ones(values.shape, bool)
    first[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    at = np.arange(values.shape[-1])
    start = np.maximum.accumulate(np.where(first, at, 0), -1)
    last = np.ones(values.shape, bool)
    last[..., :-1] = first[..., 1:]
    end = np.minimum.accumulate(np.where(last, at, values.shape[-1])[..., ::-1], -1)[..., ::-1]
    placed = np.empty(values.shape)
    np.put_along_axis(placed, order, (start + end) / 2, -1)
    return placed


def gini(amounts: Any) -> Floats:
    """The Gini coefficient of amounts (…, n) ≥ 0: 0 where all are equal, 1 − 1/n where one has all; NaN of nothing.

    Σ_i (2i − n − 1) a_i / (n Σ a), a_1 ≤ a_2 ≤ …
    """
    ordered = np.sort(np.asarray(amounts, np.float64), -1)
    n = ordered.shape[-1]
    total = n * ordered.sum(-1)
    weighted = ((2 * np.arange(1, n + 1) - n - 1) * ordered).sum(-1)
    return np.divide(weighted, total, out=np.full(total.shape, np.nan), where=total > 0).astype(np.float32)


def smallest_share(amounts: Any, part: float) -> Floats:
    """The smallest share of the places of amounts (…, n) ≥ 0 that holds `part` of all; NaN of nothing.

    Of the place in which that part is reached, as much counts as is needed.
    """
    ordered = -np.sort(-np.asarray(amounts, np.float64), -1)
    held = np.cumsum(ordered, -1)
    total = held[..., -1:]
    before = (held < part * total).sum(-1, keepdims=True).clip(max=ordered.shape[-1] - 1)
    last = np.take_along_axis(ordered, before, -1)
    missing = part * total - (np.take_along_axis(held, before, -1) - last)
    needed = np.divide(missing, last, out=np.full(missing.shape, np.nan), where=last > 0)
    return ((before + needed)[..., 0] / ordered.shape[-1]).astype(np.float32)


def bootstrap(values: Any, seed: int = 0) -> tuple[float, float, float]:
    """The mean of values (n,) and the ends of its bootstrap interval of 95 %, NaN left out; all NaN of no value."""
    values = np.asarray(values, np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        return np.nan, np.nan, np.nan
    drawn = np.random.default_rng(seed).integers(0, len(values), (RESAMPLES, len(values)))
    low, high = np.quantile(values[drawn].mean(1), [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return float(values.mean()), float(low), float(high)
