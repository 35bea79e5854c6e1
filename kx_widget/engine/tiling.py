"""How a large picture is cut into tiles that overlap, and how their maps become one without seams.

The weights of the tiles at any place of the picture add up to 1. Where two tiles overlap, a tile counts nothing in the
outer quarter, where its own border has a part in what the model sees, and rises in a straight line over the next half.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kx_widget.engine.errors import ParameterError
from kx_widget.engine.parameters import is_whole_number
from kx_widget.engine.types import Floats

Places = NDArray[np.float64]

# The side of a tile where neither the model nor anybody says it.
FREE_TILE = 512
# Overlaps that nobody chose are a quarter of the tile, in steps by which most networks reduce an image.
STEP = 32
# What a tile weighs where it counts nothing: it counts alone where no other one was computed.
LEAST_WEIGHT = 1e-6
ACCEPTED = "Pass tile=(height, width, overlap) in pixels, (height, width), or True for the size of the model's input."


@dataclass(frozen=True)
class Tiling:
    """The size of tiles in pixels of the picture, and by how many of these neighbours overlap at least."""

    height: int
    width: int
    overlap: int

    def grid(self, size: tuple[int, int]) -> "TileGrid":
        """The tiles of a picture (height, width)."""
        return TileGrid(size, (min(self.height, size[0]), min(self.width, size[1])), self.overlap)


def tiling_of(tile: Any, declared: tuple[int | None, int | None, int]) -> Tiling | None:
    """The tiles that an argument asks for, None for whole pictures.

    Args:
        tile: None or False, True, (height, width) or (height, width, overlap).
        declared: the model's input (H, W, C), None for a side that it leaves free.

    Raises:
        ParameterError: it is no size, the model takes another one, or the overlap is not smaller than the tile.
    """
    if tile is None or tile is False:
        return None
    if tile is True:
        numbers: tuple[Any, ...] = (declared[0] or FREE_TILE, declared[1] or FREE_TILE)
    else:
        numbers = tuple(tile) if isinstance(tile, (list, tuple, np.ndarray)) else ()
    are_whole = all(map(is_whole_number, numbers))
    if len(numbers) not in (2, 3) or not are_whole or min(numbers[:2]) < 1:
        raise ParameterError(f"tile={tile!r} is no size of tiles. {ACCEPTED}")
    height, width = int(numbers[0]), int(numbers[1])
    if any(side not in (None, length) for side, length in zip(declared[:2], (height, width), strict=True)):
        sides = " × ".join(str(side or "any") for side in declared[:2])
        raise ParameterError(
            f"tile={tile!r}: the model takes images of {sides} pixels alone, height first, and tiles are not resized. "
            "Pass tile=True, or its size with an overlap."
        )
    shorter = min(height, width)
    overlap = int(numbers[2]) if len(numbers) == 3 else min(shorter // 2, max(1, round(shorter / 4 / STEP)) * STEP)
    if not 0 <= overlap < shorter:
        raise ParameterError(
            f"tile={tile!r}: the overlap of {overlap} pixels must be from 0 to {shorter - 1}, less than the tile."
        )
    return Tiling(height, width, overlap)


@dataclass(frozen=True)
class Axis:
    """Tiles along one side of a picture: its `length`, that of each tile, and by how much neighbours overlap."""

    length: int
    window: int
    overlap: int

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """Where tiles begin; the last one ends with the picture, and overlaps by as much as that takes."""
        last = self.length - self.window
        return (*range(0, last, self.window - self.overlap), last)

    def weights(self, at: Places) -> Places:
        """What each tile weighs at these places (tiles, places); the tiles at one place add up to 1."""
        weights = np.stack([self._weight(start, at) for start in self.starts])
        return weights / weights.sum(0)

    def _weight(self, start: int, at: Places) -> Places:
        end = start + self.window
        inside = (at >= start) & (at <= end)
        weight = np.ones(len(at))
        # Nothing is cut off at the picture's own border.
        distances = [at - start] * (start > 0) + [end - at] * (end < self.length)
        for distance in distances if self.overlap else []:
            weight = np.minimum(weight, np.clip(distance / self.overlap * 2 - 0.5, LEAST_WEIGHT, 1))
        return weight * inside


@dataclass(frozen=True)
class Tile:
    """One tile: its number, its row and column among the tiles, and where it lies in the picture."""

    number: int
    row: int
    column: int
    top: int
    left: int
    height: int
    width: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Its rows and columns of the picture."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)

    def holds(self, x: float, y: float) -> bool:
        """Whether a place of the picture lies in it."""
        return self.left <= x < self.left + self.width and self.top <= y < self.top + self.height


@dataclass(frozen=True)
class TileGrid:
    """The tiles of a picture of this `size`, each as large as `window`, (height, width) both."""

    size: tuple[int, int]
    window: tuple[int, int]
    overlap: int

    @cached_property
    def axes(self) -> tuple[Axis, Axis]:
        """The tiles from top to bottom, and from left to right; along a side of one tile nothing overlaps."""
        rows, columns = (
            Axis(length, window, min(self.overlap, window - 1))
            for length, window in zip(self.size, self.window, strict=True)
        )
        return rows, columns

    @cached_property
    def tiles(self) -> tuple[Tile, ...]:
        """All of them, row by row."""
        rows, columns = (axis.starts for axis in self.axes)
        places = [(row, column) for row in range(len(rows)) for column in range(len(columns))]
        return tuple(Tile(n, r, c, rows[r], columns[c], *self.window) for n, (r, c) in enumerate(places))

    def shares(self, tile: Tile, cells: tuple[int, int]) -> Floats:
        """What a tile weighs at the centres of its own `cells` (h, w) among all tiles."""
        rows, columns = (
            axis.weights(start + (np.arange(count) + 0.5) / count * axis.window)[number]
            for axis, start, count, number in zip(
                self.axes, (tile.top, tile.left), cells, (tile.row, tile.column), strict=True
            )
        )
        return np.asarray(np.outer(rows, columns), np.float32)

    def full_size(self, cells: tuple[int, int]) -> tuple[int, int]:
        """How many cells (H, W) the whole picture has where each tile has `cells` (h, w)."""
        height, width = (max(1, round(s * c / w)) for s, c, w in zip(self.size, cells, self.window, strict=True))
        return height, width

    def deepest(self, x: float, y: float) -> Tile:
        """The tile in which a place of the picture lies farthest from the borders."""
        rows, columns = (
            int(axis.weights(np.array([at + 0.5]))[:, 0].argmax()) for axis, at in zip(self.axes, (y, x), strict=True)
        )
        return self.tiles[rows * len(self.axes[1].starts) + columns]

    def __str__(self) -> str:
        words = f"{len(self.tiles)} tile{'s' * (len(self.tiles) != 1)} of {self.window[1]} × {self.window[0]}"
        return words + (f" that overlap by {self.overlap} or more" if len(self.tiles) > 1 else "")


class MergedMap:
    """The map of a whole picture, to which tiles are added.

    Args:
        grid: the tiles.
        cells: (h, w) of a tile's map.
        most: cells that the whole map may have; larger ones are averaged.
    """

    def __init__(self, grid: TileGrid, cells: tuple[int, int], most: float = math.inf) -> None:
        self._grid = grid
        self.full_size = grid.full_size(cells)
        self._shrink = max(1, math.ceil(math.sqrt(math.prod(self.full_size) / most)))
        self.size = math.ceil(self.full_size[0] / self._shrink), math.ceil(self.full_size[1] / self._shrink)
        self._sum: Floats = np.zeros(self.size, np.float32)
        self._added: list[Tile] = []
        self._centres = [
            (np.arange(count) + 0.5) * length / count for count, length in zip(self.size, grid.size, strict=True)
        ]
        self._weights = [axis.weights(at) for axis, at in zip(grid.axes, self._centres, strict=True)]

    @property
    def is_reduced(self) -> bool:
        """Whether it has fewer cells than the maps of the tiles had."""
        return self._shrink > 1

    def add(self, tile: Tile, values: Floats) -> None:
        """Add the map (h, w) of one tile."""
        if self._shrink > 1:
            height, width = (math.ceil(side / self._shrink) for side in values.shape)
            picture = Image.fromarray(np.ascontiguousarray(values, np.float32))
            values = np.asarray(picture.resize((width, height), Image.Resampling.BOX))
        rows, columns, outer = self._place(tile)
        for axis, part, start in ((0, rows, tile.top), (1, columns, tile.left)):
            at = (self._centres[axis][part] - start) / self._grid.window[axis] * values.shape[axis] - 0.5
            values = interpolated(values, at, axis)
        self._sum[rows, columns] += outer * values
        self._added.append(tile)

    def _place(self, tile: Tile) -> tuple[slice, slice, Floats]:
        """Where a tile lies in the map, and what it weighs there."""
        weights = self._weights[0][tile.row], self._weights[1][tile.column]
        parts = [slice(int(places[0]), int(places[-1]) + 1) for places in map(np.flatnonzero, weights)]
        outer = np.outer(weights[0][parts[0]], weights[1][parts[1]])
        return parts[0], parts[1], np.asarray(outer, np.float32)

    def values(self, elsewhere: float = np.nan) -> Floats:
        """A map (H, W) of the tiles that were added, as if there were no others; `elsewhere` where none lies."""
        if len(self._added) == len(self._grid.tiles):
            return self._sum
        weight = np.zeros(self.size, np.float32)
        for tile in self._added:
            rows, columns, outer = self._place(tile)
            weight[rows, columns] += outer
        merged = np.full(self.size, elsewhere, np.float32)
        return np.divide(self._sum, weight, out=merged, where=weight > 0)


def interpolated(values: Floats, at: Places, axis: int) -> Floats:
    """Values (h, w) at places `at` along an axis, in cells from 0 at the first one's centre; in a straight line."""
    # What is meant to be a whole number is one.
    at = np.clip(np.round(at, 6), 0, values.shape[axis] - 1)
    lower = np.floor(at).astype(np.int64)
    part = np.asarray(at - lower, np.float32)
    below = values.take(lower, axis)
    if not part.any():
        return below
    above = values.take(np.minimum(lower + 1, values.shape[axis] - 1), axis)
    part = part[:, None] if axis == 0 else part
    return np.asarray(below + (above - below) * part, np.float32)
