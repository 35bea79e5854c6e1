"""Filters for maps, of the names and arguments that keras-explainable gives them."""

from typing import Any

from kx_widget.compat.keras_explainable.inspection import SPATIAL_AXIS
from kx_widget.engine.lazy_modules import tf

__all__ = ["absolute_normalize", "negative", "negative_normalize", "normalize", "positive", "positive_normalize"]


def normalize(x: Any, axis: tuple[int, ...] = SPATIAL_AXIS) -> Any:
    """Bring each map to 0..1 by its extremes over `axis`; a flat one becomes 0."""
    x = tf.convert_to_tensor(x)
    x -= tf.reduce_min(x, axis, keepdims=True)
    return tf.math.divide_no_nan(x, tf.reduce_max(x, axis, keepdims=True))


def positive(x: Any, axis: tuple[int, ...] = SPATIAL_AXIS) -> Any:
    """The positive part, 0 elsewhere."""
    x = tf.convert_to_tensor(x)
    return tf.maximum(x, tf.zeros((), x.dtype))


def negative(x: Any, axis: tuple[int, ...] = SPATIAL_AXIS) -> Any:
    """The negative part with its sign, 0 elsewhere."""
    x = tf.convert_to_tensor(x)
    return tf.minimum(x, tf.zeros((), x.dtype))


def positive_normalize(x: Any, axis: tuple[int, ...] = SPATIAL_AXIS) -> Any:
    """The positive part, brought to 0..1."""
    return normalize(positive(x, axis), axis)


def absolute_normalize(x: Any, axis: tuple[int, ...] = SPATIAL_AXIS) -> Any:
    """Absolute values, brought to 0..1."""
    return normalize(tf.abs(x), axis)


def negative_normalize(x: Any, axis: tuple[int, ...] = SPATIAL_AXIS) -> Any:
    """The negative part, brought to 0..1 in its order: the most negative value becomes 0."""
    return normalize(negative(x, axis), axis)
