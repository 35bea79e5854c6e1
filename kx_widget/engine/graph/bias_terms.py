"""What a single op adds to the signal whatever the image, and FullGrad's sums over such terms.

Looks at one op and its inputs; `graph` does the walking.
"""

from collections.abc import Sequence
from typing import Any

from kx_widget.engine.graph.places import Place, Places
from kx_widget.engine.graph.shapes import Shapes
from kx_widget.engine.lazy_modules import tf
from kx_widget.engine.model_inputs import TO_LAST

SUMS = {"Add", "AddV2", "BiasAdd", "Sub"}
ROOTS = {"Rsqrt", "Sqrt"}


def added_by(op: Any, varying: set[str]) -> Any | None:
    """The constant that an op adds to what depends on the image, or None.

    A bias, an offset, or batch norm's implicit bias β − μγ/√(σ²+ε), which Keras writes as an addition too. What
    only keeps a root from being that of zero is none: the ε of layer normalisation, whose mean and deviation
    depend on the image, so that but its β is constant.

    Args:
        op: of the traced model.
        varying: names of the ops that depend on the image.
    """
    if op.type.startswith("FusedBatchNorm") and not op.get_attr("is_training"):
        scale, offset, mean, variance = op.inputs[1:5]
        return offset - mean * scale * tf.math.rsqrt(variance + op.get_attr("epsilon"))
    if op.type not in SUMS or not op.outputs[0].dtype.is_floating:
        return None
    fixed = [t for t in op.inputs if t.op.name not in varying]
    users = [user.type for user in op.outputs[0].consumers() if user.name in varying]
    if len(fixed) != 1 or (users and ROOTS.issuperset(users)):
        return None
    return -fixed[0] if op.type == "Sub" and fixed[0] is op.inputs[1] else fixed[0]


def decompose(
    terms: Sequence[tuple[Any, Any]], gradients: Sequence[Any], rescale: str, places: Places, shapes: Shapes
) -> tuple[Any, Any]:
    """FullGrad's maps (B, H, W), and the sum of all its terms (B,), which is the score of a piecewise linear net.

    Terms of tensors that are no grid of the image, such as attention's heads and windows, count for the sum alone.

    Args:
        terms: the input with itself first, then (tensor, what its op adds).
        gradients: of the score with respect to those tensors.
        rescale: `"tensor"` or `"channel"`; see `rescaled`.
        places, shapes: of the tensors.
    """
    size = terms[0][0].shape[1:3]
    total: Any = 0.0
    maps: dict[tuple[int, int], Any] = {}
    for (tensor, constant), gradient in zip(terms, gradients, strict=True):
        if not (rows := shapes.rows(tensor)):
            continue
        place, shape = places.of(tensor), tensor.shape
        if _has_channels_first(tensor, constant):
            gradient, constant = tf.transpose(gradient, TO_LAST), tf.reshape(constant, (-1,))
            _, channels, height, width = (int(side or 0) for side in shape)
            shape, place = (None, height, width, channels), Place((height, width))
        term = tf.cast(gradient, tf.float32) * tf.cast(constant, tf.float32)
        term.set_shape(shape)
        total += tf.reduce_sum(tf.reshape(tf.reduce_sum(term, range(1, term.shape.rank)), (-1, rows)), 1)
        if place is not None and place.grid != (1, 1):
            maps[place.grid] = maps.get(place.grid, 0.0) + rescaled(term, place, rescale)
    return sum(tf.image.resize(m[..., None], size)[..., 0] for m in maps.values()), total


def _has_channels_first(tensor: Any, constant: Any) -> bool:
    """Whether a tensor is (B, K, h, w), as the op says or what it adds to each channel shows."""
    if tensor.shape.rank != 4:
        return False
    if tensor.op.type == "BiasAdd" or tensor.op.type.startswith("FusedBatchNorm"):
        return tensor.op.get_attr("data_format") == b"NCHW"
    return constant.shape.rank in (3, 4) and constant.shape[-2:] == (1, 1) and constant.shape[-3] == tensor.shape[1]


def rescaled(term: Any, place: Place, rescale: str) -> Any:
    """ψ of one term but for the interpolation: absolute values brought to 0..1, channels summed, (B, h, w).

    The extremes are those of an image's whole tensor, or of each of its channels.
    """
    if place.tokens:
        term = tf.reshape(term[:, place.cells], (-1, *place.grid, term.shape[2]))
    amount = tf.abs(term)
    axes = (1, 2) if rescale == "channel" else (1, 2, 3)
    low, high = tf.reduce_min(amount, axes, keepdims=True), tf.reduce_max(amount, axes, keepdims=True)
    return tf.reduce_sum(tf.math.divide_no_nan(amount - low, high - low), -1)
