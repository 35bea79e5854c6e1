"""Gradients along straight lines from other images to each image, and what is added up of them."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from kx_widget.engine.types import Floats, Ints

# (images (n,), items (n,)) -> where the line of each begins (n, H, W, C).
Starts = Callable[[Ints, Ints], Floats]


def along_lines(
    probe: Any, target: Floats, starts: Starts, points: Floats, weights: Floats
) -> Iterator[tuple[Floats, int]]:
    """The mean over items of (x − x') ⊙ ∂S/∂x(x' + t (x − x')), each with its x', t and weight.

    Args:
        probe: the images and the model.
        target: weights on the scores (B, C).
        starts: x' of images and items.
        points: t (B, items), or (items,) for all images.
        weights: of the items (items,).

    Yields:
        The mean over the items so far (B, H, W, C), NaN of images of which there is none, and how many are done.
    """
    points = np.broadcast_to(points, (len(probe.x), len(weights)))

    def between(images: Ints, items: Ints) -> Floats:
        start = starts(images, items)
        x = probe.x[images] - start
        x *= points[images, items][:, None, None, None]
        x += start
        return x

    total, seen = np.zeros_like(probe.x), np.zeros(len(probe.x), np.float32)
    for batch in probe.changed_gradients(between, target, len(weights)):
        ways = probe.x[batch.images] - starts(batch.images, batch.items)
        for i, item, way, gradient in zip(batch.images, batch.items, ways, batch.values, strict=True):
            total[i] += weights[item] * way * gradient
            seen[i] += weights[item]
        passed = seen[:, None, None, None]
        yield np.divide(total, passed, out=np.full_like(total, np.nan), where=passed > 0), batch.done


def over_bands(attributions: Floats, channels: str) -> Floats:
    """Attributions (B, H, W, C) as they are for `"each"`, or their sum over the channels."""
    return attributions if channels == "each" else np.einsum("bhwc->bhw", attributions)


def completeness_gap(probe: Any, target: Floats, maps: Floats, of_starts: Floats) -> dict[str, Floats]:
    """The check of what maps should sum to, S(x) − S(x'), where the starts have these scores (B, C)."""
    expected = ((probe.scores() - of_starts) * target).sum(-1)
    return {"completeness_gap": relative_gap(maps.reshape(len(maps), -1).sum(1), expected)}


def relative_gap(actual: Floats, expected: Floats) -> Floats:
    """|actual − expected| as a part of |expected|, or of 10⁻⁶ where that is less."""
    return np.asarray(np.abs(actual - expected) / np.maximum(np.abs(expected), 1e-6), np.float32)
