"""XRAI: the segments of a picture, in the order of what their pixels add to the score."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kx_widget.engine.lines import along_lines
from kx_widget.engine.methods.integrated_gradients import gauss_legendre
from kx_widget.engine.oversegmentation import SIDE, Masks, felzenszwalb, masks_of
from kx_widget.engine.types import Floats, Partial

# What a segment must add, in pixels of SIDE × SIDE.
LEAST = 50


def xrai(probe: Any, target: Floats, steps: int = 32) -> Iterator[Partial]:
    """For each pixel the mean attribution of the part of a segment by which it came in.

    Attributions are max over channels of the mean of integrated gradients from two baselines of one value, the lowest
    and the highest of the image. Segments are those of over-segmentations at six scales, a little widened. Again and
    again the one comes in whose part that is not in yet has the highest mean attribution; what would add hardly a
    pixel is left out, and what is left in the end is one part.

    The authors' code integrates by a sum that is too large by 1/n, and takes sizes in pixels where they are here parts
    of the image's: the same for 224 × 224.

    Args:
        probe: the images and the model.
        target: weights on the scores (B, C).
        steps: n, points of the quadrature from each baseline.

    Yields:
        `Partial`s with the attributions so far (B, H, W), and last the map.

    Raises:
        UnsupportedMethodError: scikit-image, which makes the segments, is not installed.

    Reference: Kapishnikov et al. 2019, arXiv 1906.02825.
    """
    # Before any pass is made.
    segments = probe.kept("felzenszwalb", lambda: np.stack([felzenszwalb(x) for x in probe.x]))
    ends = np.stack([probe.x.min((1, 2, 3)), probe.x.max((1, 2, 3))], 1)
    points, weights = (np.repeat(values, 2) for values in gauss_legendre(steps))
    passes = along_lines(
        probe,
        target,
        lambda images, items: np.broadcast_to(
            ends[images, items % 2][:, None, None, None], (len(images), *probe.x.shape[1:])
        ),
        points,
        weights,
    )
    for attributions, done in passes:
        maps = attributions.max(-1)
        if done == 2 * steps:
            maps = np.stack([filled(m, masks_of(labels)) for m, labels in zip(maps, segments, strict=True)])
        yield Partial(maps, done, 2 * steps)


def filled(attributions: Floats, masks: Masks) -> Floats:
    """For each pixel (H, W) the mean attribution of the part of a mask (n, H, W) by which it came in."""
    values, rows = attributions.ravel().astype(np.float64), masks.reshape(len(masks), -1)
    least = max(1, LEAST * values.size / SIDE**2)
    out, is_left = np.zeros_like(values), np.ones(values.size, np.bool_)
    sums, counts = rows @ values, rows.sum(1)
    while (is_useful := counts >= least).any():
        best = int(np.argmax(np.where(is_useful, sums / np.maximum(counts, 1), -np.inf)))
        part = rows[best] & is_left
        out[part] = values[part].mean()
        is_left &= ~part
        sums -= rows[:, part] @ values[part]
        counts -= rows[:, part].sum(1)
    if is_left.any():
        out[is_left] = values[is_left].mean()
    return out.reshape(attributions.shape).astype(np.float32)
