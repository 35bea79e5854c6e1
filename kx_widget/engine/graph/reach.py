"""Which entries of each traced tensor the scores depend on, as far as the graph's structure tells.

A head that reads one token leaves the others of the last layer without any gradient, which no weight can change.
Going back from the scores, slices and joins are followed entry by entry, until some op mixes them all.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kx_widget.engine.graph.places import sliced
from kx_widget.engine.graph.shapes import Shapes
from kx_widget.engine.lazy_modules import tf

ELEMENTWISE = {
    *("Identity", "Cast", "AddV2", "Add", "Sub", "Mul", "RealDiv", "DivNoNan", "BiasAdd", "Neg", "Maximum", "Minimum"),
    *("Relu", "Relu6", "LeakyRelu", "Elu", "Selu", "Softplus", "Sigmoid", "Tanh", "Erf", "Erfc", "Exp", "Log"),
    *("Square", "Sqrt", "Rsqrt", "Pow", "Abs", "SquaredDifference", "Select", "SelectV2", "PreventGradient"),
}
SLICES = {"StridedSlice", "Slice"}
RESHAPING = {"Reshape", "Squeeze", "ExpandDims"}
REDUCING = {"Mean", "Sum", "Max", "Min"}
# Each row of the result needs the same row of the first input, and all of the second.
ROW_BY_ROW = {"Softmax", "MatMul", "BatchMatMulV2", "BatchMatMulV3"}
Mask = NDArray[np.bool_]


class Reach:
    """What the scores depend on.

    Args:
        scores: the tensor to go back from.
        ops: those on the way to it that depend on the image, in the order in which they were made.
        shapes: of their tensors.
    """

    def __init__(self, scores: Any, ops: Sequence[Any], shapes: Shapes) -> None:
        self._shapes = shapes
        self._names = {op.name for op in ops}
        self._masks: dict[str, Mask] = {}
        self._need(scores, np.ones((), bool))
        for op in reversed(ops):
            masks = [self._masks.get(t.name) for t in op.outputs]
            if any(mask is not None for mask in masks):
                self._go_back(op, masks)

    def of(self, t: Any) -> Mask:
        """Which entries the scores depend on; its shape is the tensor's for one image, or () if that is all or none."""
        return self._masks.get(t.name, np.zeros((), bool))

    def _need(self, t: Any, mask: Any) -> None:
        shape = self._shapes.of_image(t)
        if shape is None or mask.all():
            mask = np.ones((), bool)
        elif mask.size != math.prod(shape):
            mask = np.broadcast_to(mask, shape)
        self._masks[t.name] = self._masks[t.name] | mask if t.name in self._masks else mask

    def _go_back(self, op: Any, masks: Sequence[Mask | None]) -> None:
        if op.type == "StopGradient":
            return
        whole, mask = self._shapes.of_image(op.outputs[0]), masks[0] if len(masks) == 1 else None
        # Of a whole result only a slice needs less than the whole input.
        if mask is not None and not mask.shape and op.type not in SLICES:
            mask = None
        for number, t in enumerate(op.inputs):
            if t.op.name not in self._names:
                continue
            shape = self._shapes.of_image(t)
            needed: Any = None
            if shape is not None and whole is not None and mask is not None:
                needed = _back_through(op, np.broadcast_to(mask, whole), number, shape)
            self._need(t, np.ones((), bool) if needed is None else needed)


def _back_through(op: Any, mask: Mask, number: int, shape: tuple[int, ...]) -> Any | None:
    """Which entries of an op's input, of this number and shape, these of its output need; None where it mixes them."""
    if op.type in ELEMENTWISE:
        return _unbroadcast(mask, shape)
    if op.type in RESHAPING:
        return mask.reshape(shape)
    if op.type in SLICES and number == 0 and shape[0] == 1:
        entries = sliced(np.arange(math.prod(shape)).reshape(shape), op)
        if entries is None or entries.size != mask.size:
            return None
        needed = np.zeros(shape, bool)
        needed.ravel()[entries.ravel()[mask.ravel()]] = True
        return needed
    if op.type == "Transpose":
        order = tf.get_static_value(op.inputs[1])
        return mask.transpose(np.argsort(order)) if order is not None and order[0] == 0 else None
    if op.type == "ConcatV2":
        return _part(op, mask, number)
    if op.type in ("Pad", "PadV2") and (pads := tf.get_static_value(op.inputs[1])) is not None and not pads[0].any():
        return mask[tuple(slice(before, before + n) for (before, _), n in zip(pads, shape, strict=True))]
    if op.type in REDUCING:
        axes = tf.get_static_value(op.inputs[1])
        if axes is None:
            return None
        axes = tuple(int(a) % len(shape) for a in np.atleast_1d(axes))
        spread = mask if mask.ndim == len(shape) else np.expand_dims(mask, axes)
        return np.broadcast_to(spread, shape) if 0 not in axes else None
    if op.type in ROW_BY_ROW and number == 0:
        transposed = any(op.node_def.attr[name].b for name in ("transpose_a", "adj_x"))
        rows = np.asarray(mask.any(-1, keepdims=True))
        return None if transposed else np.broadcast_to(_unbroadcast(rows, (*shape[:-1], 1)), shape)
    return None


def _unbroadcast(mask: Mask, shape: tuple[int, ...]) -> Mask:
    mask = np.asarray(mask.any(tuple(range(mask.ndim - len(shape))))) if mask.ndim > len(shape) else mask
    axes = tuple(i for i, (n, m) in enumerate(zip(shape, mask.shape, strict=True)) if n == 1 and m != 1)
    return np.asarray(mask.any(axes, keepdims=True))


def _part(op: Any, mask: Mask, number: int) -> Mask | None:
    """The part of a joined tensor's mask that is the one of this number of those joined."""
    axis = tf.get_static_value(op.inputs[-1])
    if axis is None or int(axis) % mask.ndim == 0:
        return None
    axis = int(axis) % mask.ndim
    start = sum(t.shape[axis] for t in op.inputs[:number])
    return mask.take(range(start, start + op.inputs[number].shape[axis]), axis)
