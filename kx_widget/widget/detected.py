"""What a detector detects in the images of a widget, as its page draws it."""

from typing import Any

from kx_widget.engine.detections import detections_of
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.images import Images

# Less probable boxes than this, and more of an image, would cover each other.
LEAST_PROBABLE = 0.05
MOST = 40


def detected_boxes(explainer: Explainer, images: Images) -> list[list[dict[str, Any]]]:
    """What is detected in each of some images, the most probable first; [] where the model is no detector.

    Each has its `box`, x0, y0, x1, y1 in pixels of the original picture, the index `target` of its class, and its
    probability, `score`. Of an image in which nothing is as probable as is drawn, it is the most probable one.
    """
    if not explainer.is_detector:
        return []
    question = explainer.ask(images, [0], method="gradients")
    detections = detections_of(question, {"threshold": LEAST_PROBABLE, "most": MOST})
    if not all(detections):
        best = detections_of(question, {"threshold": 0.0, "most": 1})
        detections = [each or first for each, first in zip(detections, best, strict=True)]
    return [[{"box": list(d.box), "target": d.target, "score": d.score} for d in each] for each in detections]
