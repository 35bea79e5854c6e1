"""The true classes of the images, as people write them -> class indices."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from kx_widget.engine.errors import UnknownTargetError, did_you_mean
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
        raise UnknownTargetError(f"labels={labels!r} is not one label an image. {ACCEPTED}")
    entries = list(labels.ravel() if _is_column(labels) else labels)
    if not entries:
        return []
    if len(entries) != images:
        raise UnknownTargetError(f"There are {len(entries)} labels for {images} images. Give one an image. {ACCEPTED}")
    if len(class_names) < 2:
        raise UnknownTargetError("labels: the model gives one score, so that no class can be the wrong one.")
    indices = [_read(label, class_names) for label in entries]
    wrong = [f"image {i}: {problem}" for i, problem in enumerate(indices) if isinstance(problem, str)]
    if wrong:
        more = f"\n  and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        listed = "\n  ".join(wrong[:SHOWN])
        raise UnknownTargetError(f"{len(wrong)} of {images} labels are no class:\n  {listed}{more}\n{ACCEPTED}")
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
        return same[0] if same else f"{str(label)!r}.{did_you_mean(label, names)}"
    if isinstance(label, (int, np.integer)) and not isinstance(label, bool):
        return int(label) if 0 <= label < len(names) else f"{label}; classes are 0 to {len(names) - 1}."
    return f"{label!r}."
