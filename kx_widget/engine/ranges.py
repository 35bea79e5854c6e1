"""In what range the numbers of images lie, told by all the images of a call together."""

import warnings
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kx_widget.engine.errors import ImageError
from kx_widget.engine.types import Floats

ValueRange = Literal["0..255", "0..1", "-1..1", "other"]
# What black and white are in the numbers of images.
Limits = tuple[float, float]
SPANS: dict[str, Limits] = {"0..1": (0.0, 1.0), "0..255": (0.0, 255.0), "-1..1": (-1.0, 1.0)}
Pixels = NDArray[np.uint8]
# Bits that cameras and scanners use of a whole number.
DEPTHS = (8, 10, 12, 14, 16)
# Interpolation and augmentation go beyond the ends of a range: bicubic by 7 % of it, a brightness by half.
BELOW, ABOVE = 0.15, 1.5
# Floats whose largest value is between these may be 0..1 as well as a dark picture in 0..255.
DARKEST = 20.0
AMBIGUOUS_RANGE_WARNING = (
    "The largest value of these float images is {:.4g}: too large for 0..1, small for 0..255. They are taken as "
    "0..255, nearly black. Bring them to 0..1 or 0..255, or pass uint8."
)


class Ranges:
    """Tells the range of images; one that remembers earlier images may take its place.

    Args:
        depth: the bits that whole numbers beyond 8 bits use, where that is known; 0 where the images tell.
    """

    def __init__(self, depth: int = 0) -> None:
        self.depth = depth

    def span_of(self, floats: Sequence[NDArray[Any]]) -> ValueRange:
        """The range that these float images together show, a little overshoot apart.

        Warns:
            RuntimeWarning: they may be in 0..1 or in 0..255.
        """
        span, high = _span(floats)
        if span == "0..255" and ABOVE < high < DARKEST:
            warnings.warn(AMBIGUOUS_RANGE_WARNING.format(high), RuntimeWarning, stacklevel=3)
        return span

    def depth_of(self, integers: Sequence[NDArray[Any]]) -> int:
        """How many bits these images of whole numbers together use: one of `DEPTHS`, 0 if there are no images.

        Raises:
            ImageError: more than 16.
        """
        if not integers:
            return 0
        if self.depth:
            return self.depth
        high = max(int(a.max()) for a in integers)
        for bits in DEPTHS:
            if high < 2**bits:
                return bits
        raise ImageError(f"Whole numbers up to {high} are beyond 16 bits. Pass uint8, uint16, or floats in 0..1.")


def _span(floats: Sequence[NDArray[Any]]) -> tuple[ValueRange, float]:
    if not floats:
        return "0..255", 255.0
    low = min(float(a.min()) for a in floats)
    high = max(float(a.max()) for a in floats)
    if low >= -BELOW and high <= ABOVE:
        return "0..1", high
    if low >= -1 - BELOW and high <= 1 + BELOW:
        return "-1..1", high
    # Numbers that stand for black − mean go further below 0 than interpolation does.
    if low >= (-BELOW / 2 * 255 if high >= DARKEST else -BELOW) and high <= 255 * (1 + BELOW):
        return "0..255", high
    return "other", high


def depth_in_words(depth: int) -> str:
    """What is taken as white of whole numbers beyond 8 bits; "" where there are none."""
    return f"16-bit images taken as {depth} bit (0..{2**depth - 1})" if depth else ""


def of_bits(integers: NDArray[Any], bits: int) -> Floats:
    """Whole numbers of so many bits in 0..255, each of them still another number.

    Raises:
        ImageError: some need more bits.
    """
    top = 2**bits - 1
    if integers.max() > top:
        raise ImageError(
            f"An image has values up to {integers.max()}, where the first ones have {bits} bits (0..{top}): "
            "bring all to one depth, or pass uint8."
        )
    return np.asarray(integers * np.float32(255 / top), np.float32)


def as_pixels(image: NDArray[Any], span: ValueRange | Limits) -> Pixels:
    """An image to show: uint8 (any, any, 3); floats in no known range are stretched to their own."""
    if image.dtype != np.uint8:
        ends = (float(image.min()), float(image.max()))
        low, high = SPANS.get(span, ends) if isinstance(span, str) else span
        image = np.clip((image - low) * (255 / max(high - low, 1e-12)) + 0.5, 0, 255).astype(np.uint8)
    return image if image.shape[-1] == 3 else image.repeat(3, -1)
