"""Any number that a model's outputs tell, as something to explain."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import tensorflow as tf

from kx_widget.engine.errors import ModelError, ParameterError, UnknownTargetError, plain
from kx_widget.engine.subjects import SubjectKind


@dataclass(frozen=True)
class Target:
    """A number of one's own to explain, in place of a class.

    Args:
        fn: of what the model returns (B, …), a tensor, a list or a dict of several, to one number for each image,
            (B,), written with `keras.ops` or TensorFlow. It is traced once. Methods that need gradients need it to be
            differentiable.
        name: how it reads.
        unit: of its values, "" if they have none.

    Raises:
        ParameterError: `fn` is no function, or it has no name.
    """

    kind: ClassVar[SubjectKind] = "own"

    fn: Callable[[Any], Any]
    name: str
    unit: str = ""

    def __post_init__(self) -> None:
        if not callable(self.fn) or not isinstance(self.name, str) or not self.name:  # pyright: ignore
            raise ParameterError(f"Target({self.fn!r}, {self.name!r}) must be of a function and a name.")


def own_targets(targets: Any) -> tuple[Target, ...]:
    """Those of one's own among targets, () where there are none.

    Raises:
        UnknownTargetError: there are others beside them, or two of one name.
    """
    each: list[Any] = list(targets) if isinstance(targets, (list, tuple)) else [targets]
    own = [target for target in each if isinstance(target, Target)]
    if own and len(own) < len(each):
        raise UnknownTargetError("Classes and targets of one's own are not asked about at once: ask twice.")
    if len({target.name for target in own}) < len(own):
        raise UnknownTargetError("Two of the targets have one name: give each its own.")
    return tuple(own)


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
