"""Methods that look at the input. Arguments and result are those of `methods.cams`, maps being (N, H, W, T)."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kx_widget.compat.keras_explainable import filters
from kx_widget.compat.keras_explainable.answering import Plan, answer, planned
from kx_widget.compat.keras_explainable.inspection import KERNEL_AXIS, SPATIAL_AXIS
from kx_widget.engine.errors import ParameterError
from kx_widget.engine.lazy_modules import tf
from kx_widget.engine.methods import METHODS as ENGINE
from kx_widget.engine.types import Floats

__all__ = ["METHODS", "full_gradients", "gradients", "transpose_jacobian"]


def transpose_jacobian(x: Any, spatial_rank: int = len(SPATIAL_AXIS)) -> Any:
    """A tensor (B, T, …) as (B, …, T), where … stands for `spatial_rank` axes."""
    return tf.transpose(x, [0, *range(2, 2 + spatial_rank), 1])


def _gradients(model: Any, gradient_filter: Callable[[Any], Any] = tf.abs) -> Plan:
    def mean_over_channels(gradient: Floats) -> Floats:
        return np.asarray(gradient_filter(gradient)).mean(-1)

    return Plan("gradients", ENGINE["gradients"].fn, finish=mean_over_channels)


def _full_gradients(
    model: Any,
    psi: Callable[..., Any] = filters.absolute_normalize,
    biases: Sequence[Any] | None = None,
) -> Plan:
    if psi is not filters.absolute_normalize:
        raise ParameterError("psi: FullGrad is drawn with filters.absolute_normalize only.")
    return Plan("full_gradients", ENGINE["full_gradients"].fn, {"rescale": "channel"})


@planned(_gradients)
def gradients(
    model: Any,
    inputs: Any,
    indices: Any = None,
    indices_axis: int = KERNEL_AXIS,
    indices_batch_dims: int = -1,
    spatial_axis: tuple[int, ...] = SPATIAL_AXIS,
    gradient_filter: Callable[[Any], Any] = tf.abs,
) -> tuple[Any, Any]:
    """Mean over the colour channels of `gradient_filter(∂S/∂x)`. Wrappers average before they filter."""
    plan = _gradients(model, gradient_filter)
    return answer(plan, model, inputs, indices, indices_axis, indices_batch_dims, spatial_axis)


@planned(_full_gradients)
def full_gradients(
    model: Any,
    inputs: Any,
    indices: Any = None,
    indices_axis: int = KERNEL_AXIS,
    indices_batch_dims: int = -1,
    spatial_axis: tuple[int, ...] = SPATIAL_AXIS,
    psi: Callable[..., Any] = filters.absolute_normalize,
    biases: Sequence[Any] | None = None,
) -> tuple[Any, Any]:
    """FullGrad: ψ(∂S/∂x ⊙ x) + Σ_l Σ_k ψ(∂S/∂b_lk ⊙ b_lk) over all biases, ψ being taken channel by channel.

    `biases`, and which layers are exposed, make no difference: all that the model adds is found in its graph.
    """
    plan = _full_gradients(model, psi, biases)
    return answer(plan, model, inputs, indices, indices_axis, indices_batch_dims, spatial_axis)


METHODS = [gradients, full_gradients]
