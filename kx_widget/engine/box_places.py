"""Which of the boxes that a detector proposes count: those that overlap one that is asked about."""

from typing import Any

import numpy as np

from kx_widget.engine.regions import NoRegionError, Region, SeenPicture
from kx_widget.engine.types import Floats

# Boxes whose intersection over union with the one that is asked about is less do not count.
LEAST_OVERLAP = 0.5


def overlapping(chosen: Region, proposed: Floats, picture: SeenPicture) -> Floats:
    """How much each of the boxes that a detector proposes counts (A,): its overlap with a box, 0 where that is small.

    With IoU for intersection over union, box j counts m_j = IoU(box_j, box) where that is `LEAST_OVERLAP` or more, and
    0 elsewhere. In a region of a point, the box is the most probable one that holds the point.

    Args:
        chosen: a box, a pixel or an object, in pixels of the picture.
        proposed: (A, 6), as an `Outcome` has them.
        picture: of the image.

    Raises:
        NoRegionError: it lies outside of the picture, or no box overlaps it enough.
    """
    if not chosen.touches(picture.size):
        height, width = picture.size
        raise NoRegionError(f"nothing {chosen} is in the picture, which has {width} × {height} pixels")
    boxes, box = in_picture(proposed[:, 2:], picture), np.asarray(chosen.at, np.float64)
    if chosen.kind != "box":
        middle = box + 0.5
        holds = (boxes[:, :2] <= middle).all(1) & (boxes[:, 2:] > middle).all(1)
        if not holds.any():
            raise NoRegionError(f"no box that the model proposes holds ({box[0]:g}, {box[1]:g})")
        box = boxes[np.where(holds, proposed[:, 1], -1).argmax()]
    shares = overlaps(boxes, box)
    if shares.max() < LEAST_OVERLAP:
        raise NoRegionError(
            f"the model proposes no box there: none overlaps one {chosen} by {LEAST_OVERLAP:g} of their union, the "
            f"nearest does by {shares.max():.2f}"
        )
    return np.where(shares < LEAST_OVERLAP, 0, shares).astype(np.float32)


def in_picture(boxes: Any, picture: SeenPicture) -> Any:
    """Boxes (…, 4) in pixels of the model's input as they lie in the picture, float64."""
    scale, start = _scale_and_start(picture)
    return np.asarray(boxes, np.float64) * scale + start


def in_input(box: Any, picture: SeenPicture) -> Any:
    """A box (4,) in pixels of the picture as it lies in the model's input."""
    scale, start = _scale_and_start(picture)
    return (np.asarray(box, np.float64) - start) / scale


def _scale_and_start(picture: SeenPicture) -> tuple[Any, Any]:
    """How many pixels of the picture one of the model's input is, and where the input starts in it; of corners (4,)."""
    (height, width), (x0, y0, x1, y1), (tall, wide) = picture.size, picture.box, picture.input
    scale = np.array([(x1 - x0) * width / wide, (y1 - y0) * height / tall] * 2)
    return scale, np.array([x0 * width, y0 * height] * 2)


def overlaps(boxes: Any, box: Any) -> Any:
    """Intersection over union (A,) of boxes (A, 4) with one (4,); 0 for those that are no numbers."""
    boxes, box = np.asarray(boxes, np.float64), np.asarray(box, np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        sides = np.minimum(boxes[:, 2:], box[2:]) - np.maximum(boxes[:, :2], box[:2])
        both = np.maximum(sides, 0).prod(1)
        areas = (boxes[:, 2:] - boxes[:, :2]).prod(1) + (box[2:] - box[:2]).prod()
        return np.nan_to_num(both / np.maximum(areas - both, 1e-12), posinf=0)
