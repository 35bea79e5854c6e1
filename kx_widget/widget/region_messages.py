"""Places of an output that count, as kernel and page tell each other; see `messages`."""

from typing import Any, Literal, NewType, TypedDict

# Which pixels of a picture are meant, row by row, eight in a byte, as base64.
Bits = NewType("Bits", str)
RegionKind = Literal["wins", "whole", "pixel", "box", "object", "mask"]


class RegionDetails(TypedDict, total=False):
    """What only some regions have."""

    mask: list[Any]
    winner: int


class RegionRecord(RegionDetails):
    """Places of an output that count; see `engine.regions.Region`.

    `at` are x and y, or x0, y0, x1, y1 of a box, in pixels of the original picture; a `mask` has its (height, width)
    and its `Bits`; `winner` is the class that `"top"` means in it, where that is known.
    """

    kind: RegionKind
    at: list[float]


class LocatedRegionRecord(TypedDict):
    """Where the score of a map comes from, in words as well.

    `cells` of an output of this `size` are those of an object or a mask, else there are none.
    """

    kind: RegionKind
    words: str
    at: list[float]
    size: list[int]
    cells: Bits
