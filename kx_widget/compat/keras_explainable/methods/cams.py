"""Methods that look at the exposed layer. All take and return the same.

Args:
    model: made by `inspection.expose`, or one that returns (logits, activations), or any other.
    inputs: model-ready images (N, H, W, channels).
    indices: units to explain, (N, T); None takes all.
    indices_axis, indices_batch_dims: see `inspection.gather_units`.
    spatial_axis: must be that of images.

Returns:
    Logits (N, T), and raw maps (N, h, w, T) at the layer's resolution; Score-CAM's are at the images'.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kx_widget.compat.keras_explainable.answering import Plan, answer, planned
from kx_widget.compat.keras_explainable.inspection import KERNEL_AXIS, SPATIAL_AXIS, get_logits_layer
from kx_widget.engine.errors import ParameterError
from kx_widget.engine.methods import METHODS as ENGINE
from kx_widget.engine.types import Floats, Partial

__all__ = ["METHODS", "cam", "gradcam", "gradcampp", "scorecam"]


def _cam(model: Any, logits_layer: Any = None) -> Plan:
    if logits_layer is None:
        return Plan("cam", ENGINE["cam"].fn)
    if isinstance(logits_layer, (str, tuple, list)):
        logits_layer = get_logits_layer(model, logits_layer)
    kernel = np.squeeze(np.asarray(logits_layer.kernel))

    def by_kernel(probe: Any, target: Floats) -> Iterator[Partial]:
        a = probe.activations()
        # A single sigmoid unit s is the classes (−s, s) to the engine.
        weights = target[:, 1:] * kernel if kernel.ndim == 1 else target @ kernel.T
        if weights.shape[1] != a.shape[-1]:
            raise ParameterError(f"The kernel of {logits_layer.name!r} is not for {a.shape[-1]} channels.")
        yield Partial(np.einsum("bhwk,bk->bhw", a, weights))

    return Plan("cam", by_kernel)


def _gradcam(model: Any) -> Plan:
    return Plan("gradcam", ENGINE["gradcam"].fn)


def _gradcampp(model: Any) -> Plan:
    return Plan("gradcampp", ENGINE["gradcampp"].fn)


def _scorecam(model: Any) -> Plan:
    return Plan("scorecam", ENGINE["scorecam"].fn, {"weighting": "scores"}, resizing="bilinear")


@planned(_cam)
def cam(
    model: Any,
    inputs: Any,
    indices: Any = None,
    indices_axis: int = KERNEL_AXIS,
    indices_batch_dims: int = -1,
    spatial_axis: tuple[int, ...] = SPATIAL_AXIS,
    logits_layer: Any = None,
) -> tuple[Any, Any]:
    """CAM, Σ_k w_k A_k, with the weights of the model's head, or of `logits_layer` (a layer or its name)."""
    plan = _cam(model, logits_layer)
    return answer(plan, model, inputs, indices, indices_axis, indices_batch_dims, spatial_axis)


@planned(_gradcam)
def gradcam(
    model: Any,
    inputs: Any,
    indices: Any = None,
    indices_axis: int = KERNEL_AXIS,
    indices_batch_dims: int = -1,
    spatial_axis: tuple[int, ...] = SPATIAL_AXIS,
) -> tuple[Any, Any]:
    """Grad-CAM, Σ_k mean(∂S/∂A_k) A_k."""
    return answer(_gradcam(model), model, inputs, indices, indices_axis, indices_batch_dims, spatial_axis)


@planned(_gradcampp)
def gradcampp(
    model: Any,
    inputs: Any,
    indices: Any = None,
    indices_axis: int = KERNEL_AXIS,
    indices_batch_dims: int = -1,
    spatial_axis: tuple[int, ...] = SPATIAL_AXIS,
) -> tuple[Any, Any]:
    """Grad-CAM++ without its factor exp(S), one positive number per map that overflows for large scores."""
    return answer(_gradcampp(model), model, inputs, indices, indices_axis, indices_batch_dims, spatial_axis)


@planned(_scorecam)
def scorecam(
    model: Any,
    inputs: Any,
    indices: Any = None,
    indices_axis: int = KERNEL_AXIS,
    indices_batch_dims: int = -1,
    spatial_axis: tuple[int, ...] = SPATIAL_AXIS,
) -> tuple[Any, Any]:
    """Score-CAM with bare scores as weights, Σ_k S(x ⊙ H_k) minmax(A_k), interpolated to the images' size.

    H_k is brought to 0..1 after it is interpolated, as in the paper, where keras-explainable does so before.
    """
    return answer(_scorecam(model), model, inputs, indices, indices_axis, indices_batch_dims, spatial_axis)


METHODS = [cam, gradcam, gradcampp, scorecam]
