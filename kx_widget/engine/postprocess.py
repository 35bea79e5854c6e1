"""Raw maps -> maps to look at: sign, scale, size. Pure; `js/src/math/postprocess.ts` is its twin."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from kx_widget.engine.display import Display, Sign, check_choice
from kx_widget.engine.types import Floats

Scale = Literal["map", "image", "all"]
SCALES = ("map", "image", "all")
QUARTILE = 25


def apply_sign(maps: Floats, sign: Sign) -> Floats:
    """The positive part, the absolute value, or the map as it is."""
    return {"positive": lambda m: np.maximum(m, 0), "absolute": np.abs, "signed": lambda m: m}[sign](maps)


def apply_scale(maps: Floats, scale: Scale, displays: Sequence[Display]) -> Floats:
    """Maps (N, T, h, w) as parts of the span of their colours; what is beyond 0 or −1 and 1 has the last colour.

    Counted from zero, zero stays zero, so that signs and "nothing" keep their meaning. A map of one value becomes one
    of zeros. NaN and ∞ are ignored.

    Args:
        maps: with their sign applied.
        scale: whether each `"map"` has ends of its own, or all maps of an `"image"`, or `"all"`, share the widest;
            those that begin at zero do not share them with others.
        displays: of each target, what the ends are.
    """
    check_choice("scale", scale, SCALES)
    axes = {"map": (), "image": (1,), "all": (0, 1)}[scale]
    ends = np.array([[color_ends(m, d) for m, d in zip(row, displays, strict=True)] for row in maps], np.float32)
    out = np.where(np.isnan(maps), np.nan, 0).astype(np.float32)
    for origin in {display.origin for display in displays}:
        same = [t for t, display in enumerate(displays) if display.origin == origin]
        low, high = ends[:, same, 0].min(axes, keepdims=True), ends[:, same, 1].max(axes, keepdims=True)
        low, span = low[..., None, None], (high - low)[..., None, None]
        out[:, same] = np.divide(maps[:, same] - low, span, out=out[:, same], where=span > 0)
    return out


def color_ends(values: Floats, display: Display) -> tuple[float, float]:
    """The values between which the colours of a map (h, w) run, its sign applied: 0 or a quartile, and a percentile.

    Where these leave no span, as of a map that is zero nearly everywhere, the colours run to the last value.
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 0.0
    if display.origin == "zero":
        sizes = np.abs(finite)
        return 0.0, _at_rank(sizes, display.clip) or float(sizes.max())
    low, high = _at_rank(finite, QUARTILE), _at_rank(finite, display.clip)
    return (low, high) if low < high else (float(finite.min()), float(finite.max()))


def _at_rank(values: Floats, percentile: float) -> float:
    """The least of the values (n,) that so many per cent of the others do not exceed."""
    rank = int(np.ceil(percentile / 100 * (values.size - 1)))
    return float(values.max() if rank == values.size - 1 else np.partition(values, rank)[rank])


def bilinear(source: int, size: int) -> Floats:
    """Weights (size, source) of bilinear interpolation along one axis: half-pixel centres, clamped edges."""
    at = np.clip((np.arange(size) + 0.5) * source / size - 0.5, 0, source - 1)
    low = np.minimum(at.astype(int), source - 1)
    high = np.minimum(low + 1, source - 1)
    part = (at - low).astype(np.float32)
    weights = np.zeros((size, source), np.float32)
    weights[np.arange(size), low] += 1 - part
    weights[np.arange(size), high] += part
    return weights


def resize(maps: Floats, size: tuple[int, int]) -> Floats:
    """Maps (…, h, w) interpolated to `size` (H, W); NaN where a value that counts is none or infinite."""
    if maps.shape[-2:] == size:
        return maps
    if not (finite := np.isfinite(maps)).all():
        gaps = resize((~finite).astype(np.float32), size) > 0
        return np.where(gaps, np.nan, resize(np.where(finite, maps, 0), size)).astype(np.float32)
    rows, columns = bilinear(maps.shape[-2], size[0]), bilinear(maps.shape[-1], size[1])
    return np.matmul(np.matmul(rows, maps), columns.T)
