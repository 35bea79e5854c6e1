"""DeepLIFT's rescale rule as gradients of ops: what their outputs differ by, over what their inputs differ by.

A batch holds images and, in the same order, their baselines. What comes back from an op's output is the same for both
halves, and so is what goes on to its inputs.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from kx_widget.engine.errors import UnsupportedMethodError
from kx_widget.engine.keras_private import own_gradient
from kx_widget.engine.lazy_modules import tf

# Their own gradient is right: where one input depends on the image, the output is affine in it.
AFFINE = frozenset((
    "Add", "AddN", "AddV2", "AvgPool", "AvgPool3D", "BatchMatMulV2", "BatchToSpaceND", "BiasAdd", "BroadcastTo",
    "Cast", "ConcatV2", "Conv2D", "Conv2DBackpropInput", "Conv3D", "Conv3DBackpropInputV2", "CropAndResize",
    "DepthToSpace", "DepthwiseConv2dNative", "Einsum", "EnsureShape", "ExpandDims", "FusedBatchNormV3", "GatherNd",
    "GatherV2", "Identity", "MatMul", "Mean", "MirrorPad", "Mul", "Neg", "Pack", "Pad", "PadV2", "RealDiv",
    "Reshape", "ResizeBicubic", "ResizeBilinear", "ResizeNearestNeighbor", "ReverseV2", "ScaleAndTranslate", "Slice",
    "SpaceToBatchND", "SpaceToDepth", "Split", "SplitV", "Squeeze", "StopGradient", "StridedSlice", "Sub", "Sum",
    "Tile", "Transpose", "Unpack"
))  # fmt: skip
# Affine also in several inputs together.
JOINING = frozenset(("Add", "AddN", "AddV2", "ConcatV2", "Pack", "Sub"))
GATES = frozenset((
    "Abs", "ClipByValue", "Cos", "Elu", "Erf", "Erfc", "Exp", "Expm1", "LeakyRelu", "Log", "Log1p", "Maximum",
    "Minimum", "Pow", "Reciprocal", "Relu", "Relu6", "Rsqrt", "Selu", "Sigmoid", "Sin", "Softplus", "Softsign",
    "Sqrt", "Square", "SquaredDifference", "Tanh"
))  # fmt: skip
CALLS = frozenset(("PartitionedCall", "StatefulPartitionedCall"))
# What a function may be made of that is affine in the one input that depends on the image: Keras has one for each
# convolution in groups.
CONVOLVING = frozenset(("Const", "Conv2D", "Conv3D", "DepthwiseConv2dNative", "Identity", "NoOp", "ReadVariableOp"))
POOLS = frozenset(("Max", "MaxPool", "MaxPool3D"))
# A difference of inputs below this part of them leaves float32 few digits to divide by; gradients hardly differ there.
SMALL = 1e-3
ADVICE = "Choose integrated_gradients, which asks for nothing but gradients."

GradientOf = Callable[..., Any]


def rescaled(ops: Sequence[Any], from_image: Collection[str]) -> dict[Any, GradientOf]:
    """What is to take the place of the gradient of ops, for those whose own is not right.

    Args:
        ops: those between the images and the scores.
        from_image: names of the ops that depend on the images.

    Raises:
        UnsupportedMethodError: there is no rule for one of them; names it.
    """
    gradients: dict[Any, GradientOf] = {}
    calls = [op for op in ops if op.type in CALLS]
    functions = calls[0].graph.as_graph_def().library.function if calls else ()
    bodies = {function.signature.name: {node.op for node in function.node_def} for function in functions}
    for op in ops:
        varying = [t for t in op.inputs if t.op.name in from_image]
        if op.type in CALLS:
            rule = own_gradient if len(varying) == 1 and bodies[op.get_attr("f").name] <= CONVOLVING else None
        else:
            rule = _rule(op, varying)
        if rule is None:
            operands = f" of {len(varying)} tensors that depend on the image" if len(varying) > 1 else ""
            raise UnsupportedMethodError(
                f"DeepLIFT's rescale rule does not cover {op.type}{operands}, which is {op.name!r} here. {ADVICE}"
            )
        if rule is not own_gradient:
            gradients[op] = rule
    return gradients


def _rule(op: Any, varying: Sequence[Any]) -> GradientOf | None:
    """What takes the place of an op's gradient, its own one where that is right, None where nothing is known to be."""
    if not all(t.dtype.is_floating for t in varying) or (op.type == "FusedBatchNormV3" and op.get_attr("is_training")):
        return None
    if op.type == "IdentityN":
        # TensorFlow hides what is inside of an activation, SiLU for instance, behind one.
        return lambda _, *gradients: list(gradients)
    if op.type in POOLS:
        return of_pool
    if len(varying) > 1:
        return (
            own_gradient
            if op.type in JOINING
            else {"Mul": of_product, "SquaredDifference": of_product, "RealDiv": of_quotient}.get(op.type)
        )
    (at,) = [i for i, t in enumerate(op.inputs) if t is varying[0]]
    if op.type in GATES or (op.type == "RealDiv" and at == 1):
        is_alone = varying[0].shape.rank == op.outputs[0].shape.rank
        return (lambda op, gradient: of_gate(op, gradient, at)) if is_alone else None
    return own_gradient if op.type in AFFINE else None


def halves(t: Any) -> tuple[Any, Any]:
    """The images' part of a tensor, and that of their baselines."""
    images = tf.shape(t)[0] // 2
    return t[:images], t[images:]


def twice(t: Any) -> Any:
    """The same for images and baselines."""
    return tf.concat([t, t], 0)


def middle(t: Any) -> Any:
    """Means of images and their baselines, twice."""
    return twice(sum(halves(t)) / 2)


def of_gate(op: Any, gradient: Any, at: int) -> list[Any]:
    """Of a function of single numbers, its input `at`: g Δout/Δin, or its mean derivative where Δin is small."""
    own = own_gradient(op, gradient)
    before, (value, other) = halves(op.inputs[at]), halves(op.outputs[0])
    own[at] = _unless_small(halves(gradient)[0] * _quotient(value - other, before), own[at], before)
    return own


def of_pool(op: Any, gradient: Any) -> list[Any]:
    """Each maximum m, of image and baseline m', is where it comes from: g (m − m') / Δin there.

    Where m is the larger one that is its place in the image, else that of m' in the baseline.
    """
    value, other = halves(op.outputs[0])
    larger = tf.maximum(value, other)
    shares = own_gradient(op, gradient * tf.concat([larger - other, value - larger], 0))[0]
    own = own_gradient(op, gradient)
    before = halves(op.inputs[0])
    own[0] = _unless_small(_quotient(sum(halves(shares)), before), own[0], before)
    return own


def of_product(op: Any, gradient: Any) -> list[Any]:
    """The gradient half-way, of ab and (a − b)²: Δ(ab) = b̄ Δa + ā Δb, means being those of image and baseline.

    Of a number times a function of it, as in SiLU and GELU, both together are the rescale rule of the whole.
    """
    middles = [middle(t) for t in op.inputs]
    product = tf.multiply if op.type == "Mul" else tf.math.squared_difference
    return tf.gradients(product(*middles), middles, gradient)


def of_quotient(op: Any, gradient: Any) -> list[Any]:
    """That of a product with 1/b, of which Δ(1/b) = −Δb / bb'."""
    dividend, divisor = op.inputs
    middles = [middle(dividend), middle(1 / divisor)]
    to_dividend, to_inverse = tf.gradients(middles[0] * middles[1], middles, gradient)
    value, other = halves(divisor)
    return [to_dividend, -to_inverse / twice(value * other)]


def _quotient(difference: Any, before: tuple[Any, Any]) -> Any:
    """A difference over that of inputs, 0 where these are the same."""
    return tf.math.divide_no_nan(difference, before[0] - before[1])


def _unless_small(quotient: Any, own: Any, before: tuple[Any, Any]) -> Any:
    """The quotient, or the mean of an op's own gradients where inputs hardly differ, twice."""
    size = tf.maximum(tf.abs(before[0]), tf.abs(before[1]))
    return twice(tf.where(tf.abs(before[0] - before[1]) > SMALL * size, quotient, sum(halves(own)) / 2))
