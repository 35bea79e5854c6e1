"""Running a method over any number of images."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from kx_widget.compat.keras_explainable.answering import unwrapped
from kx_widget.compat.keras_explainable.inspection import SPATIAL_AXIS, exposed
from kx_widget.engine.errors import ImageError, ParameterError, UnknownTargetError
from kx_widget.engine.lazy_modules import keras, tf

BATCH = 32


def explain_step(
    model: Any,
    method: Callable[..., Any],
    data: Any,
    spatial_axis: tuple[int, ...] = SPATIAL_AXIS,
    postprocessing: Callable[..., Any] | None = None,
    resizing: Any = True,
    **params: Any,
) -> tuple[Any, Any]:
    """Logits and maps of one batch `x`, `(x, y)` or `(x, y, weights)`; arguments as in `explain`."""
    inputs, indices, _ = keras.utils.unpack_x_y_sample_weight(data)
    if indices is not None and len(np.shape(indices)) == 1:
        indices = np.asarray(indices)[:, None]
    logits, maps = method(model=model, inputs=inputs, indices=indices, spatial_axis=spatial_axis, **params)
    if postprocessing is not None:
        maps = postprocessing(maps, axis=spatial_axis)
    if resizing is not None and resizing is not False:
        maps = tf.image.resize(maps, np.shape(inputs)[1:-1] if resizing is True else resizing)
    return logits, maps


def explain(
    method: Callable[..., Any],
    model: Any,
    x: Any,
    y: Any = None,
    batch_size: int | None = None,
    verbose: str | int = "auto",
    steps: int | None = None,
    callbacks: Any = None,
    max_queue_size: int = 10,
    workers: int = 1,
    use_multiprocessing: bool = False,
    force: bool = True,
    **method_params: Any,
) -> tuple[Any, Any]:
    """Explain the units `y` of a model for the images `x`.

    Args:
        method: one of `methods`, wrapped or not, or a function of (model, inputs, indices) like them.
        model: made by `inspection.expose`, or any other.
        x: images (N, H, W, channels), or a dataset, sequence or generator of batches, with units or without.
        y: units, (N, T), or (N,) for one each; None takes all.
        batch_size: images at once, 32 if not said. The engine splits a batch that its memory does not hold.
        verbose: 0 for no progress bar.
        steps: how many batches of a dataset or generator to take.
        callbacks: Keras callbacks; their `on_predict_…` functions are called.
        max_queue_size, workers, use_multiprocessing: without effect.
        force: False keeps what was compiled with a model that is not exposed; an exposed one always keeps it.
        **method_params: `postprocessing`, a function of (maps, axis=…), None for raw maps; `resizing`, True for the
            images' size (the default), a size (H, W), or False; the rest is the method's.

    Returns:
        Arrays: logits (N, T) and maps (N, h, w, T).

    Raises:
        ValueError: there are no images, or one of the arguments is wrong.
    """
    batches, count = _batches(x, y, batch_size, steps)
    target = exposed(model, force) if hasattr(unwrapped(method), "plan") else model
    bars = callbacks
    if not isinstance(bars, keras.callbacks.CallbackList):
        bars = keras.callbacks.CallbackList(
            callbacks, add_progbar=verbose != 0, model=model, verbose=verbose, epochs=1, steps=count
        )
    answers: list[tuple[Any, Any]] = []
    bars.on_predict_begin()
    for step, data in enumerate(batches):
        bars.on_predict_batch_begin(step)
        logits, maps = explain_step(target, unwrapped(method), data, **method_params)
        answers.append((np.asarray(logits), np.asarray(maps)))
        bars.on_predict_batch_end(step + 1, {"outputs": answers[-1]})
    bars.on_predict_end()
    if not answers:
        raise ImageError("There are no images to explain.")
    logits, maps = zip(*answers, strict=True)
    return np.concatenate(logits), np.concatenate(maps)


def _batches(x: Any, y: Any, batch_size: int | None, steps: int | None) -> tuple[Iterator[Any], int | None]:
    """Batches, and how many there are if that is known."""
    indexed: bool = isinstance(x, keras.utils.PyDataset)
    if indexed or isinstance(x, tf.data.Dataset) or hasattr(x, "__next__"):
        if y is not None:
            raise ParameterError("y: a dataset or generator yields the units together with the images.")
        sequence: Any = x
        source: Iterable[Any] = (sequence[i] for i in range(len(sequence))) if indexed else x
        count = steps if steps is not None else _length(x)
        return islice(iter(source), steps), count
    x = np.asarray(x)
    if x.ndim != 4:
        raise ImageError(f"Images have shape (N, height, width, channels); got {x.shape}.")
    y = None if y is None else np.asarray(y)
    if y is not None and len(y) != len(x):
        raise UnknownTargetError(f"y has {len(y)} rows for {len(x)} images.")
    size = batch_size or BATCH
    starts: Sequence[int] = range(0, len(x), size)[:steps]
    parts = ((x[i : i + size],) if y is None else (x[i : i + size], y[i : i + size]) for i in starts)
    return parts, len(starts)


def _length(x: Any) -> int | None:
    try:
        return len(x)
    except TypeError:
        return None


def partial_explain(method: Callable[..., Any], **default_params: Any) -> Callable[..., tuple[Any, Any]]:
    """`explain` of one method, with other defaults for its parameters."""

    def explained(*args: Any, **params: Any) -> tuple[Any, Any]:
        return explain(method, *args, **{**default_params, **params})

    explained.__name__ = f"{getattr(method, '__name__', 'method')}_explain"
    return explained
