"""What scores are before the final softmax or sigmoid."""

from typing import Any

from kx_widget.engine.types import Head

FORWARDING = {"Identity", "Cast", "Reshape", "Squeeze", "ExpandDims"}
HEADS: dict[str, Head] = {"Softmax": "softmax", "LogSoftmax": "softmax", "Sigmoid": "sigmoid"}
AFFINE = {"MatMul", "BiasAdd", "Add", "AddV2", "Conv2D", "Einsum", "BatchMatMulV2", "Mean"}


def logits_of(y: Any) -> tuple[Any, Head]:
    """The tensor before the final softmax or sigmoid (or `y` itself), and what the head is."""
    op = y.op
    while op.type in FORWARDING:
        op = op.inputs[0].op
    if op.type in HEADS:
        return op.inputs[0], HEADS[op.type]
    return y, "linear" if op.type in AFFINE else "unknown"


def logits_of_planes(y: Any) -> tuple[Any, Head]:
    """The same of a plane (B, C, h, w) for each class; a softmax is then one over the second axis."""
    op, transposes = y.op, 0
    while op.type in FORWARDING or op.type == "Transpose":
        transposes += op.type == "Transpose"
        op = op.inputs[0].op
    # TensorFlow puts the axis of a softmax last, and back; all other transposes come in pairs.
    is_over_classes = bool(transposes % 2)
    if op.type not in HEADS:
        return y, "linear" if op.type in AFFINE else "unknown"
    if HEADS[op.type] == "sigmoid":
        return op.inputs[0], "sigmoid"
    return (op.inputs[0].op.inputs[0], "softmax") if is_over_classes else (y, "unknown")
