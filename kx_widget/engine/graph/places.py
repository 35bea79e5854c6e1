"""Where in the image the entries of a traced tensor lie: in a grid of cells, in tokens, or nowhere.

A tensor (B, h, w, K) is a grid. T tokens (B, T, D) are one where the trace shows how they were made: some reshape
laid the rows of an h × w grid one after another, and prefix tokens (class, distillation, registers) were put before
or after them. Attention splits features into heads and may cut the image into windows; the tensors in between only
look like grids.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kx_widget.engine.graph.shapes import Shapes
from kx_widget.engine.lazy_modules import tf

MOST_PREFIX_TOKENS = 16
WINDOWS = "windows or rows of each image"
PADDING = {"Pad", "PadV2", "MirrorPad"}
# Between two tensors that depend on the image, these are attention.
PRODUCTS = {"Einsum", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"}


@dataclass(frozen=True)
class Place:
    """The h × w grid that a tensor holds; `first` is the index of its first cell among `tokens`, 0 for an image."""

    grid: tuple[int, int]
    tokens: int = 0
    first: int = 0

    @property
    def cells(self) -> slice:
        """Those of the tokens that are cells of the grid."""
        return slice(self.first, self.first + self.grid[0] * self.grid[1])

    @property
    def prefix(self) -> int:
        """How many tokens are no cells."""
        return self.tokens - self.grid[0] * self.grid[1] if self.tokens else 0


class Places:
    """The place of each tensor of one graph.

    Args:
        ops: those that depend on the image, in the order in which they were made.
        shapes: of their outputs.

    `attentions` are the softmax tensors (B, heads, T, T) of the tokens of the whole image, with the tokens' place;
    `partial_attentions` those of windows, of fewer keys than queries, and whatever else is a softmax over features.
    """

    def __init__(self, ops: Sequence[Any], shapes: Shapes) -> None:
        self._shapes = shapes
        self._by_name: dict[str, Place] = {}
        self._heads: set[str] = set()
        self._grids: set[tuple[int, int]] = set()
        # How many tokens there are tells which are meant: the ones made last.
        self._tokens: dict[int, Place] = {}
        self._channels_first: dict[int, tuple[int, int]] = {}
        self.attentions: list[tuple[Any, Place]] = []
        self.partial_attentions: list[Any] = []
        for op in ops:
            for t in op.outputs:
                if t.shape.rank is not None:
                    self._look_at(op, t)

    def of(self, t: Any) -> Place | None:
        """The grid that a tensor holds, None where its entries are no cells of one."""
        return self._by_name.get(t.name)

    def objection(self, t: Any) -> str:
        """Why a tensor has no place, or "" if it has one."""
        if t.name in self._by_name:
            return ""
        rows, shape = self._shapes.rows(t), t.shape[1:]
        if rows > 1:
            return f"its batch holds {rows} {WINDOWS}, not images"
        if t.name in self._heads:
            return "its axes are tokens and attention heads, not rows and columns"
        if len(shape) == 2:
            return f"{shape[0] or '?'} tokens, of which the trace does not show that they are a grid"
        return f"no spatial map: its output is {' × '.join(str(d or '?') for d in shape) or 'a number'}"

    def _look_at(self, op: Any, t: Any) -> None:
        before = next((i for i in op.inputs if self._shapes.rows(i) or i.name in self._heads), None)
        if before is not None and before.shape.rank is not None:
            self._follow(op, before, t)
        if op.type == "Softmax" and t.shape.rank > 2:
            self._attend(t)
        if self._shapes.rows(t) == 1 and None not in t.shape[1:] and t.name not in self._heads:
            if t.shape.rank == 4:
                self._by_name[t.name] = Place((t.shape[1], t.shape[2]))
                self._grids.add((t.shape[1], t.shape[2]))
            elif t.shape.rank == 3 and t.shape[1] in self._tokens:
                self._by_name[t.name] = self._tokens[t.shape[1]]

    def _follow(self, op: Any, before: Any, t: Any) -> None:
        rank, rank_before = t.shape.rank, before.shape.rank
        # Whatever their sides, two tensors of such an op are queries, keys, values or weights.
        attends = op.type in PRODUCTS and sum(i.shape.rank > 3 for i in op.inputs if self._shapes.rows(i)) > 1
        if rank > 3 and (attends or (not self._is_image(op, before, t) and self._splits(op, before, t))):
            self._heads.add(t.name)
        if self._shapes.rows(t) != 1 or rank != 3 or None in t.shape[1:]:
            return
        if op.type == "Reshape" and rank_before >= 4 and before.name not in self._heads:
            self._unroll(before.shape, t.shape)
        elif op.type == "Transpose" and (grid := self._channels_first.get(t.shape[1])):
            self._tokens[t.shape[1]] = Place(grid, t.shape[1])
        elif op.type == "ConcatV2" and _constant(op.inputs[-1]) in (1, -2):
            self._join([(i.shape[1], self._shapes.rows(i)) for i in op.inputs[:-1]], t.shape[1])
        elif (
            op.type in PADDING and rank_before == 3 and (pads := _constant(op.inputs[1])) and not any(pads[0] + pads[2])
        ):
            self._join([(pads[1][0], 0), (before.shape[1], 1), (pads[1][1], 0)], t.shape[1])
        elif op.type in ("StridedSlice", "Slice") and rank_before == 3 and before.shape[1] in self._tokens:
            self._cut(op, self._tokens[before.shape[1]], t.shape[1])

    def _is_image(self, op: Any, before: Any, t: Any) -> bool:
        """Whether a result has the rows and columns of an image, which it may have got back just now."""
        grid = tuple(t.shape[1:3])
        alike = before.shape.rank != 4 or before.name not in self._heads
        return (
            t.shape.rank == 4
            and grid in self._grids
            and (op.type == "Reshape" or (alike and grid == tuple(before.shape[1:3])))
        )

    def _splits(self, op: Any, before: Any, t: Any) -> bool:
        """Whether the axes of a result are those of attention, unless it is an image."""
        if before.name in self._heads:
            return True
        if before.shape.rank == 3:
            return _splits_features(before, t)
        if op.type == "Reshape":
            return before.shape.rank == t.shape.rank == 4 and _regroups(before.shape, t.shape)
        return op.type in PRODUCTS and sum(bool(self._shapes.rows(i)) for i in op.inputs) > 1

    def _attend(self, t: Any) -> None:
        """Tell attention (B, heads, T, T) of all tokens to one another from any other."""
        place = self._tokens.get(t.shape[-1] or 0)
        if self._shapes.rows(t) == 1 and t.shape.rank == 4 and t.shape[2] == t.shape[3] and place:
            self.attentions.append((t, place))
        else:
            self.partial_attentions.append(t)

    def _unroll(self, grid: Any, tokens: Any) -> None:
        """Take the tokens that a reshape makes of an h × w grid."""
        if None in grid[1:] or grid.num_elements() == 0:
            return
        if tokens[1] == grid[1] * grid[2]:
            self._tokens[tokens[1]] = Place((grid[1], grid[2]), tokens[1])
            self._grids.add((grid[1], grid[2]))
        elif grid.rank == 4 and tokens[1] == grid[1] and tokens[2] == grid[2] * grid[3]:
            self._channels_first[tokens[2]] = (grid[2], grid[3])

    def _join(self, parts: list[tuple[int, int]], total: int) -> None:
        """Take the tokens that others were put before or after; parts are (tokens, rows an image)."""
        sizes = [size for size, _ in parts]
        # Of equally many, those made from the image.
        largest = max(range(len(parts)), key=parts.__getitem__)
        place = self._tokens.get(sizes[largest])
        if place is not None and total - place.tokens + place.prefix <= MOST_PREFIX_TOKENS:
            self._tokens[total] = Place(place.grid, total, place.first + sum(sizes[:largest]))

    def _cut(self, op: Any, place: Place, total: int) -> None:
        """Take the tokens that are left where some were cut away, if all cells of the grid are among them."""
        left = sliced(np.arange(place.tokens)[None, :, None], op)
        cells = np.arange(place.tokens)[place.cells]
        if left is not None and np.isin(cells, left).all() and total != place.tokens:
            at = int(np.flatnonzero(left.ravel() == cells[0])[0])
            self._tokens[total] = Place(place.grid, total, at)


def _splits_features(tokens: Any, t: Any) -> bool:
    """Whether an op turns tokens (B, T, D) into (B, T, …) or (B, …, T, …) of several axes, as attention does."""
    return None in tokens.shape[1:] or tokens.shape[1] in t.shape[1:].as_list()


def _regroups(grid: Any, t: Any) -> bool:
    """Whether a reshape of an h × w grid leaves its cells whole, or cuts up their features, in another order."""
    if None in (*grid[1:], *t[1:]):
        return False
    cells = grid[1] * grid[2]
    return cells > 1 and (t[1] == cells or (t[3] == grid[3] and t[1:3] != grid[1:3]))


def _constant(t: Any) -> Any:
    value = tf.get_static_value(t)
    return None if value is None else value.tolist()


def sliced(array: Any, op: Any) -> Any | None:
    """What a `StridedSlice` or `Slice` with constant limits takes of an array, None if they are not constant.

    Args:
        array: of the rank of the op's input; its first axis has one entry and is left alone.
        op: the op.
    """
    limits = [tf.get_static_value(t) for t in op.inputs[1:]]
    if any(v is None for v in limits):
        return None
    if op.type == "Slice":
        begin, size = limits
        index = tuple(slice(b, None if s < 0 else b + s) for b, s in zip(begin, size, strict=True))
        return array[(slice(None), *index[1:])]
    begin, end, step = limits
    masks = {name: op.get_attr(f"{name}_mask") for name in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")}
    if masks["ellipsis"] or masks["new_axis"] or masks["shrink_axis"] & 1:
        return None
    index = [
        int(b) if masks["shrink_axis"] >> i & 1
        else slice(None if masks["begin"] >> i & 1 else b, None if masks["end"] >> i & 1 else e, s)
        for i, (b, e, s) in enumerate(zip(begin, end, step, strict=True))
    ]  # fmt: skip
    return array[(slice(None), *index[1:])]
