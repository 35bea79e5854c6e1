"""The parts of a picture that methods cover, and the scores of what is left."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kx_widget.engine.errors import UnsupportedMethodError
from kx_widget.engine.notes import ROUNDING
from kx_widget.engine.perturbation import cover_where
from kx_widget.engine.types import Floats, Ints, Partial
from kx_widget.install import how_to_install

Shown = NDArray[np.bool_]
# What the values of an image's superpixels follow from: which are shown in each picture (passes, n), the scores of
# these pictures (passes,), and the score of the image. Returned are the values (n,), and what tells how exact they are.
Estimate = Callable[[Shown, Any, float], tuple[Any, dict[str, float]]]
COMPACTNESS = 10
# It often finds fewer than it is asked for: how many times as many it is asked for then.
AS_MANY = (1, 2, 4)


def grid_shape(number: int, height: int, width: int) -> tuple[int, int]:
    """Rows and columns of a grid of about square cells, `number` at most and as near to it as such grids come."""
    square = math.sqrt(number * height / width)
    choices = {min(max(1, n), number, height) for n in (math.floor(square), math.ceil(square))}
    shapes = [(rows, min(number // rows, width)) for rows in sorted(choices, key=lambda rows: abs(rows - square))]
    return max(shapes, key=math.prod)


def cells(number: int, height: int, width: int) -> int:
    """How many cells the grid has, see `grid_shape`."""
    return math.prod(grid_shape(number, height, width))


def grid(number: int, height: int, width: int) -> Ints:
    """The cell (H, W) of such a grid in which each pixel lies, row by row, from 0."""
    rows, columns = grid_shape(number, height, width)
    y, x = np.arange(height) * rows // height, np.arange(width) * columns // width
    return y[:, None] * columns + x


def slic(image: Floats, number: int) -> Ints:
    """Superpixels (H, W) of an image (H, W, C), from 0 and `number` at most, by scikit-image's SLIC.

    Its range is brought to 0..1; images of three channels are compared in CIELAB. Where there are too many, the
    smallest are merged into their neighbours.

    Raises:
        UnsupportedMethodError: scikit-image is not installed.

    Reference: Achanta et al. 2012, IEEE Transactions on Pattern Analysis and Machine Intelligence 34.
    """
    try:
        from skimage import segmentation
    except ImportError as error:
        raise UnsupportedMethodError(
            f"superpixels='slic' needs scikit-image: {how_to_install('superpixels')}. superpixels='grid' needs nothing."
        ) from error
    low, high = float(image.min()), float(image.max())
    pixels = (image - low) / max(high - low, np.finfo(np.float32).tiny)
    labels = np.zeros(image.shape[:2], np.int64)
    for times in AS_MANY:
        labels = np.asarray(segmentation.slic(pixels, times * number, COMPACTNESS, start_label=0, channel_axis=-1))
        if len(np.unique(labels)) >= number:
            break
    return merged(np.unique(labels, return_inverse=True)[1].reshape(labels.shape), pixels, number)


def merged(labels: Ints, pixels: Floats, number: int) -> Ints:
    """Areas (H, W), the smallest of which go over to the neighbour of most alike mean colour, until `number` are left.

    Args:
        labels: the areas (H, W), from 0.
        pixels: the picture (H, W, C).
        number: how many areas are left at most.
    """
    size = np.bincount(labels.ravel()).astype(np.float64)
    total = np.stack([np.bincount(labels.ravel(), plane.ravel()) for plane in np.moveaxis(pixels, -1, 0)], 1)
    touches = np.zeros((len(size), len(size)), np.bool_)
    for first, second in ((labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1])):
        touches[first, second] = touches[second, first] = True
    owner = np.arange(len(size))
    np.fill_diagonal(touches, False)
    for _ in range(len(size) - number):
        smallest = int(size.argmin())
        means = total / size[:, None]
        distance = ((means - means[smallest]) ** 2).sum(1)
        into = int(np.where(touches[smallest], distance, np.inf).argmin())
        total[into] += total[smallest]
        size[into], size[smallest] = size[into] + size[smallest], np.inf
        touches[into] |= touches[smallest]
        touches[:, into] = touches[into]
        touches[smallest] = touches[:, smallest] = touches[into, into] = False
        owner[owner == smallest] = into
    return np.unique(owner, return_inverse=True)[1][labels]


@dataclass(frozen=True, eq=False)
class Superpixels:
    """The superpixels of a probe's images.

    Args:
        probe: the images and the model.
        kind: `"grid"`, cells of about one size, or `"slic"`, areas of one colour.
        number: how many there are in an image, at most.
        baseline: what covers them, see `Probe.baseline`.
    """

    probe: Any
    kind: str
    number: int
    baseline: str

    @cached_property
    def labels(self) -> Ints:
        """Which superpixel (B, H, W) each pixel belongs to."""

        def make() -> Ints:
            x, number = self.probe.x, self.number
            if self.kind == "grid":
                return np.repeat(grid(number, *x.shape[1:3])[None], len(x), 0)
            return np.stack([slic(image, number) for image in x])

        return self.probe.kept(f"superpixels {self.kind} {self.number}", make)

    @cached_property
    def counts(self) -> list[int]:
        """How many each image has (B,)."""
        return [int(labels.max()) + 1 for labels in self.labels]

    def explained(
        self, target: Floats, shown: Sequence[Shown], drawn: Sequence[tuple[Any, ...]], estimates: Sequence[Estimate]
    ) -> Iterator[Partial]:
        """Maps that have at each pixel the value of its superpixel, estimated from the pictures so far.

        Args:
            target: weights on the scores (B, C).
            shown: which superpixels are left to be seen in each picture of an image, (passes, n) each; those of fewer
                pictures are the first of more.
            drawn: what these pictures depend on, for each image, besides its superpixels.
            estimates: what the values of each image's superpixels are, see `Estimate`.

        Yields:
            `Partial`s with signed maps (B, H, W); NaN where no picture of an image is known.
        """
        probe, labels = self.probe, self.labels
        cover = np.ascontiguousarray(probe.baseline(self.baseline))

        def covered(images: Ints, items: Ints) -> Floats:
            masks = ((~shown[i][item]).take(labels[i]) for i, item in zip(images, items, strict=True))
            return cover_where(probe.x[images], (cover[i] for i in images), masks)

        score = (probe.scores() * target).sum(-1)
        counts = np.array([len(each) for each in shown])
        values = np.zeros((len(counts), counts.max()))
        known, largest = np.zeros_like(counts), np.abs(score)
        maps = np.full(labels.shape, np.nan, np.float32)
        checks: dict[str, Floats] = {}
        fact = ("superpixels", self.kind, self.number, self.baseline, probe.seed if self.baseline == "noise" else 0)
        for batch in probe.changed_scores(fact, covered, target, np.arange(counts.max()), counts, drawn):
            values[batch.images, batch.items] = batch.values
            np.add.at(known, batch.images, 1)
            np.maximum.at(largest, batch.images, np.abs(batch.values))
            for i in set(batch.images.tolist()):
                estimated, told = estimates[i](shown[i][: known[i]], values[i, : known[i]], float(score[i]))
                maps[i] = estimated[labels[i]]
                for name, value in told.items():
                    checks.setdefault(name, np.full(len(maps), np.nan, np.float32))[i] = value
            copies = {name: check.copy() for name, check in checks.items()}
            yield Partial(maps.copy(), batch.done, int(counts.max()), copies, ROUNDING * largest)


def every_coalition(number: int) -> Shown:
    """Which of `number` superpixels each picture shows (2ⁿ − 1, n), of all pictures but the image itself.

    None comes first, then one or all but one, two or all but two, and each is followed by its complement.
    """
    codes = np.arange(2**number - 1)
    shown = (codes[:, None] >> np.arange(number)) % 2 > 0
    complement = 2**number - 1 - codes
    size = shown.sum(1)
    # Those of a size come in no order, so that the first of them are of all superpixels.
    place = np.random.default_rng(0).permutation(2**number)
    return shown[np.lexsort((codes, place[np.minimum(codes, complement)], np.minimum(size, number - size)))]


def r_squared(actual: Any, fitted: Any, weights: Any) -> float:
    """1 − Σw(y − ŷ)² / Σw(y − ȳ)², ȳ being the weighted mean of y; NaN where all y are equal."""
    mean = (weights * actual).sum() / max(float(weights.sum()), np.finfo(np.float64).tiny)
    spread = float((weights * (actual - mean) ** 2).sum())
    return 1 - float((weights * (actual - fitted) ** 2).sum()) / spread if spread > 0 else float("nan")
