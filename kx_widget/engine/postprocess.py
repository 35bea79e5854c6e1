"""Raw maps -> maps to look at: sign, scale, size. Pure; `js/src/math/postprocess.ts` is its twin."""

from typing import Literal

import numpy as np

from kx_widget.engine.errors import ParameterError
from kx_widget.engine.types import Floats

Sign = Literal["positive", "absolute", "signed"]
Scale = Literal["map", "image", "all"]
SIGNS = ("positive", "absolute", "signed")
SCALES = ("map", "image", "all")


def apply_sign(maps: Floats, sign: Sign) -> Floats:
    """The positive part, the absolute value, or the map as it is."""
    _check_choice("sign", sign, SIGNS)
    return {"positive": lambda m: np.maximum(m, 0), "absolute": np.abs, "signed": lambda m: m}[sign](maps)


def apply_scale(maps: Floats, scale: Scale) -> Floats:
    """Maps (N, T, h, w) divided by the largest absolute value of each map, of each image, or of all.

    Zero stays zero, so that signs and "nothing" keep their meaning; a map of zeros stays one. NaN and ∞ are ignored.
    """
    _check_choice("scale", scale, SCALES)
    axes = {"map": (2, 3), "image": (1, 2, 3), "all": (0, 1, 2, 3)}[scale]
    top = np.max(np.abs(np.where(np.isfinite(maps), maps, 0)), axis=axes, keepdims=True, initial=0)
    return np.divide(maps, top, out=np.where(np.isnan(maps), np.nan, 0).astype(np.float32), where=top > 0)


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


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if not isinstance(value, str) or value not in choices:
        raise ParameterError(f"{name}={value!r} is not a choice. Choose one of {', '.join(map(repr, choices))}.")
