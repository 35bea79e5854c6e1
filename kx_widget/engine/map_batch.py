"""The maps of a batch of images, and what a metric may ask about them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from kx_widget.engine.covering import Covering, Mask, Passes, step_counts
from kx_widget.engine.errors import UnsupportedMethodError
from kx_widget.engine.postprocess import bilinear
from kx_widget.engine.registry import Method
from kx_widget.engine.types import Floats, Ints

if TYPE_CHECKING:
    from kx_widget.engine.probe import Probe

# By how much a score may differ, as a part of it, from what it was when the maps were made.
SAME_SCORE = 1e-2
# By how much a score must fall, as a part of it or in probability, when all is covered, so that curves say something.
REACH = 0.2
# And by how much at most a score changes that says nothing when parts are covered.
STILL = 0.02
# Cells a side to which maps of all sizes are brought where their form is told.
FORM = 28

OUT_OF_REACH = "the score hardly falls when all is covered, so that curves say little; choose another cover"
EVEN = "the map has as much in each of the parts that are covered"
NOTHING_FOR = "nothing in the map is above 0"
FLAT_OTHERS = "the maps to compare with are flat"
EMPTY_MASK = "its mask is empty"
STILL_SCORE = "nothing that was covered changes the score; choose another cover, or cover more at once"


@dataclass(frozen=True, eq=False)
class MetricValues:
    """What a metric tells: one number a map (B, T), NaN where none, and by reason which maps (B, T) have none."""

    values: Floats
    reasons: Mapping[str, Mask] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Curves:
    """How the value of the target goes as pixels are covered, or shown, those of the largest values of the map first.

    Attributes:
        deletion: (B, T, steps + 1), from the image to the blank picture.
        insertion: (B, T, steps + 1), from the blank picture to the image.
        covered, shown: the part of the pixels (steps + 1,) that is covered in the one, and shown in the other.
        is_within_reach: which maps' (B, T) score falls when all is covered.
        ends: the value (B, T, 2) in the blank picture and in the image, before scores are rescaled.
    """

    deletion: Floats
    insertion: Floats
    covered: Floats
    shown: Floats
    is_within_reach: Mask
    ends: Floats

    def score(self, values: Floats) -> MetricValues:
        """What is told by these (B, T), which are made from the curves."""
        told = np.where(self.is_within_reach, values, np.nan).astype(np.float32)
        return MetricValues(told, {OUT_OF_REACH: ~self.is_within_reach})


@dataclass(frozen=True, eq=False)
class MapBatch:
    """Raw maps (B, T, h, w) of T targets of B images.

    What takes passes is a generator: `drops = yield from batch.cell_drops(4)`. All of it is computed once.

    Args:
        maps: the maps, signed where the method is.
        signed: whether their sign has a meaning.
        weights: the targets as weights on the scores (B, T, C).
        indices: the targets as classes (B, T), −1 for a contrast.
        covering: the images, and what the scores become when parts of them are covered.
        probabilities: scores (…, C) -> probabilities, NaN where there are none.
        steps: of curves.
        checks: what the method said of its own exactness, by name (B, T).
        masks: where what counts is (B, H, W), None if nobody said.
        method: the method that made the maps, None if it is not known.
        wrappers: settings of the wrappers around it, by id.
        pixel_scale: tells by how much the model's input (B,) changes for a step of 1 in a pixel of 0..255.
        maps_of: (probe, weights (B, C)) -> the method's maps (B, h, w), asked once more.
        neighbours: other methods: (id, weights (B, C)) -> maps (B, h, w).
    """

    maps: Floats
    signed: bool
    weights: Floats
    indices: Ints
    covering: Covering
    probabilities: Callable[[Floats], Floats]
    steps: int
    checks: Mapping[str, Floats]
    masks: Mask | None
    method: Method | None
    wrappers: Mapping[str, Any]
    pixel_scale: Callable[[], Floats]
    maps_of: Callable[[Probe, Floats], Floats]
    neighbours: Callable[[str, Floats], Floats]
    _memo: dict[Any, Any] = field(default_factory=dict, init=False)

    @property
    def probe(self) -> Probe:
        """The images and the model, at the layer of the maps."""
        return self.covering.probe

    @property
    def size(self) -> tuple[int, int]:
        """The (H, W) of the images."""
        return self.covering.size

    @property
    def has_curves(self) -> bool:
        """Whether the curves are known."""
        return "curves" in self._memo

    @property
    def curve_tops(self) -> tuple[Ints, Ints]:
        """The classes of most score (B, T, steps + 1) along the curves of deletion and insertion, which are known."""
        return self._memo["curve tops"]

    @property
    def cells(self) -> tuple[Floats, Floats] | None:
        """What covering each cell costs, and the map's sum in it (B, T, grid²); None where nobody asked for it."""
        if "grid" not in self._memo:
            return None
        grid = self._memo["grid"]
        return self._memo["cells", grid], self.cell_sums(grid)

    def _once(self, key: Any, compute: Callable[[], Any]) -> Any:
        if key not in self._memo:
            self._memo[key] = compute()
        return self._memo[key]

    def required_masks(self) -> Mask:
        """Where what counts is (B, H, W).

        Raises:
            UnsupportedMethodError: nobody said.
        """
        if self.masks is None:
            raise UnsupportedMethodError("it needs masks of what counts: pass masks= (images, height, width)")
        return self.masks

    def score_on_masks(self, values: Floats) -> MetricValues:
        """What is told by these (B, T), which are made with masks."""
        empty = np.broadcast_to(self.required_masks().max((1, 2))[:, None] == 0, values.shape)
        told = np.where(empty, np.nan, values).astype(np.float32)
        return MetricValues(told, {NOTHING_FOR: np.isnan(values), EMPTY_MASK: empty})

    def evidence(self) -> Floats:
        """What speaks for the target, in the maps' own size (B, T, h, w): the positive part."""
        return np.maximum(self.maps, 0)

    def in_cells(self, amounts: Floats) -> Floats:
        """Amounts (B, T, h, w) summed in 28 × 28 cells, (B, T, 784), each value spread evenly over its place."""
        rows, columns = (overlaps(side, FORM) for side in amounts.shape[-2:])
        return np.matmul(np.matmul(rows, amounts), columns.T).reshape(*amounts.shape[:2], -1)

    @property
    def is_probable(self) -> Mask:
        """Which targets (B, T) have a probability."""
        return self._once("probable", lambda: ~np.isnan(self._probable(self.probe.scores()[:, None]))[..., 0])

    def _probable(self, scores: Floats) -> Floats:
        chosen = np.maximum(self.indices, 0)[:, None]
        probable = np.take_along_axis(self.probabilities(scores), chosen, 2).swapaxes(1, 2)
        return np.where((self.indices < 0)[..., None], np.nan, probable)

    def value_of(self, scores: Floats) -> Floats:
        """What becomes of the targets (B, T, M) with scores (B, M, C): their probability, or their score if none."""
        values = np.matmul(self.weights, scores.swapaxes(1, 2))
        return np.where(self.is_probable[..., None], self._probable(scores), values).astype(np.float32)

    def original(self) -> Floats:
        """The value (B, T) of the targets in the images themselves."""
        return self._once("original", lambda: self.value_of(self.probe.scores()[:, None])[..., 0])

    def blank(self) -> Generator[Passes, None, Floats]:
        """The value (B, T) of the targets when all is covered: 1 pass an image."""
        scores = yield from self._blank_scores()
        return self.value_of(scores[:, None])[..., 0]

    def _blank_scores(self) -> Generator[Passes, None, Floats]:
        if "blank" not in self._memo:
            self._memo["blank"] = yield from self.covering.blank()
        return self._memo["blank"]

    def cell_drops(self, grid: int) -> Generator[Passes, None, Floats]:
        """By how much the value falls (B, T, grid²) when one cell is covered: grid² passes an image, once."""
        if ("cells", grid) not in self._memo:
            scores = yield from self.covering.cells(grid)
            self._memo["cells", grid] = self.original()[..., None] - self.value_of(scores)
            self._memo["grid"] = grid
        return self._memo["cells", grid]

    def cell_sums(self, grid: int) -> Floats:
        """The sums (B, T, grid²) of the maps in the cells of a grid over the image."""
        rows, columns = (
            _members(size, grid) @ (np.eye(size, dtype=np.float32) if side == size else bilinear(side, size))
            for side, size in zip(self.maps.shape[-2:], self.size, strict=True)
        )
        return np.matmul(np.matmul(rows, self.maps), columns.T).reshape(*self.maps.shape[:2], -1)

    def mask_drops(self, grid: int, share: float, samples: int) -> Generator[Passes, None, Floats]:
        """By how much the value falls (B, T, samples) under random masks: 1 pass a mask and image, once."""
        key = "masks", grid, share, samples
        if key not in self._memo:
            scores = yield from self.covering.random_masks(grid, share, samples)
            self._memo[key] = self.original()[..., None] - self.value_of(scores)
        return self._memo[key]

    def mask_sums(self, grid: int, share: float, samples: int) -> Floats:
        """The sums (B, T, samples) of the maps under the same masks."""
        cells = self.covering.random_cells(grid, share, samples).astype(np.float32)
        return np.matmul(self.cell_sums(grid), cells.swapaxes(1, 2))

    def likeness(self, statistic: Callable[[Floats, Floats], Floats], sums: Floats, drops: Floats) -> Floats:
        """A statistic (B, T) of what maps have in parts of the images, and drops without these, (B, T, M) each."""
        return statistic(sums, drops)

    def is_still(self, drops: Floats) -> Mask:
        """Where no drop (B, T, …, M) is large enough to say something."""
        scale = np.where(self.is_probable, 1, np.abs(self.original()))
        return np.abs(drops).max(-1) < STILL * np.expand_dims(scale, tuple(range(2, drops.ndim - 1)))

    def score_drops(self, values: Floats, drops: Floats) -> MetricValues:
        """What is told by these (B, T), which are made from drops (B, T, M)."""
        still = self.is_still(drops)
        told = np.where(still, np.nan, values).astype(np.float32)
        return MetricValues(told, {EVEN: np.isnan(values), STILL_SCORE: still})

    def curves(self) -> Generator[Passes, None, Curves]:
        """Deletion and insertion: 2 (steps − 1) passes a map, and 1 an image."""
        if "curves" not in self._memo:
            blank = yield from self.blank()
            between = np.empty((2, *self.indices.shape, self.steps - 1), np.float32)
            tops = np.empty((2, *self.indices.shape, self.steps + 1), np.int64)
            tops[0, ..., 0] = tops[1, ..., -1] = self.probe.scores().argmax(-1)[:, None]
            tops[0, ..., -1] = tops[1, ..., 0] = (yield from self._blank_scores()).argmax(-1)[:, None]
            for t in range(self.maps.shape[1]):
                scores = yield from self.covering.curves(np.ascontiguousarray(self.maps[:, t]), self.steps)
                tops[:, :, t, 1:-1] = scores.argmax(-1).swapaxes(0, 1)
                for values, of_curve in zip(between, scores.swapaxes(0, 1), strict=True):
                    values[:, t] = self.value_of(of_curve)[:, t]
            self._memo["curves"] = self.curves_between(blank, *between)
            self._memo["curve tops"] = tops[0], tops[1]
        return self._memo["curves"]

    def imputed_values(self, noise: float) -> Generator[Passes, None, Floats]:
        """The values (B, T, 2, steps − 1) of deletion and insertion where pixels are made up from their neighbours.

        2 (steps − 1) passes a map.

        Args:
            noise: its deviation in steps of 1 in a pixel of 0..255.
        """
        values = np.empty((*self.indices.shape, 2, self.steps - 1), np.float32)
        for t in range(self.maps.shape[1]):
            maps = np.ascontiguousarray(self.maps[:, t])
            scores = yield from self.covering.curves(maps, self.steps, noise * self.pixel_scale())
            for curve in (0, 1):
                values[:, t, curve] = self.value_of(scores[:, curve])[:, t]
        return values

    def curves_between(self, blank: Floats, deletion: Floats, insertion: Floats) -> Curves:
        """Curves whose inner values (B, T, steps − 1) are these; scores are rescaled from 0, blank, to 1, the image."""
        original, pixels = self.original(), self.size[0] * self.size[1]
        reach = original - blank
        scale = np.where(self.is_probable, 1, np.maximum(np.abs(original), np.abs(blank)))
        ends = original[..., None], blank[..., None]
        curves = [np.concatenate([ends[0], deletion, ends[1]], -1), np.concatenate([ends[1], insertion, ends[0]], -1)]
        with np.errstate(divide="ignore", invalid="ignore"):
            rescaled = [(curve - ends[1]) / reach[..., None] for curve in curves]
        probable = self.is_probable[..., None]
        pairs = zip(curves, rescaled, strict=True)
        deletion, insertion = (np.where(probable, curve, other).astype(np.float32) for curve, other in pairs)
        covered = (step_counts(pixels, self.steps) / pixels).astype(np.float32)
        shown = np.float32(1) - covered[::-1]
        return Curves(deletion, insertion, covered, shown, reach >= REACH * scale, np.concatenate(ends[::-1], -1))

    def random(self, grid: tuple[int, int], pairs: int, needed: Mask | None = None) -> RandomBatch:
        """Random maps of a size in place of each map, in pairs of one and its negative: (B, T · 2 · pairs, h, w).

        Args:
            grid: the (h, w) of the maps.
            pairs: how many pairs in place of each map.
            needed: for which images (B,) passes are made, by default all.
        """
        key = "random", grid, pairs, None if needed is None else needed.tobytes()
        return self._once(key, lambda: self._random(grid, pairs, needed))

    def _random(self, grid: tuple[int, int], pairs: int, needed: Mask | None) -> RandomBatch:
        maps, number = self.covering.random_maps(grid, pairs), 2 * pairs
        known: dict[str, Any] = {name: value for name, value in vars(self).items() if name != "_memo"}
        known |= {
            "maps": np.tile(maps, (1, self.maps.shape[1], 1, 1)),
            "signed": True,
            "weights": np.repeat(self.weights, number, 1),
            "indices": np.repeat(self.indices, number, 1),
            "checks": {},
        }
        return RandomBatch(**known, batch=self, needed=needed)


@dataclass(frozen=True, eq=False, kw_only=True)
class RandomBatch(MapBatch):
    """Random maps, R in place of each map of a batch, in whose targets they are scored; see `MapBatch.random`.

    What is known of the batch is known of them, and their curves follow from random orders.
    """

    batch: MapBatch
    needed: Mask | None = None

    def _repeated(self, values: Any) -> Any:
        return np.repeat(values, self.maps.shape[1] // self.batch.maps.shape[1], 1)

    def original(self) -> Floats:
        """The value (B, T · R) of the targets in the images themselves."""
        return self._repeated(self.batch.original())

    def cell_drops(self, grid: int) -> Generator[Passes, None, Floats]:
        """Those of the batch (B, T · R, grid²)."""
        return self._repeated((yield from self.batch.cell_drops(grid)))

    def mask_drops(self, grid: int, share: float, samples: int) -> Generator[Passes, None, Floats]:
        """Those of the batch (B, T · R, samples)."""
        return self._repeated((yield from self.batch.mask_drops(grid, share, samples)))

    def likeness(self, statistic: Callable[[Floats, Floats], Floats], sums: Floats, drops: Floats) -> Floats:
        """The same (B, T · R); the maps are alike for each target, and the drops for each map."""
        b, t = self.batch.indices.shape
        of_maps, of_targets = (values.reshape(b, t, -1, values.shape[-1]) for values in (sums, drops))
        return statistic(of_maps[:, :1], of_targets[:, :, :1]).reshape(b, -1)

    def curves(self) -> Generator[Passes, None, Curves]:
        """Deletion and insertion: R (steps − 1) passes an image, once."""
        if "curves" not in self._memo:
            blank = self._repeated((yield from self.batch.blank()))
            b, t, number = *self.batch.indices.shape, self.maps.shape[1] // self.batch.maps.shape[1]
            needed = np.ones(b, np.bool_) if self.needed is None else self.needed
            scores = yield from self.covering.random_orders(self.maps.shape[2:], number // 2, self.steps, needed)
            deletion = self.batch.value_of(scores.reshape(b, -1, scores.shape[-1]))
            deletion = deletion.reshape(b, t, number // 2, 2, self.steps - 1)
            insertion = deletion[:, :, :, ::-1, ::-1]
            inner = (values.reshape(b, t * number, -1) for values in (deletion, insertion))
            self._memo["curves"] = self.curves_between(blank, *inner)
        return self._memo["curves"]


def area_under(curves: Floats, at: Floats) -> Floats:
    """The area under curves (…, n) whose values lie at (n,), by trapezoids."""
    return ((curves[..., 1:] + curves[..., :-1]) / 2 * np.diff(at)).sum(-1)


def overlaps(side: int, cells: int) -> Floats:
    """Which part of each of `side` values along an axis lies in each of `cells` cells, (cells, side)."""
    low, high = (np.arange(side) + end for end in (0, 1))
    edges = np.arange(cells + 1) * side / cells
    inside = np.minimum(high, edges[1:, None]) - np.maximum(low, edges[:-1, None])
    return np.maximum(inside, 0).astype(np.float32)


def _members(size: int, grid: int) -> Floats:
    """Which of `size` pixels along an axis each of `grid` cells holds (grid, size), as 0 or 1."""
    return (np.arange(grid)[:, None] == np.arange(size) * grid // size).astype(np.float32)


def grids_like(maps: Floats, size: tuple[int, int]) -> Ints:
    """The (h, w) of random maps that are as smooth as each of the maps (…, h, w) over images of `size`, (…, 2).

    A map smaller than the image has its own size. Of one as large as the image it is told, to a power of two, by how
    much neighbours differ: of noise of cells of s pixels, interpolated, by 3 / s² of the variance.
    """
    grids = np.empty((*maps.shape[:-2], 2), np.int64)
    grids[:] = maps.shape[-2:]
    for axis, side in enumerate(size):
        if maps.shape[axis - 2] < side:
            continue
        spread = maps.var((-2, -1))
        steps = (np.diff(maps, axis=axis - 2) ** 2).mean((-2, -1))
        cells = side * np.sqrt(np.divide(steps, 3 * spread, out=np.ones_like(spread), where=spread > 0))
        grids[..., axis] = np.clip(2 ** np.round(np.log2(np.clip(cells, 2, side))), 2, side)
    return grids
