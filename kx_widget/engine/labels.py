"""The true classes of the images, as people write them -> class indices."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from kx_widget.engine.errors import UnknownTargetError, did_you_mean
from kx_widget.engine.parameters import is_whole_number
from kx_widget.engine.targets import classes_named

ACCEPTED = "A label is a class index, a class name, or None where the class is unknown."
SHOWN = 8


def read_labels(labels: Any, images: int, class_names: Sequence[str]) -> list[int | None]:
    """One class index or None for each image; an empty list where no labels are given.

    Args:
        labels: None, or one label an image in any iterable, also an integer array (N,) or (N, 1).
        images: how many there are.
        class_names: one a class.

    Raises:
        UnknownTargetError: names every entry that is no class, or tells the lengths that differ.
    """
    if labels is None:
        return []
    if isinstance(labels, (str, bytes, Mapping)) or not isinstance(labels, Iterable) or _is_scalar(labels):
        raise UnknownTargetError(f"labels={labels!r} must hold one label for each image. {ACCEPTED}")
    entries = list(labels.ravel() if _is_column(labels) else labels)
    if not entries:
        return []
    if len(entries) != images:
        labels_are = "is 1 label" if len(entries) == 1 else f"are {len(entries)} labels"
        raise UnknownTargetError(
            f"There {labels_are} for {images} image{'s' * (images != 1)}: give one label for each image, in their "
            f"order. {ACCEPTED}"
        )
    if len(class_names) < 2:
        raise UnknownTargetError(
            "labels: the model has a single class, so its prediction cannot be wrong; leave them out."
        )
    indices = [_read(label, class_names) for label in entries]
    wrong = [f"image {i}: {problem}" for i, problem in enumerate(indices) if isinstance(problem, str)]
    if wrong:
        more = f"\n  and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        listed = "\n  ".join(wrong[:SHOWN])
        raise UnknownTargetError(
            f"{len(wrong)} of the {images} labels cannot be read as classes:\n  {listed}{more}\n{ACCEPTED}"
        )
    return [i for i in indices if not isinstance(i, str)]


def _is_scalar(labels: Any) -> bool:
    return isinstance(labels, np.ndarray) and labels.ndim == 0


def _is_column(labels: Any) -> bool:
    return isinstance(labels, np.ndarray) and labels.ndim == 2 and labels.shape[1] == 1


def _read(label: Any, names: Sequence[str]) -> int | str | None:
    """The index, or what is wrong with the label."""
    if label is None:
        return None
    if isinstance(label, str):
        same = classes_named(label, names)
        if len(same) > 1:
            return f"{label!r} is the name of classes {', '.join(map(str, same))}; give the index."
        return same[0] if same else f"there is no class {str(label)!r}.{did_you_mean(label, names)}"
    if is_whole_number(label):
        return int(label) if 0 <= label < len(names) else f"there is no class {label}: they are 0 to {len(names) - 1}."
    return _kind(label)


def _kind(label: Any) -> str:
    """Why something that is neither a number nor a name is no label."""
    if isinstance(label, (bool, np.bool_)):
        return f"{label} is True or False, not a class."
    if isinstance(label, (float, np.floating)):
        advice = "None says that the class is unknown" if np.isnan(label) else "use labels.astype(int)"
        return f"{label} is a float, and an index is a whole number: {advice}."
    if isinstance(label, (list, tuple, np.ndarray)):
        return f"{label!r:.60} is a list: of one-hot labels pass labels.argmax(-1)."
    return f"{label!r:.60} is of the type {type(label).__name__}."
