"""Guided integrated gradients: a way from a baseline to the image along which gradients are small."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kx_widget.engine.lines import completeness_gap, over_bands
from kx_widget.engine.types import Floats, Partial

Doubles = NDArray[np.float64]
CLOSE = 1e-9


def guided_ig(
    probe: Any,
    target: Floats,
    steps: int = 50,
    fraction: float = 0.25,
    max_distance: float = 0.02,
    baseline: str = "black",
    channels: str = "sum",
) -> Iterator[Partial]:
    """Σ_channels Σ_k (x_{k+1} − x_k) ⊙ ∂S/∂x(x_k), along a way that the gradients choose.

    A step brings the image nearer by 1/n of the L1 distance between x' and x: of the values that are not there yet,
    those whose gradients are smallest move first, and none is ever further than `max_distance` of its way from where
    it would be on the straight line. Noise that gathers where gradients are large has so less of the way to gather.

    The map sums to S(x) − S(x'), but for what a step misses: `completeness_gap`. It is the left sum of the authors'
    code, and what moves is what hardly changes the score where it begins: on deep networks the gap can be larger than
    the change itself, and more steps do not close it, for values still move by `max_distance` at once.

    Args:
        probe: the images and the model.
        target: weights on the scores (B, C).
        steps: n; each waits for the one before.
        fraction: of the values, how many move at once.
        max_distance: part of its way by which a value may be before or behind the straight line; 0 is that line, 1
            any way.
        baseline: x', as in `integrated_gradients`.
        channels: `"sum"`, or `"each"` for what is summed.

    Yields:
        A `Partial` after each step, with signed maps (B, H, W), or (B, H, W, channels), of the way so far.

    Reference: Kapishnikov et al. 2021, arXiv 2106.09788.
    """
    start = probe.baseline(baseline)
    ways = [Way(x, begin, fraction, max_distance) for x, begin in zip(probe.x, start, strict=True)]
    points = np.array(start, np.float32)
    attributions = np.zeros_like(points)
    for step in range(1, steps + 1):
        for batch in probe.changed_gradients(lambda images, _: points[images], target, 1):
            for i, gradient in zip(batch.images, batch.values, strict=True):
                attributions[i] += ways[i].move(gradient, step / steps)
        for point, way in zip(points, ways, strict=True):
            point[...] = way.point
        maps = over_bands(attributions, channels)
        checks = completeness_gap(probe, target, maps, probe.scores_of(start)) if step == steps else {}
        yield Partial(maps, step, steps, checks)


class Way:
    """The way of one image from a baseline, as far as it has gone.

    Args:
        image, start: its ends (H, W, C).
        fraction: of the values, how many move at once.
        max_distance: part of its way by which a value may be beside the straight line.

    Attributes:
        point: how far it has gone (H, W, C).
    """

    def __init__(self, image: Floats, start: Floats, fraction: float, max_distance: float) -> None:
        self._end, self._start = image.astype(np.float64), start.astype(np.float64)
        self._span = self._end - self._start
        self._rank = int(fraction * (self._span.size - 1))
        self._max_distance = max_distance
        self._length = np.abs(self._span).sum()
        self.point: Doubles = self._start.copy()

    def move(self, gradient: Floats, part: float) -> Doubles:
        """Go on until `part` of the L1 distance is behind, those values first whose gradients are smallest.

        Returns:
            What each value adds to the score on the way, to first order (H, W, C).
        """
        before = self.point.copy()
        low, high = (
            self._start + self._span * np.clip(part + side, 0, 1) for side in (-self._max_distance, self._max_distance)
        )
        behind = np.abs(self.point - self._start) < np.abs(low - self._start)
        self.point[behind] = low[behind]
        left = self._length * (1 - part)
        sizes = np.abs(gradient).astype(np.float64)
        while (surplus := np.abs(self._end - self.point).sum() - left) > CLOSE * self._length:
            # What has reached its end of the range does not move any more.
            sizes[self.point == high] = np.inf
            threshold = np.partition(sizes, self._rank, axis=None)[self._rank]
            moves = (sizes <= threshold) & np.isfinite(sizes)
            if not moves.any():
                break
            reach = np.abs(high - self.point)[moves].sum()
            if reach >= surplus:
                self.point[moves] += (high - self.point)[moves] * (surplus / reach)
                break
            self.point[moves] = high[moves]
        return (self.point - before) * gradient
