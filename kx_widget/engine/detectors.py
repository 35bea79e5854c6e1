"""Which models detect objects, and how what they return is read as boxes and class scores."""

from collections.abc import Callable
from typing import Any, cast

from kx_widget.engine.errors import ModelError, ParameterError
from kx_widget.engine.lazy_modules import keras

Adapter = Callable[[Any], tuple[Any, ...]]
ADVICE = (
    "If the model detects objects, pass detect=, a function of what it returns to boxes (B, A, 4), as x0, y0, x1, y1 "
    "in pixels of the model's input, and class scores (B, A, C), before any suppression."
)


def adapter_of(model: Any, detect: Any, output: str | int | None, size: tuple[int, int]) -> Adapter | None:
    """What reads boxes and class scores in what a model returns; None where it is no detector that is known.

    Args:
        model: RetinaNet and D-FINE of keras-hub are known, and what returns the same.
        detect: an adapter that somebody gave; None for the model's own, and False for none.
        output: the output that somebody chose; a model is then explained by that.
        size: (height, width) of the model's input.

    Raises:
        ParameterError: `detect` is no function, or an output was chosen besides.
    """
    if detect is False or (detect is None and output is not None):
        return None
    if detect is not None:
        if not callable(detect):
            raise ParameterError(f"detect={detect!r} is no function. {ADVICE}")
        if output is not None:
            raise ParameterError(f"output={output!r} and detect= both say what is explained: pass one of them.")
        return cast(Adapter, detect)
    if getattr(model, "prediction_decoder", None) is None:
        return None
    outputs = getattr(model, "output", None)
    if not isinstance(outputs, dict):
        return None
    names = set(cast("dict[str, Any]", outputs))
    if {"bbox_regression", "cls_logits"} <= names and hasattr(model, "anchor_generator"):
        return retinanet_boxes(model, size)
    return dfine_boxes(model, size) if {"logits", "pred_boxes"} <= names else None


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
    levels = generator(keras.ops.zeros((1, height, width, 3)))
    anchors = keras.ops.convert_to_numpy(keras.ops.concatenate(list(levels.values()), axis=0))

    def detect(outputs: Any) -> tuple[Any, Any]:
        boxes = keras.utils.bounding_boxes.decode_deltas_to_boxes(
            anchors=keras.ops.convert_to_tensor(anchors),
            boxes_delta=outputs["bbox_regression"],
            encoded_format="center_xywh",
            anchor_format=generator.bounding_box_format,
            box_format="xyxy",
            image_shape=(height, width, 3),
        )
        return boxes, _probable(task, outputs["cls_logits"])

    return detect


def dfine_boxes(task: Any, size: tuple[int, int]) -> Adapter:
    """Boxes, in pixels of the model's input, and class probabilities of the queries of a D-FINE of keras-hub.

    Args:
        task: a `DFineObjectDetector`.
        size: (height, width) of its input.
    """
    height, width = size

    def detect(outputs: Any) -> tuple[Any, Any]:
        middle, sides = outputs["pred_boxes"][..., :2], outputs["pred_boxes"][..., 2:]
        corners = keras.ops.concatenate([middle - sides / 2, middle + sides / 2], -1)
        return corners * keras.ops.convert_to_tensor([width, height, width, height], corners.dtype), _probable(
            task, outputs["logits"]
        )

    return detect


def _probable(task: Any, scores: Any) -> Any:
    """Probabilities of class scores, which are logits unless the decoder of a task says otherwise."""
    decoder = getattr(task, "prediction_decoder", None)
    if getattr(decoder, "from_logits", True):
        return keras.ops.sigmoid(scores)
    inside = keras.ops.clip(scores, 1e-7, 1 - 1e-7)
    return keras.ops.sigmoid(keras.ops.log(inside) - keras.ops.log(1 - inside))
