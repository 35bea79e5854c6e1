"""The channels of images: how many there are, what black and white are in them, and which of them are shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kx_widget.engine.drawing import color_table
from kx_widget.engine.errors import ImageError
from kx_widget.engine.parameters import is_whole_number
from kx_widget.engine.ranges import Limits, Pixels, ValueRange, as_pixels
from kx_widget.engine.types import Floats

COLOURS = (1, 3)
# What is shown of bands whose range nobody gave lies between these percentiles: few sensors fill the bits they have.
PERCENTILES = (2.0, 98.0)
RGB_ACCEPTED = (
    "Pass three bands for red, green and blue, rgb=(3, 2, 1), one band, rgb=3, or one with a colour table, "
    'rgb=(3, "viridis"); bands are counted from 0.'
)


@dataclass(frozen=True)
class Bands:
    """What is known of the channels of all images of a model.

    Attributes:
        channels: how many the model takes.
        value_range: what black and white are in the numbers of images, None where the data tell.
        shown: which are red, green and blue, or the one that is shown; empty for pictures as they are.
        colormap: the colour table of the one that is shown, "" for grey.
    """

    channels: int = 3
    value_range: Limits | None = None
    shown: tuple[int, ...] = ()
    colormap: str = ""

    @classmethod
    def from_plain(cls, facts: Mapping[str, Any] | None) -> Bands:
        """What `as_plain` made, or nothing in particular."""
        if not facts:
            return cls()
        limits = facts["value_range"]
        return cls(facts["channels"], limits and (limits[0], limits[1]), tuple(facts["shown"]), facts["colormap"])

    def as_plain(self) -> dict[str, Any] | None:
        """The attributes as JSON has them; None for grey and colour of which nothing was said."""
        if self.are_colours and self == Bands(self.channels):
            return None
        return {**asdict(self), "value_range": self.value_range and list(self.value_range), "shown": list(self.shown)}

    @property
    def are_colours(self) -> bool:
        """Whether these are grey or colour, which stand for each other."""
        return self.channels in COLOURS

    @property
    def rgb(self) -> Any:
        """What `bands_of` makes these of."""
        return (*self.shown, self.colormap) if self.colormap else self.shown or None

    @property
    def accepted(self) -> tuple[int, ...]:
        """How many channels an image may have."""
        return COLOURS if self.are_colours else (self.channels,)

    def scaled(self, array: NDArray[Any]) -> Floats:
        """An image in 0..255 that was in `value_range`, at full depth."""
        assert self.value_range is not None
        low, high = self.value_range
        return np.asarray((array.astype(np.float32) - np.float32(low)) * np.float32(255 / (high - low)))

    def picture(self, array: NDArray[Any], span: ValueRange | Limits) -> Pixels:
        """An image (height, width, channels) to show: uint8 (height, width, 3)."""
        shown = array[..., list(self.shown)] if self.shown and array.shape[-1] == self.channels else array
        if self._stretches and shown.dtype != np.uint8:
            low, high = np.percentile(shown, PERCENTILES)
            span = (float(low), float(high))
        pixels = as_pixels(np.ascontiguousarray(shown), span)
        return color_table(self.colormap)[pixels[..., 0]] if self.colormap else pixels

    @property
    def _stretches(self) -> bool:
        return not self.are_colours and self.value_range is None

    @property
    def stretched(self) -> str:
        """How numbers beyond 8 bits are shown, in words; "" for what they are in the whole range."""
        low, high = PERCENTILES
        words = f"; each image is shown from the {low:.0f}nd to the {high:.0f}th percentile of its numbers"
        return words if self._stretches else ""

    @property
    def described(self) -> str:
        """What was given, and what is shown, in words; "" for pictures as they are."""
        words = ""
        if self.value_range is not None:
            low, high = self.value_range
            words = f"; {low:g} is taken as black and {high:g} as white"
        if len(self.shown) == 3:
            words += f"; bands {', '.join(map(str, self.shown))} of {self.channels} are shown as red, green and blue"
        elif self.shown:
            words += f"; band {self.shown[0]} of {self.channels} is shown in {self.colormap or 'grey'}"
        return words


def bands_of(channels: int, value_range: Any = None, rgb: Any = None) -> Bands:
    """The bands of a model's images.

    Args:
        channels: how many the model takes.
        value_range: (low, high), what black and white are in the numbers of images; None where the data tell.
        rgb: three bands, one, or one and the name of a colour table; None for the first three, or the first of two.

    Raises:
        ImageError: the range is none, or there is no such band or colour table.
    """
    limits = None if value_range is None else _limits(value_range)
    shown: tuple[int, ...] = () if channels in COLOURS else ((0, 1, 2) if channels > 3 else (0,))
    if rgb is None:
        return Bands(channels, limits, shown)
    parts: tuple[Any, ...] = tuple(rgb) if isinstance(rgb, (list, tuple, np.ndarray)) else (rgb,)
    colormap = parts[1] if len(parts) == 2 and isinstance(parts[1], str) else ""
    numbers = parts[:1] if colormap else parts
    are_whole = all(map(is_whole_number, numbers))
    if len(numbers) not in COLOURS or not are_whole:
        raise ImageError(f"rgb={rgb!r} are no bands. {RGB_ACCEPTED}")
    for number in numbers:
        if not 0 <= number < channels:
            raise ImageError(f"rgb={rgb!r}: there is no band {number}, the model has bands 0 to {channels - 1}.")
    if colormap:
        color_table(colormap)
    return Bands(channels, limits, tuple(map(int, numbers)), colormap)


def _limits(value_range: Any) -> Limits:
    try:
        low, high = (float(end) for end in value_range)
    except (TypeError, ValueError):
        low = high = np.nan
    if not (np.isfinite([low, high]).all() and low < high):
        raise ImageError(
            f"value_range={value_range!r} is no range. Pass what black and white are in the numbers of the images, "
            "(0, 4095) for 12 bits."
        )
    return low, high


def where_not_finite(array: Floats) -> str:
    """Which bands (height, width, C) hold values that are no numbers, in words; "" where all do, or there is one."""
    bad = np.flatnonzero(~np.isfinite(array).all((0, 1)))
    if len(bad) == array.shape[-1]:
        return ""
    return f", all in band{'s' if len(bad) > 1 else ''} {', '.join(map(str, bad))}"
