"""Rough memory that one sample takes in a call of a graph."""

from collections.abc import Container, Sequence
from typing import Any

SHAPE_ONLY = {"Shape", "ShapeN", "Size", "Rank", "ZerosLike", "OnesLike"}
SUMS = {"Add", "AddV2", "Sub", "BiasAdd", "ConcatV2"}
# Linear in each input: the gradient for one needs the others, and none where they do not depend on the image.
PRODUCTS = {
    *(
        "Conv2D",
        "DepthwiseConv2dNative",
        "MatMul",
        "BatchMatMulV2",
        "Einsum",
        "Mul",
        "RealDiv",
        "AvgPool",
        "Mean",
        "Sum",
    ),
    *("Identity", "Cast", "Reshape", "Squeeze", "ExpandDims", "Transpose", "Pad", "PadV2", "StridedSlice"),
}
NEEDS_OUTPUT_ONLY = {"Relu", "Relu6", "Sigmoid", "Tanh", "Exp", "Sqrt", "Rsqrt"}


def is_fixed(t: Any) -> bool:
    """Whether all of the tensor's shape but the batch is known."""
    return bool(t.shape.rank) and t.shape[0] is None and all(d is not None for d in t.shape[1:])


def size(t: Any) -> int:
    """Bytes of one sample, 0 where the shape does not tell."""
    return int(t.shape[1:].num_elements() or 0) * t.dtype.size if is_fixed(t) else 0


def in_and_out(ops: Sequence[Any]) -> list[int]:
    """Bytes of what each op reads and writes."""
    return [sum(size(t) for t in (*op.inputs, *op.outputs)) for op in ops]


def kept(ops: Sequence[Any], varying: Container[str]) -> int:
    """Bytes of what a backward pass needs of the forward one.

    Args:
        ops: those on the way back.
        varying: names of the ops that depend on the image.
    """
    needed: dict[str, Any] = {}
    for op in ops:
        inputs = [t for t in op.inputs if t.op.name in varying]
        if op.type in SHAPE_ONLY or op.type in SUMS or (op.type in PRODUCTS and len(inputs) < 2):
            continue
        needed |= {t.name: t for t in (*([] if op.type in NEEDS_OUTPUT_ONLY else inputs), *op.outputs)}
    return sum(map(size, needed.values()))
