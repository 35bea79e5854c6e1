"""How maps lie in the buffers of messages; see `codec`."""

from typing import Literal, TypedDict


class Encoded(TypedDict):
    """Where a map lies in its frame's buffer, and how to read it; see `codec`."""

    shape: list[int]
    dtype: Literal["float32", "uint16"]
    scale: float
    offset: float
    byte_offset: int
    byte_length: int


class MapPart(Encoded):
    """A part of a map that is too large to be sent whole, of the question `gen`; `box` is in fractions of the map."""

    gen: int
    column: int
    box: list[float]
