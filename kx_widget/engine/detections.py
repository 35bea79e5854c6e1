"""A detected box as something to explain: how much of it the detector still finds."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kx_widget.engine.errors import ModelError, ParameterError
from kx_widget.engine.scalars import Target

Adapter = Callable[[Any], tuple[Any, Any]]


def detection(detect: Adapter, box: Sequence[float], class_scores: Any, name: str = "detection") -> Target:
    """The target "this detection": max_j IoU(box, box_j) · cos(class_scores, scores_j) over all proposals j.

    With the method `"rise"` its maps are those of D-RISE.

    Args:
        detect: what the model returns -> boxes (B, A, 4), as x0, y0, x1, y1, and their class scores (B, A, C), from 0
            on; before any suppression. `retinanet_boxes` makes one for RetinaNet of keras-hub.
        box: x0, y0, x1, y1 of the detection, in the units of `detect`.
        class_scores: of the detection (C,), or the index of its class among C classes as `(index, C)`.
        name: how it reads.

    Returns:
        A target for `explain`.

    Raises:
        ParameterError: the box is empty, or the class scores are no numbers or all 0.

    Reference: Petsiuk et al. 2021, arXiv 2006.03204.
    """
    corners = np.asarray(box, np.float32)
    if corners.shape != (4,) or not (corners[2:] > corners[:2]).all():
        raise ParameterError(f"box={box!r} must be (x0, y0, x1, y1), with x1 more than x0 and y1 more than y0.")
    if isinstance(class_scores, tuple):
        index, classes = class_scores
        class_scores = np.eye(int(classes), dtype=np.float32)[int(index)]
    scores = np.asarray(class_scores, np.float32)
    length = np.linalg.norm(scores)
    if scores.ndim != 1 or not np.isfinite(length) or length == 0:
        raise ParameterError(f"class_scores of shape {scores.shape} must be (classes,), numbers that are not all 0.")

    def similarity(outputs: Any) -> Any:
        boxes, proposed = detect(outputs)
        lengths = ops.sqrt(ops.maximum(ops.sum(ops.square(proposed), -1), 1e-24))
        alike = ops.sum(proposed * (scores / length), -1) / lengths
        return ops.max(overlap(boxes, corners) * alike, -1)

    return Target(similarity, name)


def overlap(boxes: Any, box: Any) -> Any:
    """Intersection over union (B, A) of boxes (B, A, 4) with one, (4,)."""
    sides = ops.minimum(boxes[..., 2:], box[2:]) - ops.maximum(boxes[..., :2], box[:2])
    both = ops.prod(ops.maximum(sides, 0), -1)
    areas = ops.prod(ops.maximum(boxes[..., 2:] - boxes[..., :2], 0), -1)
    return both / ops.maximum(areas + float(np.prod(box[2:] - box[:2])) - both, 1e-9)


def retinanet_boxes(task: Any, size: tuple[int, int]) -> Adapter:
    """Boxes, in pixels of the model's input, and class probabilities of a RetinaNet of keras-hub, before suppression.

    Args:
        task: a `RetinaNetObjectDetector`.
        size: (height, width) of its input.

    Raises:
        ModelError: the model has no generator of anchors.
    """
    generator = getattr(task, "anchor_generator", None)
    if generator is None:
        raise ModelError(f"{type(task).__name__} has no anchor_generator: pass a function of one's own to detection().")
    height, width = size
    levels = generator(ops.zeros((1, height, width, 3)))
    anchors = ops.convert_to_numpy(ops.concatenate(list(levels.values()), axis=0))

    def detect(outputs: Any) -> tuple[Any, Any]:
        boxes = keras.utils.bounding_boxes.decode_deltas_to_boxes(
            anchors=ops.convert_to_tensor(anchors),
            boxes_delta=outputs["bbox_regression"],
            encoded_format="center_xywh",
            anchor_format=generator.bounding_box_format,
            box_format="xyxy",
            image_shape=(height, width, 3),
        )
        return boxes, ops.sigmoid(outputs["cls_logits"])

    return detect
