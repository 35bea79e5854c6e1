"""What the scores of images become when parts of them are covered.

But for curves, what is covered does not depend on the map: cells, random masks, random orders and the blank picture run
once an image, and their scores of all classes serve every class, layer and method.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from kx_widget.engine.cache import digest
from kx_widget.engine.imputation import impute
from kx_widget.engine.perturbation import cover_where
from kx_widget.engine.postprocess import resize
from kx_widget.engine.types import Floats, Ints

if TYPE_CHECKING:
    from kx_widget.engine.probe import Change, Probe

Mask = NDArray[np.bool_]
Ranks = NDArray[np.int32]


@dataclass(frozen=True)
class Passes:
    """How far something has come: `done` of `total` passes."""

    done: int
    total: int


Gathering = Generator[Passes, None, Floats]
Gathered = TypeVar("Gathered")


def finished(gathering: Generator[Passes, None, Gathered]) -> Gathered:
    """What a generator of passes returns, once it has made them all."""
    while True:
        try:
            next(gathering)
        except StopIteration as end:
            return end.value


@dataclass(frozen=True, eq=False)
class Covering:
    """The images of a probe, parts of which are covered.

    Each of its generators yields `Passes` after each call of the model, and returns scores of all classes, (B, …, C).

    Args:
        probe: the images and the model.
        cover: what covers, the name by which it is known in the cache.
        make: the same as images (B, H, W, channels), when they are needed.
    """

    probe: Probe
    cover: str
    make: Callable[[], Floats]

    @cached_property
    def picture(self) -> Floats:
        """What covers (B, H, W, channels)."""
        return np.ascontiguousarray(self.probe.kept(f"cover {self.cover}", self.make), np.float32)

    @property
    def size(self) -> tuple[int, int]:
        """The (H, W) of the images."""
        return self.probe.x.shape[1], self.probe.x.shape[2]

    def _covered(self, images: Ints, masks: Mask) -> Floats:
        """Copies of these images (n,), covered where their mask (n, H, W) is True."""
        return cover_where(self.probe.x[images], (self.picture[number] for number in images), masks)

    def _gather(
        self, fact: tuple[Any, ...], change: Change, passes: int, counts: Ints | None = None, own: Any = None
    ) -> Gathering:
        """Scores (B, passes, C) of changed images; NaN beyond the `counts` (B,) of passes that an image needs."""
        images = len(self.probe.x)
        counts = np.full(images, passes) if counts is None else counts
        scores = np.full((images, passes, self.probe.graph.classes), np.nan, np.float32)
        for batch in self.probe.changed_class_scores((*fact, self.cover), change, counts, own):
            scores[batch.images, batch.items] = batch.values
            yield Passes(batch.done, passes)
        return scores

    def blank(self) -> Gathering:
        """Scores (B, C) where all is covered: 1 pass."""
        scores = yield from self._gather(("blank",), lambda images, _: self.picture[images], 1)
        return scores[:, 0]

    def cells(self, grid: int) -> Gathering:
        """Scores (B, grid², C) where one cell is covered: grid² passes."""
        cell_of = cells_of(self.size, grid)

        def covered(images: Ints, cells: Ints) -> Floats:
            return self._covered(images, cell_of == cells[:, None, None])

        return self._gather(("cells", grid), covered, grid**2)

    def random_cells(self, grid: int, share: float, samples: int) -> Mask:
        """Which cells (B, samples, grid²) random masks cover, each with the probability `share`."""

        def draw() -> Mask:
            rngs = [self.probe.rng(i, "masks") for i in range(len(self.probe.x))]
            return np.stack([rng.random((samples, grid**2)) < share for rng in rngs])

        return self.probe.kept(f"random cells {(grid, share, samples, self.probe.seed)}", draw)

    def random_masks(self, grid: int, share: float, samples: int) -> Gathering:
        """Scores (B, samples, C) where the cells of a random mask are covered: 1 pass a mask."""
        cells, cell_of = self.random_cells(grid, share, samples), cells_of(self.size, grid)

        def covered(images: Ints, numbers: Ints) -> Floats:
            return self._covered(images, cells[images, numbers][:, cell_of])

        return self._gather(("random masks", grid, share, self.probe.seed), covered, samples)

    def masks(self, masks: Floats, keep: bool) -> Gathering:
        """Scores (B, M, C) where a mask (B, M, H, W) in 0..1 is covered, or all but it is kept: 1 pass a mask."""
        is_whole = ((masks == 0) | (masks == 1)).all()

        def covered(images: Ints, numbers: Ints) -> Floats:
            parts: Floats = masks[images, numbers]
            if is_whole:
                return self._covered(images, (parts > 0) != keep)
            kept = (parts if keep else 1 - parts)[..., None]
            picture: Floats = self.picture[images]
            return np.asarray(picture + (self.probe.x[images] - picture) * kept, np.float32)

        own = [(digest(of_image), masks.shape[1]) for of_image in masks]
        return self._gather(("masks", keep), covered, masks.shape[1], own=own)

    def curves(self, maps: Floats, steps: int, noise: Floats | None = None) -> Gathering:
        """Scores (B, 2, steps − 1, C): the first pixels of the maps (B, h, w) covered, and all but these covered.

        2 (steps − 1) passes: those of deletion, and those of insertion, which begin with the fewest pixels shown.

        Args:
            maps: what tells which pixels come first.
            steps: from the image to the blank picture.
            noise: of pixels (B,) that are made up from their neighbours, by its deviation, instead of being covered.
        """
        ranks = self.ranks(maps)

        def changed(images: Ints, items: Ints) -> Floats:
            inserts, step = np.divmod(items, steps - 1)
            masks = self.curve_masks(ranks[images], inserts > 0, step + 1, steps)
            return self._covered(images, masks) if noise is None else self._imputed(images, masks, noise)

        own = [
            (digest(values), values.shape, None if noise is None else float(noise[i])) for i, values in enumerate(maps)
        ]
        fact = ("curves", steps, self.probe.seed)
        scores = yield from self._gather(fact, changed, 2 * (steps - 1), own=own)
        return scores.reshape(len(scores), 2, steps - 1, -1)

    def curve_masks(self, ranks: Ranks, inserts: Mask, step: Ints, steps: int) -> Mask:
        """What is covered (n, H, W) at a step of a curve (n,), from 0 to `steps`.

        Args:
            ranks: the places of the pixels (n, H·W), see `ranks`.
            inserts: whether the first pixels are shown (n,), and not covered.
            step, steps: which one of how many.
        """
        pixels = self.size[0] * self.size[1]
        counts = step_counts(pixels, steps)
        covered_first, shown_first = counts[step][:, None], (pixels - counts[::-1])[step][:, None]
        masks = np.where(inserts[:, None], ranks >= shown_first, ranks < covered_first)
        return masks.reshape(-1, *self.size)

    def _imputed(self, images: Ints, masks: Mask, noise: Floats) -> Floats:
        """Copies of these images (n,), whose pixels are made up where their mask (n, H, W) is True."""
        x = self.probe.x[images]
        for number, (i, mask) in enumerate(zip(images.tolist(), masks, strict=True)):
            x[number] = impute(x[number], mask)
            x[number][mask] += noise[i] * self.probe.rng(i, "imputation").standard_normal(x[number].shape)[mask]
        return x

    def ranks(self, maps: Floats) -> Ranks:
        """The place (B, H·W) of each pixel when those of the largest values of the maps (B, h, w) come first.

        Of equal values, which comes first is drawn, the same for all maps of an image.
        """
        values = resize(maps, self.size).reshape(len(maps), -1)
        ranks = np.empty(values.shape, np.int32)
        for i, of_image in enumerate(values):
            drawn = self.probe.rng(i, "ties").permutation(len(of_image))
            ranks[i, drawn[np.argsort(-of_image[drawn], kind="stable")]] = np.arange(len(of_image))
        return ranks

    def random_maps(self, grid: tuple[int, int], pairs: int) -> Floats:
        """Maps (B, 2 · pairs, h, w) of noise, each followed by its negative."""
        rngs = [self.probe.rng(i, "orders") for i in range(len(self.probe.x))]
        maps = np.stack([rng.standard_normal((pairs, *grid), np.float32) for rng in rngs])
        return np.stack([maps, -maps], 2).reshape(len(maps), -1, *grid)

    def random_orders(self, grid: tuple[int, int], pairs: int, steps: int, needed: Mask) -> Gathering:
        """Scores (B, 2 · pairs, steps − 1, C) where the first pixels of random maps are covered.

        The second map of a pair has the order of the first turned around, so that what covers the first pixels of one
        shows those of the other: deletion of both is insertion of both, in half the passes.

        Args:
            grid: the (h, w) of the maps.
            pairs: how many pairs of maps.
            steps: as in `curves`.
            needed: for which images (B,) they are computed; the others' are NaN.
        """
        maps = self.random_maps(grid, pairs)[:, ::2]
        counts = step_counts(self.size[0] * self.size[1], steps)[1:-1]
        ranked: dict[int, Ranks] = {}

        def covered(images: Ints, items: Ints) -> Floats:
            orders, step = np.divmod(items, steps - 1)
            pair, turned = np.divmod(orders, 2)
            for number in set(pair.tolist()) - set(ranked):
                ranked[number] = self.ranks(maps[:, number])
            # All images advance together, and leave behind what no other item asks for.
            for number in [number for number in ranked if number < pair.min()]:
                del ranked[number]
            ranks = np.stack([ranked[number][image] for number, image in zip(pair.tolist(), images, strict=True)])
            ranks = np.where(turned[:, None] > 0, ranks.shape[1] - 1 - ranks, ranks)
            return self._covered(images, (ranks < counts[step][:, None]).reshape(-1, *self.size))

        passes = 2 * pairs * (steps - 1)
        fact = ("random orders", grid, steps, self.probe.seed)
        scores = yield from self._gather(fact, covered, passes, np.where(needed, passes, 0))
        return scores.reshape(len(scores), 2 * pairs, steps - 1, -1)


def cells_of(size: tuple[int, int], grid: int) -> Ints:
    """The cell (H, W) of a grid of grid × grid cells in which each pixel lies, row by row."""
    rows, columns = (np.arange(side) * grid // side for side in size)
    return rows[:, None] * grid + columns


def step_counts(pixels: int, steps: int) -> Ints:
    """How many pixels the steps 0 to `steps` of a curve cover, count_i = pixels − count_(steps − i).

    Where this would be half a pixel, it is none.
    """
    first = np.floor(np.arange(steps // 2 + 1) * pixels / steps + 0.5).astype(np.int64)
    if steps % 2 == 0:
        first[-1] = pixels // 2
    return np.concatenate([first, pixels - first[: (steps + 1) // 2][::-1]])
