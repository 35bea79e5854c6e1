"""What the package takes from Keras and TensorFlow that they do not promise to keep, and a check that it is there.

No other file of the package touches such an attribute, so that a new version of either is met here alone.
"""

import contextlib
import ctypes
import importlib
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from kx_widget.engine.errors import ModelError, plain
from kx_widget.engine.lazy_modules import keras, tf

# What guided backpropagation has in place of the gradient of a gate.
GUIDED: Mapping[str, Callable[[Any, Any], Any]] = {
    "Relu": lambda op, g: tf.raw_ops.ReluGrad(gradients=tf.nn.relu(g), features=op.outputs[0]),
    "Relu6": lambda op, g: tf.raw_ops.Relu6Grad(gradients=tf.nn.relu(g), features=op.outputs[0]),
}
# Two traces of models that share a layer would take each other's hooks for the layer's own call.
ONE_AT_A_TIME = threading.RLock()
HOOKED = ("call", "quantized_call")
# What DLPack is asked for; with other types TensorFlow ends the process.
EXCHANGED = ("bool", "bfloat16", "float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8")
CAPSULE_POINTER = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)


def sublayers(model: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(path, layer) of everything inside `model`, depth first; in a Functional model also its bare operations."""
    layers = list(model._flatten_layers(include_self=False, recursive=False))
    listed = {id(layer) for layer in layers}
    layers += [operation for operation in getattr(model, "operations", ()) if id(operation) not in listed]
    for layer in layers:
        path = f"{prefix}{layer.name}"
        yield path, layer
        if hasattr(layer, "_flatten_layers"):
            yield from sublayers(layer, f"{path}/")


@contextlib.contextmanager
def observed(
    model: Any, graph: Any, calls: list[tuple[str, Any, Any]], channels_first: bool = False
) -> Generator[None]:
    """Append (path, layer, tensor) to `calls` for what each layer returns while this thread builds `graph`.

    Other threads see no difference, and afterwards the layers are as they were. What layers return with their
    `channels_first` passes through a tensor with channels last, which is the one that is noted.
    """
    thread = threading.get_ident()
    last: dict[str, Any] = {}
    replaced: list[tuple[Any, str, Any]] = []

    def hook(path: str, layer: Any, name: str) -> None:
        call = getattr(layer, name)

        def noting(*args: Any, **kwargs: Any) -> Any:
            out = call(*args, **kwargs)
            if threading.get_ident() == thread and tf.compat.v1.get_default_graph() is graph:
                out = keras.tree.map_structure(through_last, out) if channels_first else out
                noted = ((part, last.get(t.name, t)) for part, t in tensors_in(out))
                calls.extend((f"{path}{part}", layer, t) for part, t in noted if t.graph is graph)
            return out

        def through_last(t: Any) -> Any:
            if not isinstance(t, tf.Tensor) or t.graph is not graph or t.shape.rank != 4 or t.name in last:
                return t
            channels_last = tf.transpose(t, (0, 2, 3, 1))
            back = tf.transpose(channels_last, (0, 3, 1, 2))
            last[back.name] = channels_last
            return back

        replace(layer, name, noting)

    def replace(layer: Any, name: str, function: Any) -> None:
        replaced.append((layer, name, layer.__dict__.get(name)))
        layer.__dict__[name] = function

    with ONE_AT_A_TIME:
        try:
            for path, layer in {id(layer): (path, layer) for path, layer in reversed([*sublayers(model)])}.values():
                for name in HOOKED:
                    if hasattr(layer, name):
                        hook(path, layer, name)
            for layer in model._flatten_layers():
                # What a layer forgets to save memory while it trains would hide it, and cannot be cut.
                replace(layer, "rematerialized_call", lambda call, *_, **__: call)
            yield
        finally:
            for layer, name, before in replaced:
                if before is None:
                    layer.__dict__.pop(name, None)
                else:
                    layer.__dict__[name] = before


def tensors_in(out: Any, part: str = "") -> Iterator[tuple[str, Any]]:
    """(part, tensor) of what a layer returned: "" for a tensor or the first of several, `[1]`, `/name` for others."""
    if isinstance(out, tf.Tensor):
        yield part, out
    elif isinstance(out, dict):
        for key, value in out.items():
            yield from tensors_in(value, f"{part}/{key}")
    elif isinstance(out, (list, tuple)):
        for i, value in enumerate(out):
            yield from tensors_in(value, f"{part}[{i}]" if i else part)


def as_input(model: Any, values: Sequence[Any]) -> Any:
    """Values of all inputs in the structure that the model was built with: one by itself, or in a list or dict."""
    structure = getattr(model, "_inputs_struct", None)
    if structure is None and (nested := _nested_at_build(model)):
        structure = dict.fromkeys(nested) if isinstance(nested, dict) else [0] * len(nested)
    return keras.tree.pack_sequence_as(structure, values) if isinstance(structure, (list, tuple, dict)) else values[0]


def input_specs(model: Any) -> list[tuple[str, tuple[int | None, ...], str]]:
    """(name, shape with its batch axis, dtype) of each input of a model; none where nothing tells."""
    try:
        inputs = model.inputs
    except (AttributeError, ValueError):
        inputs = None
    if inputs:
        structure = getattr(model, "_inputs_struct", None)
        names = sorted(structure) if isinstance(structure, dict) else [i.name for i in inputs]
        names = names if len(names) == len(inputs) else [i.name for i in inputs]
        return [(str(n), tuple(i.shape), str(i.dtype)) for n, i in zip(names, inputs, strict=True)]
    nested = _nested_at_build(model)
    if isinstance(nested, dict):
        shapes: dict[Any, Any] = dict(sorted(nested.items()))
    else:
        shapes = dict(enumerate(nested or shapes_at_build(model)))
    names = [str(key) if isinstance(key, str) else f"input {key + 1}" for key in shapes]
    return [(n, (None, *s[1:]), "float32") for n, s in zip(names, shapes.values(), strict=True)]


def _nested_at_build(layer: Any) -> Any:
    """The shapes that a layer was built for, where these are several in one list or dict; else None."""
    built: dict[str, Any] = getattr(layer, "_build_shapes_dict", None) or {}
    for shapes in built.values():
        values: Any = shapes.values() if isinstance(shapes, dict) else shapes
        if shapes and all(isinstance(shape, (list, tuple)) for shape in values):
            return shapes
    return None


def shapes_at_build(layer: Any) -> list[Any]:
    """The shapes that a layer was built for, with their batch axes; those of a single input as one."""
    shapes = getattr(layer, "_build_shapes_dict", None) or {}
    return [s for s in shapes.values() if isinstance(s, (list, tuple)) and s and not isinstance(s[0], (list, tuple))]


def inbound_nodes(layer: Any) -> list[Any]:
    """Where a layer was called symbolically, each with `input_tensors` and `output_tensors`."""
    return layer._inbound_nodes


def history(tensor: Any) -> Any:
    """The `operation` that made a symbolic tensor, and the `node_index` of its call."""
    return tensor._keras_history


def guided(ops: Sequence[Any]) -> contextlib.AbstractContextManager[None]:
    """While gradients are built, the gates among these ops of our own trace hold back negative ones."""
    return overridden({op: GUIDED[op.type] for op in ops if op.type in GUIDED})


@contextlib.contextmanager
def overridden(gradients: Mapping[Any, Callable[..., Any]]) -> Generator[None]:
    """While gradients are built, these functions (op, *gradients) take the place of those of ops of our own trace."""
    try:
        for op, function in gradients.items():
            op._gradient_function = function
        yield
    finally:
        for op in gradients:
            op._gradient_function = None


def own_gradient(op: Any, *gradients: Any) -> list[Any]:
    """What TensorFlow has for the gradients with respect to the inputs of an op, None where it has none."""
    function, op._gradient_function = op._gradient_function, None
    try:
        inputs = list(op.inputs)
        return tf.gradients(list(op.outputs), inputs, list(gradients), stop_gradients=inputs)
    finally:
        op._gradient_function = function


def compiled(function: Callable[..., Any], specs: Sequence[Any]) -> Any:
    """A function of tensors as one graph, built once for tensors like `specs`; it has `graph`, `inputs`, `outputs`."""
    return tf.compat.v1.wrap_function(function, list(specs))


@contextlib.contextmanager
def as_built() -> Generator[None]:
    """In this thread, functions are run as they were built.

    TensorFlow else rewrites a function before it runs for the first time, which takes longer than it saves.
    """
    runtime, options = _eager().context(), _options_as_built()
    before = runtime.function_call_options
    runtime.function_call_options = options
    try:
        yield
    finally:
        runtime.function_call_options = before


def _eager() -> Any:
    """The module of TensorFlow's state in this thread, imported when it is used so that `check` tells if it is gone."""
    return importlib.import_module("tensorflow.python.eager.context")


@lru_cache(maxsize=1)
def _options_as_built() -> Any:
    config = _eager().context().config
    config.allow_soft_placement = True
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    return _eager().FunctionCallOptions(config_proto=config)


def captures(graph: Any) -> list[tuple[Any, Any]]:
    """(outside, inside) for what a function's graph takes besides its inputs, variables for instance."""
    return graph.captures


def handle_of(variable: Any) -> Any:
    """What a graph captures of a variable of Keras; None where that depends on the device that is asked."""
    try:
        return variable.value.handle
    except (AttributeError, ValueError):
        return None


def capture(tensor: Any) -> Any:
    """A tensor or variable from outside, for use in the graph that is being built."""
    graph: Any = tf.compat.v1.get_default_graph()
    return graph.capture(tensor)


class _DLTensor(ctypes.Structure):
    """The head of what DLPack passes on: where a tensor lies."""

    _fields_: ClassVar = [
        ("data", ctypes.c_void_p),
        ("device", ctypes.c_int32 * 2),
        ("ndim", ctypes.c_int32),
        ("dtype", ctypes.c_uint8 * 4),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("byte_offset", ctypes.c_uint64),
    ]


def device_address(value: Any) -> int | None:
    """Where a value lies in the memory of its device, None where nobody can tell."""
    if value.dtype.name not in EXCHANGED:
        return None
    try:
        capsule = tf.experimental.dlpack.to_dlpack(value)
    except (tf.errors.OpError, RuntimeError, ValueError, TypeError):
        return None
    tensor = _DLTensor.from_address(CAPSULE_POINTER(capsule, b"dltensor"))
    return (tensor.data or 0) + tensor.byte_offset


def address(value: Any) -> int | None:
    """Where a value lies in its device's memory, None where nobody can tell."""
    if "CPU" not in value.device:
        return device_address(value)
    try:
        view = memoryview(value)
    except (TypeError, ValueError, BufferError):
        return None
    return np.asarray(view).__array_interface__["data"][0]


@lru_cache(maxsize=1)
def check() -> None:
    """See, once, that all of this does what the package relies on. Memory addresses need no check: values stand in.

    Raises:
        ModelError: something does not; names it and the versions of Keras and TensorFlow.
    """
    with tf.init_scope(), tf.device("CPU"):
        try:
            problems = _problems()
        except Exception as error:
            problems = [plain(error)]
    if problems:
        raise ModelError(
            f"This package cannot look into models of Keras {keras.__version__} with TensorFlow {tf.__version__}: "
            f"{'; '.join(problems)}. Install other versions of these, or a newer kx-widget."
        )


def _problems() -> list[str]:
    """What of a small model is not seen as it should be."""
    shape = (1, 1, 1)
    # Named, as Keras counts on for names that are not given.
    image = keras.Input(shape, name="image", dtype="float32")
    gate = keras.layers.ReLU(name="kx_gate", dtype="float32")
    start = keras.Input(shape, name="kx_start", dtype="float32")
    inner = keras.Model(start, gate(start), name="kx_inner")
    model = keras.Model({"image": image}, inner(image), name="kx_model")
    calls: list[tuple[str, Any, Any]] = []
    packed: list[Any] = []

    def traced(x: Any) -> list[Any]:
        packed.append(as_input(model, [x]))
        with observed(model, tf.compat.v1.get_default_graph(), calls):
            y = model({"image": x}, training=False)
        plain_gradient = tf.gradients(-y, x)[0]
        with guided([t.op for _, _, t in calls]):
            return [plain_gradient, tf.gradients(-y, x)[0]]

    function = compiled(traced, [tf.TensorSpec((None, *shape), tf.float32)])
    with as_built():
        gradients = function(tf.ones((1, *shape)))
    passed = [float(gradient[0, 0, 0, 0]) for gradient in gradients]
    fresh = keras.layers.ReLU(name="kx_gate", dtype="float32")
    fresh.build((None, *shape))
    paths = {"kx_inner", "kx_inner/kx_gate"}
    checks = {
        "the layers inside a model are not listed": not paths <= {path for path, _ in sublayers(model)},
        "a layer's call is not seen": not paths <= {path for path, _, _ in calls},
        "guided backpropagation is not guided": passed != [-1.0, 0.0],
        "the structure of a model's inputs is not known": not isinstance(packed[0], dict),
        "the shape for which a layer was built is not known": shapes_at_build(fresh) != [(None, *shape)],
        "the calls of a layer are not known": history(inbound_nodes(gate)[0].output_tensors[0]).operation is not gate,
    }
    return [problem for problem, present in checks.items() if present]
