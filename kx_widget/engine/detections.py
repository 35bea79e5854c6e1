"""What a detector detects in images, and a detected box as something to explain."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kx_widget.engine.box_places import in_input, in_picture, overlaps
from kx_widget.engine.detectors import ADVICE, Adapter
from kx_widget.engine.errors import ParameterError
from kx_widget.engine.graph.proposals import DETECTED, proposals_of
from kx_widget.engine.lazy_modules import keras
from kx_widget.engine.parameters import check_params
from kx_widget.engine.question import Question, model_failures
from kx_widget.engine.regions import Region
from kx_widget.engine.regions import region as region_of
from kx_widget.engine.scalars import Target
from kx_widget.engine.types import Floats, Ints, Parameter

DETECTION_PARAMETERS = (
    Parameter("threshold", "float", DETECTED, "Boxes with no class more probable than this are left out.", minimum=0),
    Parameter("iou", "float", 0.5, "Boxes that overlap a more probable one as much are left out.", minimum=0),
    Parameter("most", "int", 100, "How many of an image at most.", minimum=1),
)


@dataclass(frozen=True)
class Detection:
    """What a detector detects at one place of an image.

    Attributes:
        box: x0, y0, x1, y1 in pixels of the picture as it was given.
        target: the index of its class.
        class_name: what that is called.
        score: the probability of the class.
        index: which of the boxes that the model proposes it is.
    """

    box: tuple[float, float, float, float]
    target: int
    class_name: str
    score: float
    index: int

    @property
    def region(self) -> Region:
        """Its box, in which `"top"` is its class, for `region=` of `explain` and its like."""
        return region_of(box=self.box, winner=self.target)


class DetectionTarget(Target):
    """How much of a detection is still found; see `detection`."""

    kind = "detection"


def detections_of(question: Question, settings: dict[str, Any]) -> list[list[Detection]]:
    """What is detected in the images of a question, the most probable first.

    Args:
        question: about a detector.
        settings: those of `DETECTION_PARAMETERS`.

    Raises:
        ParameterError: a setting is out of its range, or the model is no detector.
    """
    _check_detector(question)
    defaults = {parameter.name: parameter.default for parameter in DETECTION_PARAMETERS}
    threshold, iou, most = check_params("detections", DETECTION_PARAMETERS, defaults | settings).values()
    names = question.model.class_names
    detections: list[list[Detection]] = []
    with model_failures():
        for rows, probe in question.probes():
            # Told apart from scores that are no numbers.
            question.scores(rows, probe)
            for number, proposed in zip(range(rows.start, rows.stop), probe.outcome().boxes, strict=True):
                picture = question.picture(number)
                chosen = suppressed(proposed[:, 2:], proposed[:, 1], threshold, iou, most)
                boxes = in_picture(proposed[chosen, 2:], picture)
                detections.append(
                    [
                        Detection(tuple(box.tolist()), int(label), names[int(label)], float(score), int(index))
                        for index, box, (label, score) in zip(chosen, boxes, proposed[chosen, :2], strict=True)
                        if Region("box", tuple(box)).touches(picture.size)
                    ]
                )
    return detections


def _check_detector(question: Question) -> None:
    if question.model.graph.proposals is None:
        raise ParameterError(f"The model is no detector that is known. {ADVICE}")


def target_of(question: Question, detected: Detection) -> Target:
    """How much of a detection is still found, for a question about its image.

    Raises:
        ParameterError: the model is no detector, or there are several images.
    """
    _check_detector(question)
    graph, images = question.model.graph, len(question.images.batch)
    if images != 1:
        raise ParameterError(f"A detection is of one image; {images} were given. Pass images[i : i + 1].")
    assert graph.output is not None
    assert graph.detect is not None
    itself = region_of(mask=np.arange(graph.output.count) == detected.index)
    with model_failures():
        ((_, probe),) = replace(question, regions=(itself,)).probes()
        shares = probe.scores_and_shares()[1][0]
    detect = graph.detect

    def read(outputs: Any) -> tuple[Any, Any]:
        proposals = proposals_of(detect, outputs)
        return proposals.boxes, proposals.probabilities

    box = in_input(detected.box, question.picture(0))
    return detection(read, box.tolist(), shares, f"{detected.class_name} · box {detected.index}")


def suppressed(boxes: Floats, scores: Floats, threshold: float, iou: float, most: int) -> Ints:
    """Which boxes (A, 4) stay when those that overlap a more probable one go, whatever their classes are.

    Args:
        boxes: x0, y0, x1, y1.
        scores: the probability of each (A,).
        threshold: only boxes of more than this count.
        iou: the overlap at which the less probable one of two goes.
        most: how many stay at most.

    Returns:
        Their indices, the most probable first.
    """
    left = np.argsort(scores, kind="stable")[::-1]
    left = left[scores[left] > threshold]
    chosen: list[int] = []
    while left.size and len(chosen) < most:
        chosen.append(int(left[0]))
        left = left[1:][overlaps(boxes[left[1:]], boxes[left[0]]) < iou]
    return np.array(chosen, np.int64)


def detection(detect: Adapter, box: Sequence[float], class_scores: Any, name: str = "detection") -> Target:
    """The target "this detection": max_j IoU(box, box_j) · cos(class_scores, scores_j) over all proposals j.

    With the method `"rise"` its maps are those of D-RISE.

    Args:
        detect: what the model returns -> boxes (B, A, 4), as x0, y0, x1, y1, and their class scores (B, A, C), from 0
            on; before any suppression. `retinanet_boxes` and `dfine_boxes` make one for detectors of keras-hub.
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
        lengths = keras.ops.sqrt(keras.ops.maximum(keras.ops.sum(keras.ops.square(proposed), -1), 1e-24))
        alike = keras.ops.sum(proposed * (scores / length), -1) / lengths
        return keras.ops.max(overlap(boxes, corners) * alike, -1)

    return DetectionTarget(similarity, name)


def overlap(boxes: Any, box: Any) -> Any:
    """Intersection over union (B, A) of boxes (B, A, 4) with one, (4,)."""
    sides = keras.ops.minimum(boxes[..., 2:], box[2:]) - keras.ops.maximum(boxes[..., :2], box[:2])
    both = keras.ops.prod(keras.ops.maximum(sides, 0), -1)
    areas = keras.ops.prod(keras.ops.maximum(boxes[..., 2:] - boxes[..., :2], 0), -1)
    return both / keras.ops.maximum(areas + float(np.prod(box[2:] - box[:2])) - both, 1e-9)
