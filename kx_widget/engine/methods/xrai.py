"""XRAI: the segments of a picture, in the order of what their pixels add to the score."""

import importlib
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kx_widget.engine.errors import UnsupportedMethodError
from kx_widget.engine.lines import along_lines
from kx_widget.engine.methods.integrated_gradients import gauss_legendre
from kx_widget.engine.types import Floats, Partial

Masks = NDArray[np.bool_]
# Of Felzenszwalb's over-segmentations, for pictures of SIDE × SIDE pixels with values from −1 to 1.
SIDE, SCALES, SIGMA, SMALLEST = 224, (50, 100, 150, 250, 500, 1200), 0.8, 150
# By how many pixels a segment reaches over its border, so that edges are inside, and what it must add; at that size.
REACH, LEAST = 5, 50


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


def felzenszwalb(image: Floats) -> NDArray[np.int32]:
    """Segments of an image (H, W, C), numbered, at each scale (scales, H, W).

    Raises:
        UnsupportedMethodError: scikit-image is not installed.
    """
    try:
        segmentation, transform = (importlib.import_module(f"skimage.{name}") for name in ("segmentation", "transform"))
    except ImportError as error:
        raise UnsupportedMethodError(
            "XRAI needs scikit-image for the segments of a picture: pip install 'kx-widget[superpixels]'. Integrated "
            "gradients need nothing of the kind."
        ) from error
    span = np.ptp(image)
    scaled = 2 * (image - image.min()) / span - 1 if span else np.zeros_like(image)
    side = min(SIDE, max(image.shape[:2]))
    square = transform.resize(scaled, (side, side), order=3, mode="constant", preserve_range=True, anti_aliasing=True)
    part, least = (side / SIDE) ** 2, max(1, round(SMALLEST * (side / SIDE) ** 2))
    rows, columns = (np.minimum(((np.arange(n) + 0.5) * side / n).astype(int), side - 1) for n in image.shape[:2])
    with warnings.catch_warnings():
        # That there are more than three channels.
        warnings.simplefilter("ignore", RuntimeWarning)
        labels = [segmentation.felzenszwalb(square, scale * part, SIGMA, least) for scale in SCALES]
    return np.stack(labels)[:, rows][:, :, columns].astype(np.int32)


def masks_of(labels: NDArray[np.int32]) -> Masks:
    """The segments (n, H, W) of all scales (scales, H, W), each widened by a disk."""
    reach = round(REACH * min(labels.shape[1:]) / SIDE)
    return np.stack([widened(scale == number, reach) for scale in labels for number in np.unique(scale)])


def widened(mask: Masks, reach: int) -> Masks:
    """A mask (H, W) and all that is not further from it than `reach` pixels."""
    out = mask.copy()
    # Most segments are small.
    ends = (np.flatnonzero(mask.any(axis))[[0, -1]] for axis in (1, 0))
    box = tuple(slice(max(first - reach, 0), last + reach + 1) for first, last in ends)
    inside, near_box = mask[box], out[box]
    height, width = inside.shape
    for dy in range(-min(reach, height - 1), min(reach, height - 1) + 1):
        dx = int((reach**2 - dy**2) ** 0.5)
        sums = np.pad(np.cumsum(np.pad(inside, ((0, 0), (dx, dx))), 1), ((0, 0), (1, 0)))
        near = sums[:, 2 * dx + 1 :] > sums[:, :width]
        near_box[max(dy, 0) : height + min(dy, 0)] |= near[max(-dy, 0) : height + min(-dy, 0)]
    return out


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
