"""Watching a model while it is traced: every layer inside it, what each returns, which output is the scores."""

import contextlib
import threading
from collections.abc import Generator, Iterator
from typing import Any

import keras
import tensorflow as tf

from kx_widget.engine.errors import ModelError, did_you_mean
from kx_widget.engine.types import Head


def sublayers(model: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(path, layer) of everything inside `model`, depth first; in a Functional model also its bare operations."""
    inside = list(model._flatten_layers(include_self=False, recursive=False))
    known = {id(layer) for layer in inside}
    inside += [op for op in getattr(model, "operations", ()) if id(op) not in known]
    for layer in inside:
        path = f"{prefix}{layer.name}"
        yield path, layer
        if hasattr(layer, "_flatten_layers"):
            yield from sublayers(layer, f"{path}/")


# Two traces of models that share a layer would take each other's hooks for the layer's own call.
ONE_AT_A_TIME = threading.RLock()


@contextlib.contextmanager
def observed(model: Any, graph: Any, seen: list[tuple[str, Any, Any]]) -> Generator[None]:
    """Note what each layer returns while `graph` is built in this thread; other threads see no difference."""
    me = threading.get_ident()
    replaced: list[tuple[Any, str, Any]] = []

    def hook(path: str, layer: Any, name: str) -> None:
        call = getattr(layer, name)

        def noting(*args: Any, **kwargs: Any) -> Any:
            out = call(*args, **kwargs)
            if threading.get_ident() == me and tf.compat.v1.get_default_graph() is graph:
                seen.extend((f"{path}{part}", layer, t) for part, t in tensors_in(out) if t.graph is graph)
            return out

        replace(layer, name, noting)

    def replace(layer: Any, name: str, function: Any) -> None:
        replaced.append((layer, name, layer.__dict__.get(name)))
        layer.__dict__[name] = function

    with ONE_AT_A_TIME:
        try:
            for path, layer in {id(layer): (path, layer) for path, layer in reversed([*sublayers(model)])}.values():
                for name in ("call", "quantized_call"):
                    if hasattr(layer, name):
                        hook(path, layer, name)
            for layer in model._flatten_layers():
                # What a layer forgets to save memory while it trains would hide it, and cannot be cut.
                replace(layer, "rematerialized_call", lambda call, *_, **__: call)
            yield
        finally:
            for layer, name, own in replaced:
                if own is None:
                    layer.__dict__.pop(name, None)
                else:
                    layer.__dict__[name] = own


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


def as_input(model: Any, x: Any) -> Any:
    """`x` in the structure that the model was built with: itself, or alone in a list or dict."""
    structure = getattr(model, "_inputs_struct", x)
    return keras.tree.pack_sequence_as(structure, [x]) if isinstance(structure, (list, tuple, dict)) else x


def choose_output(model: Any, y: Any, output: str | int | None) -> Any:
    """The one tensor to explain among what the model returned."""
    if isinstance(y, dict):
        outputs = {str(k): v for k, v in y.items()}
    elif isinstance(y, (list, tuple)):
        names = getattr(model, "output_names", None) or []
        names = names if len(names) == len(y) else [str(i) for i in range(len(y))]
        outputs = dict(zip(names, y, strict=True))
    else:
        outputs = {(getattr(model, "output_names", None) or ["output"])[0]: y}
    names = list(outputs)
    if output is None:
        if len(outputs) > 1:
            raise ModelError(f"The model has several outputs: {', '.join(names)}. Choose one with output=.")
        return outputs[names[0]]
    if isinstance(output, int) and not isinstance(output, bool) and 0 <= output < len(names):
        return outputs[names[output]]
    if output in outputs:
        return outputs[str(output)]
    raise ModelError(f"The model has no output {output!r}.{did_you_mean(output, names)}")


def as_scores(logits: Any, y: Any, head: Head) -> Any:
    """Logits as (B, C) float32; a single sigmoid unit s becomes the two classes (−s, s)."""
    shape = logits.shape
    if shape.rank == 1:
        logits = logits[:, None]
    elif shape.rank != 2:
        if shape.rank is None or any(d != 1 for d in shape[1:-1]):
            raise ModelError(
                f"The model's output has shape {tuple(y.shape)}; one score per class, (batch, classes), is needed."
            )
        logits = tf.reshape(logits, (-1, shape[-1]))
    if logits.shape[-1] is None:
        raise ModelError("The model's number of classes is not known from its graph.")
    scores = tf.cast(logits, tf.float32)
    return tf.concat([-scores, scores], -1) if head == "sigmoid" and scores.shape[-1] == 1 else tf.identity(scores)
