"""What scores are: what makes probabilities of those of a classifier, or values of a regression."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from kx_widget.engine.errors import ParameterError
from kx_widget.engine.lazy_modules import keras
from kx_widget.engine.targets import names_for, numbered
from kx_widget.engine.types import Floats, Head

Link = Literal["softmax", "sigmoid"]
REGRESSIONS = (
    *("mean_squared_error", "mean_absolute_error", "mean_absolute_percentage_error"),
    *("mean_squared_logarithmic_error", "huber", "log_cosh"),
)


@dataclass(frozen=True)
class Meaning:
    """What scores are.

    Attributes:
        names: one of each score: of classes, or of the values that a regression tells.
        link: what makes probabilities of them, None where they are none.
        units: of values, "" where a value has none; () where the scores are those of classes.
    """

    names: tuple[str, ...]
    link: Link | None
    units: tuple[str, ...] = ()

    def unit_of(self, index: int) -> str | None:
        """The unit of a value, of a difference (−1) that which all share, "" of one without; None of a class."""
        return unit_of(self.units, index)


def unit_of(units: Sequence[str], index: int) -> str | None:
    """The unit of one of some values, of a difference (−1) that which all share, "" without; None of classes."""
    if not units:
        return None
    return units[index] if index >= 0 else (units[0] if len(set(units)) == 1 else "")


def meaning_of(
    model: Any, output: str | int | None, head: Head, classes: int, names: Mapping[str, Any], imagenet: bool
) -> Meaning:
    """What the scores of a model are.

    Args:
        model, output, head: as in `link_of`.
        classes: how many scores there are.
        names: `class_names` and `output_names` as they were given.
        imagenet: whether 1000 classes are those of ImageNet.

    Raises:
        ParameterError: both names are given, or output names are no list of names, with or without a unit.
        UnknownTargetError: there are not as many names as scores.
    """
    class_names, output_names = names["class_names"], names["output_names"]
    if output_names is not None:
        if class_names is not None:
            raise ParameterError("class_names= and output_names= both name the scores: pass one of them.")
        pairs = [_named(each) for each in _listed(output_names)]
        named = names_for([name for name, _ in pairs], classes, imagenet)
        link = head if head == "softmax" or head == "sigmoid" else trained_link(model, output)
        return Meaning(named, link, tuple(unit for _, unit in pairs) if link is None else ())
    if class_names is None and head not in ("softmax", "sigmoid") and _is_regression(model, output):
        return Meaning(tuple(f"output {i}" for i in range(classes)), None, ("",) * classes)
    named = names_for(class_names, classes, imagenet)
    return Meaning(named, link_of(model, output, head, named))


def _listed(output_names: Any) -> list[Any]:
    if isinstance(output_names, Mapping):
        return list(output_names.items())
    if isinstance(output_names, str):
        return [output_names]
    if not isinstance(output_names, (list, tuple)):
        raise ParameterError(f"output_names={output_names!r} must be a list of names, or a dict of names and units.")
    return list(output_names)


def _named(each: Any) -> tuple[str, str]:
    pair = (each, "") if isinstance(each, str) else each
    if isinstance(pair, (list, tuple)) and len(pair) == 2 and all(isinstance(text, str) for text in pair):
        return pair[0], pair[1]
    raise ParameterError(f"{each!r} in output_names= is no name, and no pair of a name and a unit.")


def _is_regression(model: Any, output: str | int | None) -> bool:
    """Whether the model is compiled with a loss of values."""
    losses = keras.losses

    kinds = (
        *(losses.MeanSquaredError, losses.MeanAbsoluteError, losses.MeanAbsolutePercentageError),
        *(losses.MeanSquaredLogarithmicError, losses.Huber, losses.LogCosh),
    )
    loss = _loss_of(model, output)
    if isinstance(loss, str):
        try:
            loss = losses.get(loss)
        except ValueError:
            return False
    functions = {getattr(losses, name) for name in REGRESSIONS if hasattr(losses, name)}
    return isinstance(loss, kinds) or (callable(loss) and loss in functions)


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
    losses = keras.losses

    loss = _loss_of(model, output)
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


def _loss_of(model: Any, output: str | int | None) -> Any:
    """What the model is compiled with for the output that is explained."""
    loss: Any = getattr(model, "loss", None)
    names = list(getattr(model, "output_names", None) or [])
    if isinstance(loss, dict):
        # A subclassed model does not name its outputs, but for those that have a loss.
        by_number = dict(enumerate(names or loss))
        loss = loss.get(output if isinstance(output, str) else by_number.get(output or 0))
    elif isinstance(loss, (list, tuple)):
        at = names.index(output) if isinstance(output, str) else output or 0
        loss = loss[at] if at < len(loss) else None
    return loss


def probabilities(scores: Floats, link: Link | None) -> Floats:
    """Probabilities of scores (…, C); NaN where nothing makes them such."""
    if link is None or (link == "softmax" and scores.shape[-1] == 1):
        return np.full_like(scores, np.nan)
    if link == "sigmoid":
        return np.asarray(1 / (1 + np.exp(-np.clip(scores, -80, 80))), np.float32)
    e = np.exp(scores - scores.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)
