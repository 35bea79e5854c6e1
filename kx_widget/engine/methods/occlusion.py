"""Occlusion: how far the score falls when a patch is covered."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kx_widget.engine.imputation import Imputation
from kx_widget.engine.types import Floats, Ints, Partial


def occlusion(
    probe: Any, target: Floats, patch: float = 0.2, stride: float = 0.5, baseline: str = "mean"
) -> Iterator[Partial]:
    """S(x) − S(x with a patch covered), averaged over the patches that cover a pixel.

    Patches are square and lie on a grid that reaches every edge, so that every pixel is covered, whatever the
    shape of the image.

    Args:
        probe: the images and the model.
        target: weights on the scores (B, C).
        patch: side of a patch, as a part of the image's shorter side.
        stride: from one patch to the next, as a part of the patch.
        baseline: what covers: `"black"`, the image's `"mean"` colour, the image with a `"blur"`, `"noise"` of its
            colours, or what is around the patch, carried on into it: `"impute"`, see `engine.imputation`.

    Yields:
        `Partial`s with signed maps (B, H, W); patches far apart come first, NaN is not covered yet.

    Raises:
        UnsupportedMethodError: scipy is missing, which `"impute"` needs.

    Reference: Zeiler and Fergus 2014, arXiv 1311.2901.
    """
    height, width = probe.x.shape[1:3]
    side, step = patch_size(height, width, patch, stride)
    rows, columns = (covers(n, side, step) for n in probe.x.shape[1:3])
    order = far_apart_first(len(rows), len(columns))
    # A patch that is the whole image has nothing around it.
    imputation = PatchImputation(side) if baseline == "impute" and len(order) > 1 else None
    cover = probe.baseline("mean" if baseline == "impute" else baseline)

    def covered(images: Ints, patches: Ints) -> Floats:
        y, x = np.divmod(patches, len(columns))
        if imputation is not None:
            return imputation.fill(probe.x[images], rows[y].argmax(1), columns[x].argmax(1))
        inside = rows[y][:, :, None, None] * columns[x][:, None, :, None]
        return np.where(inside > 0, cover[images], probe.x[images])

    score = (probe.scores() * target).sum(-1)
    fall = np.zeros((len(probe.x), len(order)), np.float32)
    done = np.zeros_like(fall)
    grid = (-1, len(rows), len(columns))
    fact = ("occlusion", side, step, baseline, probe.seed if baseline == "noise" else 0)
    for batch in probe.changed_scores(fact, covered, target, order):
        fall[batch.images, batch.items] = score[batch.images] - batch.values
        done[batch.images, batch.items] = 1
        total, times = (rows.T @ v.reshape(grid) @ columns for v in (fall, done))
        maps = np.divide(total, times, out=np.full_like(total, np.nan), where=times > 0)
        yield Partial(maps, batch.done, len(order))


class PatchImputation:
    """Carries on into a square patch what is around it; see `engine.imputation`.

    Args:
        side: of the patch, in pixels.
    """

    def __init__(self, side: int) -> None:
        self._side = side
        # By the size of a patch with a pixel around it, and where the patch begins in it.
        self._imputations: dict[tuple[int, int, int, int], Imputation] = {}

    def fill(self, images: Floats, tops: Ints, lefts: Ints) -> Floats:
        """Images (n, H, W, C), which are overwritten, with one patch of each made up."""
        for image, top, left in zip(images, tops.tolist(), lefts.tolist(), strict=True):
            y, x = max(0, top - 1), max(0, left - 1)
            around = image[y : top + self._side + 1, x : left + self._side + 1]
            height, width = around.shape[:2]
            around[:] = self._imputation(height, width, top - y, left - x).fill(around)
        return images

    def _imputation(self, height: int, width: int, top: int, left: int) -> Imputation:
        key = height, width, top, left
        if key not in self._imputations:
            removed = np.zeros((height, width), np.bool_)
            removed[top : top + self._side, left : left + self._side] = True
            self._imputations[key] = Imputation(removed)
        return self._imputations[key]


def patch_size(height: int, width: int, patch: float, stride: float) -> tuple[int, int]:
    """Side of a patch and step from one to the next, in pixels of an image of this size."""
    side = max(1, round(patch * min(height, width)))
    return side, max(1, round(stride * side))


def patches(height: int, width: int, patch: float, stride: float) -> int:
    """How many patches cover an image of this size."""
    side, step = patch_size(height, width, patch, stride)
    return len(covers(height, side, step)) * len(covers(width, side, step))


def covers(size: int, side: int, step: int) -> Floats:
    """Which of `size` pixels along an axis each patch covers (patches, size), as 0 or 1; the last ends at the edge."""
    start = np.unique(np.minimum(np.arange(0, size - side + step, step), size - side))
    at = np.arange(size)
    return ((at >= start[:, None]) & (at < start[:, None] + side)).astype(np.float32)


def far_apart_first(rows: int, columns: int) -> Ints:
    """The numbers of a grid's cells, coarse grid first: those both of whose indices are divisible by the most 2s."""
    both = np.arange(rows)[:, None] | np.arange(columns)
    coarseness = np.where(both == 0, both.max() + 1, both & -both)
    return np.argsort(-coarseness.ravel(), kind="stable")
