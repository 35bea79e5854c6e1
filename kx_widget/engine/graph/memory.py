"""Rough memory that one sample takes in a call of a graph."""

from collections.abc import Callable, Container, Sequence
from typing import Any

Size = Callable[[Any], int]

SHAPE_ONLY = {"Shape", "ShapeN", "Size", "Rank", "ZerosLike", "OnesLike"}
MIXING = {
    *("Conv2D", "DepthwiseConv2dNative", "Conv2DBackpropInput", "MatMul", "BatchMatMul", "BatchMatMulV2"),
    *("BatchMatMulV3", "Einsum", "Conv3D"),
}
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
# Hand on what they are given without a copy of it.
ALIASES = {"Identity", "IdentityN", "Reshape", "Squeeze", "ExpandDims"}
NEEDS_INPUTS_ONLY = {*PRODUCTS, *ALIASES}
NEEDS_OUTPUT_ONLY = {"Relu", "Relu6", "Sigmoid", "Tanh", "Exp", "Sqrt", "Rsqrt"}


def in_and_out(ops: Sequence[Any], size: Size) -> list[int]:
    """Bytes of what each op reads and writes, by the bytes of a tensor."""
    return [sum(size(t) for t in (*op.inputs, *op.outputs)) for op in ops]


def saved_for_backward(ops: Sequence[Any], varying: Container[str], size: Size) -> int:
    """Bytes of what a backward pass needs of the forward one.

    Args:
        ops: those on the way back.
        varying: names of the ops that depend on the image.
        size: bytes of a tensor.
    """
    needed: dict[str, Any] = {}
    for op in ops:
        inputs = [t for t in op.inputs if t.op.name in varying]
        if op.type in SHAPE_ONLY or op.type in SUMS or (op.type in PRODUCTS and len(inputs) < 2):
            continue
        saved = [] if op.type in NEEDS_OUTPUT_ONLY else inputs
        if op.type not in NEEDS_INPUTS_ONLY:
            saved += op.outputs
        needed |= {t.name: t for t in map(_origin, saved)}
    return sum(map(size, needed.values()))


def _origin(t: Any) -> Any:
    """The tensor whose memory another one shares."""
    while t.op.type in ALIASES:
        t = t.op.inputs[t.value_index]
    return t
