"""The segments of a picture at several scales: how Felzenszwalb and Huttenlocher divide it."""

import warnings

import numpy as np
from numpy.typing import NDArray

from kx_widget.engine.errors import UnsupportedMethodError
from kx_widget.engine.types import Floats
from kx_widget.install import how_to_install

Masks = NDArray[np.bool_]
# For pictures of SIDE × SIDE pixels with values from −1 to 1; a segment reaches over its border by so many pixels, so
# that edges are inside.
SIDE, SCALES, SIGMA, SMALLEST, REACH = 224, (50, 100, 150, 250, 500, 1200), 0.8, 150, 5


def felzenszwalb(image: Floats) -> NDArray[np.int32]:
    """Segments of an image (H, W, C), numbered, at each scale (scales, H, W).

    Raises:
        UnsupportedMethodError: scikit-image is not installed.
    """
    try:
        from skimage import segmentation, transform
    except ImportError as error:
        raise UnsupportedMethodError(
            f"XRAI needs scikit-image for the segments of a picture: {how_to_install('superpixels')}. Integrated "
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
