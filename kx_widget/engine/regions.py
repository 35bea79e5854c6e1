"""Which places of an output count: the region of a segmentation that a score is the mean over.

A region is a vector (R,) over the places of an output, rows first. A number from 0 on is the weight that a place has
for every class; −1 − c says that it counts for class c alone. So one vector holds a region that all classes share, and
also that each class has its own, where it wins.
"""

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from kx_widget.engine.errors import ParameterError
from kx_widget.engine.parameters import is_whole_number
from kx_widget.engine.types import WHOLE, Box, Floats, Ints, LocatedRegion

RegionKind = Literal["wins", "whole", "pixel", "box", "object", "mask"]
NUMBERS: Mapping[str, int] = {"pixel": 2, "box": 4, "object": 2}
ACCEPTED = 'kx.region("wins"), kx.region("whole"), or kx.region(pixel=, box=, object_at= or mask=)'


@dataclass(frozen=True)
class Region:
    """The places of an output that count, in pixels of the picture; `region` makes one.

    Attributes:
        kind: `"wins"`, `"whole"`, `"pixel"`, `"box"`, `"object"` or `"mask"`.
        at: x and y, or the x0, y0, x1, y1 of a box.
        mask: its shape, and its bits in bytes.
        winner: index of the class that `"top"` means in it, None for that of the highest mean score.
    """

    kind: RegionKind
    at: tuple[float, ...] = ()
    mask: tuple[tuple[int, ...], bytes] | None = None
    winner: int | None = None

    def __str__(self) -> str:
        numbers = [f"{round(number, 1):g}" for number in self.at]
        point = f"({', '.join(numbers[:2])})"
        if self.kind == "mask":
            return f"in a mask of {int(self.marked.sum())} pixels"
        words = {
            "wins": "where it wins",
            "whole": "in the whole output",
            "pixel": f"at pixel {point}",
            "box": f"in the box {point} to ({', '.join(numbers[2:])})",
            "object": f"in the object at {point}",
        }
        return words[self.kind]

    @property
    def marked(self) -> Any:
        """The mask, bool."""
        shape, bits = self.mask or ((0,), b"")
        return np.unpackbits(np.frombuffer(bits, np.uint8), count=math.prod(shape)).reshape(shape).astype(bool)

    def touches(self, size: tuple[int, int]) -> bool:
        """Whether a part of it is in a picture of this (height, width)."""
        height, width = size
        if self.kind == "box":
            left, top, right, bottom = self.at
            return right > 0 and bottom > 0 and left < width and top < height
        return not self.at or (0 <= self.at[0] < width and 0 <= self.at[1] < height)

    @property
    def code(self) -> str:
        """The call that makes it."""
        winner = "" if self.winner is None else f", winner={self.winner}"
        if self.kind == "mask":
            return f"kx.region(mask=mask{winner})"
        if self.kind in ("wins", "whole"):
            return f'kx.region("{self.kind}"{winner})'
        numbers = ", ".join(f"{number:g}" for number in self.at)
        return f"kx.region({'object_at' if self.kind == 'object' else self.kind}=({numbers}){winner})"

    def as_plain(self) -> dict[str, Any]:
        """The same in numbers and texts, of which `from_plain` makes it again."""
        plain: dict[str, Any] = {"kind": self.kind, "at": list(self.at)}
        if self.mask is not None:
            plain["mask"] = [list(self.mask[0]), base64.b64encode(self.mask[1]).decode()]
        if self.winner is not None:
            plain["winner"] = self.winner
        return plain

    @classmethod
    def from_plain(cls, plain: Any) -> "Region":
        """What `as_plain` told.

        Raises:
            ParameterError: it did not tell this.
        """
        if not isinstance(plain, Mapping) or not isinstance(plain.get("kind"), str):
            raise ParameterError(f"{plain!r:.100} is no region.")
        kind: Any = plain.get("kind")
        winner = plain.get("winner")
        if kind == "mask":
            return _with_winner(_of_bits(plain.get("mask")), winner)
        if kind in NUMBERS:
            return _with_winner(_of_numbers(kind, plain.get("at")), winner)
        return region(kind, winner=winner)


WINS = Region("wins")


def region(
    where: str | None = None,
    *,
    pixel: Any = None,
    box: Any = None,
    object_at: Any = None,
    mask: Any = None,
    winner: int | None = None,
) -> Region:
    """The places of a segmentation that a map explains: its score is the mean over them, Σ m_r y_r / Σ m_r.

    Args:
        where: `"wins"`, where the class itself wins, which is the default of questions, or `"whole"`, all places.
        pixel: (x, y), in pixels of the picture, from 0 at the left and at the top.
        box: (x0, y0, x1, y1), in pixels of the picture.
        object_at: (x, y): the connected part around it where one class wins.
        mask: bool (height, width), of the picture, of the model's input, or of its output.
        winner: index of the class that is known to win there, which `"top"` then means; None for that of the highest
            mean score.

    Returns:
        A region, for `region=` of `explain` and its like.

    Raises:
        ParameterError: none of these or several are given, they are no such numbers, or the mask marks nothing.

    Reference: Vinogradova et al. 2020, arXiv 2002.11434.
    """
    kinds = {"pixel": pixel, "box": box, "object": object_at, "mask": mask}
    chosen = {kind: value for kind, value in kinds.items() if value is not None}
    if len(chosen) + (where is not None) != 1:
        raise ParameterError(f"A region is one of these: {ACCEPTED}.")
    if where is not None:
        if where not in ("wins", "whole"):
            raise ParameterError(f"{where!r:.100} is no region. Pass {ACCEPTED}.")
        return _with_winner(Region("wins" if where == "wins" else "whole"), winner)
    ((kind, value),) = chosen.items()
    return _with_winner(_of_mask(value) if kind == "mask" else _of_numbers(kind, value), winner)


def _with_winner(chosen: Region, winner: Any) -> Region:
    if winner is None:
        return chosen
    if not is_whole_number(winner) or winner < 0:
        raise ParameterError(f"winner={winner!r:.100} is no index of a class, from 0.")
    return replace(chosen, winner=int(winner))


def _of_numbers(kind: str, value: Any) -> Region:
    try:
        numbers = [float(number) for number in value]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) != NUMBERS[kind] or not all(map(math.isfinite, numbers)):
        needed = "(x0, y0, x1, y1)" if kind == "box" else "(x, y)"
        raise ParameterError(f"{value!r} is no {kind}: pass {needed} in pixels of the picture.")
    if kind == "box":
        x0, y0, x1, y1 = numbers
        if x1 <= x0 or y1 <= y0:
            raise ParameterError(f"The box {value!r} is empty: x1 must be more than x0, and y1 more than y0.")
        return Region("box", tuple(numbers))
    return Region("pixel" if kind == "pixel" else "object", tuple(numbers))


def _of_mask(value: Any) -> Region:
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ParameterError(f"The mask is no array ({error}).") from error
    if array.ndim not in (1, 2) or array.dtype.kind not in "buif":
        raise ParameterError(f"A mask of shape {array.shape} and {array.dtype} must be (height, width) of numbers.")
    marked = np.asarray(np.nan_to_num(array) != 0)
    if not marked.any():
        raise ParameterError("The region is empty: its mask marks nothing.")
    return Region("mask", mask=(marked.shape, np.packbits(marked).tobytes()))


def _of_bits(value: Any) -> Region:
    """The region of a mask, as `Region.as_plain` tells it."""
    try:
        shape, text = tuple(value[0]), value[1]
        bits = base64.b64decode(text, validate=True)
        is_mask = len(shape) in (1, 2) and all(type(side) is int and side > 0 for side in shape)
    except (TypeError, ValueError, LookupError):
        shape, bits, is_mask = (), b"", False
    if not is_mask or len(bits) != -(-math.prod(shape) // 8):
        raise ParameterError(f"{value!r:.100} is no mask: pass its [height, width], and its bits in base64.")
    return _of_mask(Region("mask", mask=(shape, bits)).marked)


def parse_regions(regions: Any, images: int) -> tuple[Region, ...]:
    """A region of each of so many images, of one for all or a sequence with one of each, where None is the default.

    Raises:
        ParameterError: something else.
    """
    if regions is None or isinstance(regions, (str, Region)):
        regions = [regions] * images
    if not isinstance(regions, Sequence) or len(regions) != images:
        count = f"{len(regions)} regions" if isinstance(regions, Sequence) else repr(regions)
        raise ParameterError(f"region={count} for {images} images: pass one region, or a list with one of each image.")
    return tuple(_parsed(each) for each in regions)


def _parsed(value: Any) -> Region:
    if isinstance(value, Region):
        return value
    if value is None or isinstance(value, str):
        return WINS if value is None else region(value)
    raise ParameterError(f"{value!r} is no region. Pass {ACCEPTED}.")


@dataclass(frozen=True)
class OutputPlaces:
    """Where the R places of an output lie: the first `grid[0]` · `grid[1]` of them from number `first` on are cells.

    `grid` is None where they have no rows and columns.
    """

    count: int
    grid: tuple[int, int] | None
    first: int = 0

    def spread(self, cells: Any) -> Floats:
        """Weights (R,) of cells (h, w)."""
        weights = np.zeros(self.count, np.float32)
        weights[self.first : self.first + np.size(cells)] = np.ravel(cells)
        return weights

    def shown(self, chosen: Region, weights: Floats) -> LocatedRegion:
        """What is shown of a region with these weights (R,)."""
        cells = None
        if chosen.kind in ("object", "mask") and self.grid is not None:
            cells = weights[self.first :][: math.prod(self.grid)].reshape(self.grid) > 0
        return LocatedRegion(chosen.kind, str(chosen), chosen.at, cells)


@dataclass(frozen=True)
class SeenPicture:
    """A picture as far as a model sees it.

    Attributes:
        size: its (height, width) in pixels.
        box: the part of it that fills the model's input, in fractions.
        input: the (height, width) of that input.
    """

    size: tuple[int, int]
    box: Box
    input: tuple[int, int]


class NoRegionError(Exception):
    """An image has no place that counts; says why."""


def located(chosen: Region, places: OutputPlaces, picture: SeenPicture, winners: Ints | None, classes: int) -> Floats:
    """A region (R,) of one image.

    Args:
        chosen: which.
        places: of the output.
        picture: of the image.
        winners: which class wins at each place (R,), `classes` where none does; for `"wins"` and objects.
        classes: how many there are.

    Raises:
        NoRegionError: it lies outside of the picture, or holds no place.
    """
    if chosen.kind == "whole":
        return np.ones(places.count, np.float32)
    if chosen.kind == "wins":
        assert winners is not None
        return (-1 - winners).astype(np.float32)
    if chosen.kind == "mask" and len((chosen.mask or ((),))[0]) == 1:
        return _in_order(chosen, places)
    if places.grid is None:
        raise NoRegionError(
            f"the output has {places.count} places without rows and columns: choose "
            f"kx.region(mask=) of {places.count} numbers, or the whole output"
        )
    if chosen.kind == "mask":
        cells = _masked(chosen.marked, places.grid, picture)
    elif chosen.kind == "box":
        cells = _boxed(chosen, places.grid, picture)
    else:
        cells = np.zeros(places.grid, np.float32)
        cells[_cell(chosen, places.grid, picture)] = 1
        if chosen.kind == "object":
            assert winners is not None
            cells = _connected(winners[places.first :][: cells.size].reshape(places.grid), cells, classes, chosen)
    if not cells.any():
        raise NoRegionError(f"nothing {chosen} is seen by the model: its input is another part of the picture")
    return places.spread(cells)


def _in_order(chosen: Region, places: OutputPlaces) -> Floats:
    if chosen.marked.size != places.count:
        raise NoRegionError(f"the mask has {chosen.marked.size} numbers, and the output {places.count} places")
    return chosen.marked.astype(np.float32)


def _cell(chosen: Region, grid: tuple[int, int], picture: SeenPicture) -> tuple[int, int]:
    """The cell in which a pixel lies."""
    (x, y), (height, width) = chosen.at, picture.size
    if not chosen.touches(picture.size):
        raise NoRegionError(f"({x:g}, {y:g}) is outside of the picture, which has {width} × {height} pixels")
    x0, y0, x1, y1 = picture.box
    across, down = (math.floor(x) + 0.5) / width, (math.floor(y) + 0.5) / height
    column, row = math.floor((across - x0) / (x1 - x0) * grid[1]), math.floor((down - y0) / (y1 - y0) * grid[0])
    if not (0 <= row < grid[0] and 0 <= column < grid[1]):
        raise NoRegionError(f"({x:g}, {y:g}) is not seen by the model: its input is cropped")
    return row, column


def _boxed(chosen: Region, grid: tuple[int, int], picture: SeenPicture) -> Floats:
    """The cells (h, w) whose centre lies in a box, or that in which the middle of a smaller box lies."""
    (left, top, right, bottom), (height, width) = chosen.at, picture.size
    if not chosen.touches(picture.size):
        raise NoRegionError(f"nothing {chosen} is in the picture, which has {width} × {height} pixels")
    rows, columns = _centres(grid, picture)
    cells = ((rows >= top) & (rows < bottom))[:, None] & ((columns >= left) & (columns < right))
    if cells.any():
        return cells.astype(np.float32)
    middle = Region("pixel", ((max(left, 0) + min(right, width)) / 2, (max(top, 0) + min(bottom, height)) / 2))
    one = np.zeros(grid, np.float32)
    one[_cell(middle, grid, picture)] = 1
    return one


def _centres(grid: tuple[int, int], picture: SeenPicture, times: int = 1) -> tuple[Any, Any]:
    """Where the centres of rows and of columns lie, in pixels of the picture; of `times` parts of each."""
    x0, y0, x1, y1 = picture.box
    ends = ((y0, y1, picture.size[0]), (x0, x1, picture.size[1]))
    rows, columns = (
        ((np.arange(side * times) + 0.5) / (side * times) * (stop - start) + start) * pixels
        for side, (start, stop, pixels) in zip(grid, ends, strict=True)
    )
    return rows, columns


def _masked(mask: Any, grid: tuple[int, int], picture: SeenPicture) -> Floats:
    """Which part of each cell (h, w) a mask covers."""
    if mask.shape == grid:
        return mask.astype(np.float32)
    if mask.shape == picture.input:
        picture = SeenPicture(picture.input, WHOLE, picture.input)
    if mask.shape != picture.size:
        sizes = " or ".join(f"{h} × {w}" for h, w in dict.fromkeys((picture.size, picture.input, grid)))
        raise NoRegionError(f"the mask has {mask.shape[0]} × {mask.shape[1]}, and must have {sizes}, height first")
    times = max(1, *(math.ceil(have / side) for have, side in zip(picture.size, grid, strict=True)))
    rows, columns = (np.floor(at).astype(np.int64) for at in _centres(grid, picture, times))
    inside = (((rows >= 0) & (rows < mask.shape[0]))[:, None]) & ((columns >= 0) & (columns < mask.shape[1]))
    points = mask[np.clip(rows, 0, mask.shape[0] - 1)][:, np.clip(columns, 0, mask.shape[1] - 1)] & inside
    return points.reshape(grid[0], times, grid[1], times).mean((1, 3), dtype=np.float32)


def _connected(winners: Ints, seed: Floats, classes: int, chosen: Region) -> Floats:
    """The cells (h, w) of one class that hang together with that of a seed, by their sides."""
    row, column = np.argwhere(seed)[0]
    if winners[row, column] >= classes:
        raise NoRegionError(f"no class wins at ({chosen.at[0]:g}, {chosen.at[1]:g})")
    same = winners == winners[row, column]
    return connected_to(same, (int(row), int(column))).astype(np.float32)


def connected_to(mask: Any, seed: tuple[int, int]) -> Any:
    """The part (h, w) of a mask that hangs together with a cell of it, by their sides."""
    try:
        from scipy import ndimage
    except ImportError:
        return flooded(mask, seed)
    labels, _ = ndimage.label(mask)
    return labels == labels[seed]


def flooded(mask: Any, seed: tuple[int, int]) -> Any:
    """The same without scipy."""
    part = np.zeros_like(mask)
    stack = [seed]
    while stack:
        row, column = stack.pop()
        if not (0 <= row < mask.shape[0] and 0 <= column < mask.shape[1]) or part[row, column]:
            continue
        if mask[row, column]:
            part[row, column] = True
            stack += [(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]
    return part
