"""Methods of the engine, asked in keras-explainable's way."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from kx_widget.compat.keras_explainable.exposing import Exposed, first_unit, units_of
from kx_widget.compat.keras_explainable.inspection import SPATIAL_AXIS, exposed, gather_units
from kx_widget.engine.errors import ParameterError, UnknownTargetError
from kx_widget.engine.lazy_modules import tf
from kx_widget.engine.methods import METHODS
from kx_widget.engine.registry import MethodFunction
from kx_widget.engine.types import Floats, Ints, Partial

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Plan:
    """How the engine answers: a method of its table, its parameters, and what is done before and after.

    `fn` runs in place of the table's function, `finish` makes its arrays maps (…, h, w), and `resizing` names how
    maps are interpolated to the size of the images, if they are.
    """

    method: str
    fn: MethodFunction
    params: dict[str, Any] = field(default_factory=dict)
    finish: Callable[[Floats], Floats] | None = None
    resizing: str | None = None


def planned(plan: Callable[..., Plan]) -> Callable[[F], F]:
    """Gives a method the function (model, **its own parameters) -> Plan by which wrappers get at the engine's."""

    def mark(method: F) -> F:
        vars(method)["plan"] = plan
        return method

    return mark


def plan_of(method: Callable[..., Any], model: Any, params: dict[str, Any]) -> Plan:
    """The plan of a method; any other function of (model, inputs, indices) is run as it is, a unit at a time."""
    method = unwrapped(method)
    if hasattr(method, "plan"):
        return vars(method)["plan"](model, **params)

    def foreign(probe: Any, target: Floats, **_: Any) -> Iterator[Partial]:
        inputs, units = tf.convert_to_tensor(probe.x), tf.convert_to_tensor(target.argmax(1)[:, None])
        _, maps = method(model, inputs, units, **params)
        yield Partial(np.asarray(maps, np.float32)[..., 0])

    return Plan("gradients", foreign)


def unwrapped(method: Callable[..., Any]) -> Callable[..., Any]:
    """The Python function inside a `tf.function`."""
    return getattr(method, "python_function", method)


def answer(
    plan: Plan,
    model: Any,
    inputs: Any,
    indices: Any,
    indices_axis: int,
    indices_batch_dims: int,
    spatial_axis: tuple[int, ...] = SPATIAL_AXIS,
) -> tuple[Any, Any]:
    """Logits (N, T) and maps (N, h, w, T) as tensors; also inside a `tf.function`, where it runs eagerly.

    Raises:
        ParameterError: the spatial axes are not those of images (N, H, W, channels).
        UnknownTargetError: the model has no such unit, or there is not one row of units for each image.
    """
    if {axis % 4 for axis in spatial_axis} != {1, 2}:
        raise ParameterError(f"spatial_axis={spatial_axis!r}: only images (N, H, W, channels) can be explained.")

    def run(inputs: Any, *indices: Any) -> tuple[Any, Any]:
        exposed_model = exposed(model)
        x = np.asarray(inputs, np.float32)
        units = units_of(exposed_model.explainer.prepare(x.shape[1:]).graph) if x.ndim == 4 else 0
        chosen = _units(indices[0] if indices else None, len(x), units, indices_axis, indices_batch_dims)
        logits, maps = _maps(plan, exposed_model, x, chosen)
        maps = tf.convert_to_tensor(np.moveaxis(maps, 1, -1))
        if plan.resizing:
            maps = tf.image.resize(maps, x.shape[1:3], plan.resizing)
        return tf.convert_to_tensor(logits), maps

    arguments = [inputs] if indices is None else [inputs, indices]
    if tf.executing_eagerly():
        return run(*arguments)
    logits, maps = tf.py_function(run, arguments, [tf.float32, tf.float32])
    logits.set_shape((None, None))
    maps.set_shape((None, None, None, None))
    return logits, maps


def _units(indices: Any, n: int, units: int, axis: int, batch_dims: int) -> Ints:
    everything = np.tile(np.arange(units), (n, 1))
    if indices is None:
        return everything
    indices = np.asarray(indices)
    if indices.dtype.kind not in "iu":
        raise UnknownTargetError(f"Units are whole numbers, not {indices.dtype}.")
    if indices.size and (indices.min() < 0 or indices.max() >= units):
        wrong = indices[(indices < 0) | (indices >= units)].flat[0]
        raise UnknownTargetError(f"There is no unit {wrong}: the model has units 0 to {units - 1}.")
    try:
        chosen = np.asarray(gather_units(everything, indices, axis, batch_dims), np.int64)
    except (ValueError, tf.errors.InvalidArgumentError):
        chosen = np.zeros(0, np.int64)
    if chosen.ndim != 2 or len(chosen) != n or not chosen.size:
        raise UnknownTargetError(f"Units have shape (images, units of each); got {indices.shape} for {n} images.")
    return chosen


def _maps(plan: Plan, exposed_model: Exposed, x: Floats, units: Ints) -> tuple[Floats, Floats]:
    """Scores (N, T) and maps (N, T, h, w)."""
    path = exposed_model.paths[0] if METHODS[plan.method].sees == "layer" else None
    graph = exposed_model.explainer.prepare(x.shape[1:]).graph
    classes = np.eye(graph.classes, dtype=np.float32)[units + first_unit(graph)]
    question = exposed_model.explainer.ask(x, units + first_unit(graph), method=plan.method, layer=path, **plan.params)
    scores, maps = [], []
    for rows, probe in question.probes():
        scores.append((probe.scores()[:, None] * classes[rows]).sum(-1))
        columns = []
        for target in np.moveaxis(classes[rows], 1, 0):
            (last,) = deque(plan.fn(probe, np.ascontiguousarray(target), **question.params), maxlen=1)
            columns.append(last.maps if plan.finish is None else plan.finish(last.maps))
        maps.append(np.stack(columns, 1))
    return np.concatenate(scores), np.concatenate(maps).astype(np.float32)
