"""Wrappers around any method, the reader's own and wrapped ones included."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from kx_widget.compat.keras_explainable.answering import Plan, answer, plan_of, planned, unwrapped
from kx_widget.compat.keras_explainable.inspection import KERNEL_AXIS, SPATIAL_AXIS
from kx_widget.engine.lazy_modules import tf
from kx_widget.engine.registry import MethodFunction
from kx_widget.engine.types import Floats, Partial
from kx_widget.engine.wrappers import smooth as smoothed
from kx_widget.engine.wrappers import tta as zoomed

__all__ = ["smooth", "tta"]


def smooth(method: Callable[..., Any], repetitions: int = 20, noise: float = 0.1) -> Callable[..., Any]:
    """SmoothGrad: the mean of a method's maps over noisy copies of each image.

    Args:
        method: what to average.
        repetitions: how many copies.
        noise: standard deviation, as a part of each image's range.

    Returns:
        A method; its logits are those of the image itself.
    """
    return _wrapped(method, "smooth", lambda fn: smoothed(fn, {"repetitions": repetitions, "noise": noise}))


def tta(
    method: Callable[..., Any],
    scales: Sequence[float] = (0.5, 1.5, 2.0),
    hflip: bool = True,
    resize_method: str = "bilinear",
) -> Callable[..., Any]:
    """Test-time augmentation: the mean of a method's maps over the image and zoomed copies, each also mirrored.

    Args:
        method: what to average.
        scales: by how much the content is zoomed about the centre; the model's input keeps its size.
        hflip: whether each is also mirrored.
        resize_method: how maps are interpolated to the images' size.

    Returns:
        A method whose maps have the images' size; its logits are those of the image itself.
    """

    def wrap(fn: MethodFunction) -> MethodFunction:
        enlarged = _at_input_size(fn, resize_method)
        # The engine's wrapper does not mirror the image itself.
        return zoomed(_mirrored(enlarged) if hflip else enlarged, {"scales": tuple(scales), "hflip": False})

    return _wrapped(method, "tta", wrap)


def _wrapped(
    method: Callable[..., Any], suffix: str, wrap: Callable[[MethodFunction], MethodFunction]
) -> Callable[..., Any]:
    def plan(model: Any, **own: Any) -> Plan:
        inner = plan_of(method, model, own)
        return replace(inner, fn=wrap(inner.fn))

    @planned(plan)
    def apply(
        model: Any,
        inputs: Any,
        indices: Any = None,
        indices_axis: int = KERNEL_AXIS,
        indices_batch_dims: int = -1,
        spatial_axis: tuple[int, ...] = SPATIAL_AXIS,
        **own: Any,
    ) -> tuple[Any, Any]:
        return answer(plan(model, **own), model, inputs, indices, indices_axis, indices_batch_dims, spatial_axis)

    apply.__name__ = f"{getattr(unwrapped(method), '__name__', 'method')}_{suffix}"
    return apply


def _last(steps: Iterator[Partial]) -> Floats:
    (last,) = deque(steps, maxlen=1)
    return last.maps


def _mirrored(method: MethodFunction) -> MethodFunction:
    """The mean of the image's map and its mirror image's, mirrored back."""

    def both(probe: Any, target: Floats, **params: Any) -> Iterator[Partial]:
        there = _last(method(probe, target, **params))
        back = _last(method(probe.at(probe.x[:, :, ::-1]), target, **params))
        yield Partial((there + back[:, :, ::-1]) * np.float32(0.5))

    return both


def _at_input_size(method: MethodFunction, resize_method: str) -> MethodFunction:
    def enlarged(probe: Any, target: Floats, **params: Any) -> Iterator[Partial]:
        maps, size = _last(method(probe, target, **params)), probe.x.shape[1:3]
        if maps.shape[1:3] != size:
            maps = np.asarray(tf.image.resize(maps[..., None], size, resize_method))[..., 0]
        yield Partial(maps)

    return enlarged
