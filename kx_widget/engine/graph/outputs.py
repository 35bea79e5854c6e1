"""Which output of a model is the scores, and in what form."""

from typing import Any

import tensorflow as tf

from kx_widget.engine.errors import ModelError, did_you_mean
from kx_widget.engine.types import Head


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
