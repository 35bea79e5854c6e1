"""What targets of one's own tell of a model's outputs."""

from collections.abc import Sequence
from typing import Any

from kx_widget.engine.errors import ModelError, ParameterError, plain
from kx_widget.engine.lazy_modules import tf
from kx_widget.engine.scalars import Target


def values_of(own: Sequence[Target], y: Any) -> Any:
    """The numbers (B, T) that targets tell of what a model returned.

    Raises:
        ParameterError: a function raised, or returned no numbers (B,).
    """
    return tf.stack([_value_of(target, y) for target in own], 1)


def _value_of(target: Target, y: Any) -> Any:
    try:
        value = tf.convert_to_tensor(target.fn(y))
    except ModelError:
        raise
    except Exception as error:
        raise ParameterError(f"The target {target.name!r} raised {plain(error)}") from error
    if value.shape.rank != 1 or value.dtype.is_complex or value.dtype == tf.string:
        raise ParameterError(
            f"The target {target.name!r} returned {value.dtype.name} of shape {tuple(value.shape)}; one number for "
            "each image, of shape (batch,), is needed: take the mean over the other axes, for instance."
        )
    return tf.cast(value, tf.float32)


def constant_names(own: Sequence[Target], values: Any, outputs: Sequence[Any]) -> tuple[str, ...]:
    """Names of the targets whose values (B, T) have no gradient with respect to any of the model's outputs."""
    columns = tf.unstack(values, axis=1)
    floats = [output for output in outputs if output.dtype.is_floating]
    return tuple(
        target.name
        for target, value in zip(own, columns, strict=True)
        if not floats or all(gradient is None for gradient in tf.gradients(value, floats))
    )
