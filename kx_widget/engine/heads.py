"""Scores -> probabilities, where the model is known to be a classifier."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from kx_widget.engine.targets import numbered
from kx_widget.engine.types import Floats, Head

Link = Literal["softmax", "sigmoid"]


def link_of(model: Any, output: str | int | None, head: Head, class_names: Sequence[str]) -> Link | None:
    """What makes probabilities of the scores; None where they may be anything, an embedding or a box for instance.

    Args:
        model: its compiled loss may say that the outputs are logits.
        output: name or index of the output that is explained.
        head: the last operation, as `Inspection` has it.
        class_names: names that somebody gave show that the scores belong to classes.
    """
    if head == "softmax" or head == "sigmoid":
        return head
    if link := trained_link(model, output):
        return link
    classes = len(class_names)
    named = classes > 1 and tuple(class_names) != numbered(classes)
    return "softmax" if head == "linear" and named else None


def trained_link(model: Any, output: str | int | None) -> Link | None:
    """What makes probabilities of an output that is logits, as its compiled loss says; None where none does."""
    from keras import losses

    loss: Any = getattr(model, "loss", None)
    names = list(getattr(model, "output_names", None) or [])
    if isinstance(loss, dict):
        # A subclassed model does not name its outputs, but for those that have a loss.
        by_number = dict(enumerate(names or loss))
        loss = loss.get(output if isinstance(output, str) else by_number.get(output or 0))
    elif isinstance(loss, (list, tuple)):
        at = names.index(output) if isinstance(output, str) else output or 0
        loss = loss[at] if at < len(loss) else None
    if getattr(loss, "from_logits", False) is not True:
        return None
    if isinstance(loss, (losses.BinaryCrossentropy, losses.BinaryFocalCrossentropy)):
        return "sigmoid"
    softmax = (
        losses.CategoricalCrossentropy,
        losses.SparseCategoricalCrossentropy,
        losses.CategoricalFocalCrossentropy,
    )
    return "softmax" if isinstance(loss, softmax) else None


def probabilities(scores: Floats, link: Link | None) -> Floats:
    """Probabilities of scores (…, C); NaN where nothing makes them such."""
    if link is None or (link == "softmax" and scores.shape[-1] == 1):
        return np.full_like(scores, np.nan)
    if link == "sigmoid":
        return np.asarray(1 / (1 + np.exp(-np.clip(scores, -80, 80))), np.float32)
    e = np.exp(scores - scores.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)
