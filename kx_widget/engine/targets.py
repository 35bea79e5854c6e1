"""What to explain: names, indices, ranks and contrasts -> weights on the scores.

A target is never an index inside the engine: it is a row of weights (C,) on the scores, so that another class
is another input of the same compiled function.
"""

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kx_widget.engine.errors import UnknownTargetError, did_you_mean
from kx_widget.engine.types import Floats, Ints

RANK = re.compile(r"top(?:-([1-9]\d*))?")
MINUS = " − "


@dataclass(frozen=True)
class Contrast:
    """Score of `a` minus score of `b`; see `contrast`."""

    a: Any
    b: Any


def contrast(a: int | str, b: int | str) -> Contrast:
    """The target "score a − score b": why this class rather than that one.

    Args:
        a: class index, class name, or `"top"`, `"top-2"`…, which are ranks whatever the classes are called.
        b: the same.

    Returns:
        A target for `explain` and `KxWidget`. For methods linear in the target its map is map(a) − map(b).
    """
    return Contrast(a, b)


@dataclass(frozen=True)
class Targets:
    """T targets of each of N images: `indices` (N, T), −1 for a contrast; `weights` (N, T, C); `names` (N, T)."""

    indices: Ints
    weights: Floats
    names: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class TargetColumns:
    """Checked targets, not yet tied to images: per column a class, a rank or a contrast of two."""

    classes: int
    class_names: tuple[str, ...]
    columns: tuple[Any, ...]
    per_image: Ints | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        """How each column reads in a heading."""
        if self.per_image is not None:
            return tuple(f"target {i + 1}" for i in range(self.per_image.shape[1]))
        return tuple(_text(c, self.class_names) for c in self.columns)

    @property
    def needs_scores(self) -> bool:
        """Whether a column asks for the image's best classes."""
        flat = [p for c in self.columns for p in ((c.a, c.b) if isinstance(c, Contrast) else (c,))]
        return any(isinstance(p, _Rank) for p in flat)

    def part(self, rows: slice) -> "TargetColumns":
        """The same for some of the images."""
        if self.per_image is None:
            return self
        return TargetColumns(self.classes, self.class_names, self.columns, self.per_image[rows])

    def only(self, columns: Sequence[int]) -> "TargetColumns":
        """Some of the columns."""
        if self.per_image is not None:
            return replace(self, per_image=self.per_image[:, list(columns)])
        return replace(self, columns=tuple(self.columns[column] for column in columns))

    def resolve(self, scores: Floats) -> Targets:
        """Targets of the images with these scores (N, C); only ranks look at their values."""
        n = len(scores)
        order = np.argsort(-scores, axis=1, kind="stable") if self.needs_scores else np.zeros((n, 0), np.int64)
        if self.per_image is not None:
            indices = self.per_image
            pairs = [[(int(c), None) for c in row] for row in indices]
        else:
            pairs = [[_pair(c, order[i]) for c in self.columns] for i in range(n)]
            indices = np.asarray([[a if b is None else -1 for a, b in row] for row in pairs], np.int64)
        weights = np.zeros((*indices.shape, self.classes), np.float32)
        for i, row in enumerate(pairs):
            for column, (a, b) in enumerate(row):
                weights[i, column, a] += 1
                if b is not None:
                    weights[i, column, b] -= 1
        names = tuple(
            tuple(self.class_names[a] + ("" if b is None else MINUS + self.class_names[b]) for a, b in row)
            for row in pairs
        )
        return Targets(indices, weights, names)


@dataclass(frozen=True)
class _Rank:
    place: int


def _pair(column: Any, order: Ints) -> tuple[int, int | None]:
    if isinstance(column, Contrast):
        return _index(column.a, order), _index(column.b, order)
    return _index(column, order), None


def _index(part: int | _Rank, order: Ints) -> int:
    return int(order[part.place]) if isinstance(part, _Rank) else part


def _text(column: Any, names: Sequence[str]) -> str:
    if isinstance(column, Contrast):
        return _text(column.a, names) + MINUS + _text(column.b, names)
    if isinstance(column, _Rank):
        return "top" if column.place == 0 else f"top-{column.place + 1}"
    # As a text a name that reads as a rank would mean another class.
    name = str(names[column])
    return f"class {column}" if RANK.fullmatch(name) else name


def parse(targets: Any, class_names: Sequence[str], images: int | None = None) -> TargetColumns:
    """Check targets before anything is computed.

    Raises:
        UnknownTargetError: unknown name, index out of range, more ranks than classes, wrong array shape.
    """
    names = tuple(class_names)
    if isinstance(targets, np.ndarray) and targets.ndim == 0:
        targets = targets.item()
    if isinstance(targets, np.ndarray) and targets.ndim == 2:
        return _array(targets, names, images)
    if isinstance(targets, (str, int, np.integer, Contrast)):
        targets = [targets]
    if isinstance(targets, (bytes, Mapping)) or not isinstance(targets, (Sequence, np.ndarray)):
        raise UnknownTargetError(f"{targets!r} is not a target. {_accepted(len(names))}")
    if len(targets) == 0:
        raise UnknownTargetError("The list of targets is empty. Pass at least one.")
    return TargetColumns(len(names), names, tuple(_parse_one(t, names) for t in targets))


def _array(targets: Any, names: tuple[str, ...], images: int | None) -> TargetColumns:
    if targets.dtype.kind not in "iu":
        raise UnknownTargetError(f"An array of targets must hold class indices, not {targets.dtype}.")
    if (images is not None and len(targets) != images) or targets.shape[1] == 0:
        raise UnknownTargetError(
            f"An array of targets has shape (images, targets); got {targets.shape} for {images} images."
        )
    bad = targets[(targets < 0) | (targets >= len(names))]
    if bad.size:
        raise UnknownTargetError(f"There is no class {bad[0]}: the model has classes 0 to {len(names) - 1}.")
    return TargetColumns(len(names), names, (), targets.astype(np.int64))


def _parse_one(target: Any, names: tuple[str, ...]) -> Any:
    if isinstance(target, Contrast):
        return _contrast(_parse_one(target.a, names), _parse_one(target.b, names), names)
    if isinstance(target, (int, np.integer)) and not isinstance(target, (bool, np.bool_)):
        if not 0 <= target < len(names):
            raise UnknownTargetError(f"There is no class {target}: the model has classes 0 to {len(names) - 1}.")
        return int(target)
    if isinstance(target, str):
        return _parse_text(target, names)
    raise UnknownTargetError(f"{target!r} is not a target. {_accepted(len(names))}")


def _contrast(a: Any, b: Any, names: tuple[str, ...]) -> Contrast:
    for part in (a, b):
        if isinstance(part, Contrast):
            raise UnknownTargetError(f"A contrast is of two classes, and {_text(part, names)!r} is one itself.")
    return Contrast(a, b)


def classes_named(text: str, names: Sequence[str]) -> list[int]:
    """Indices of the classes of this name, or of those that differ from it by upper and lower case alone."""
    exact = [index for index, name in enumerate(names) if name == text]
    return exact or [index for index, name in enumerate(names) if name.lower() == text.lower()]


def _parse_text(text: str, names: tuple[str, ...]) -> Any:
    # Before the names: "top" is what is asked where nothing is said, and must not depend on what classes are called.
    if match := RANK.fullmatch(text):
        place = int(match[1] or 1) - 1
        if place >= len(names):
            raise UnknownTargetError(f"{text!r} asks for more classes than the model has ({len(names)}).")
        return _Rank(place)
    same = classes_named(text, names)
    if len(same) == 1:
        return same[0]
    if same:
        raise UnknownTargetError(f"{text!r} is the name of classes {', '.join(map(str, same))}; pass the index.")
    if MINUS in text:
        a, b = text.split(MINUS, 1)
        return _contrast(_parse_text(a, names), _parse_text(b, names), names)
    raise UnknownTargetError(f"There is no class {text!r}.{did_you_mean(text, names)}")


def _accepted(classes: int) -> str:
    return f'Pass a class index from 0 to {classes - 1}, a class name, "top", "top-2"…, or kx.contrast(a, b).'


def numbered(classes: int) -> tuple[str, ...]:
    """What classes are called that nobody has named."""
    return tuple(f"class {i}" for i in range(classes))


def names_for(class_names: Any, classes: int, imagenet: bool) -> tuple[str, ...]:
    """Class names from what the user gave: a list, a dict by index, `"imagenet"` or None.

    Raises:
        UnknownTargetError: their number is not that of the classes, they have no order, or one of them is missing.

    Warns:
        RuntimeWarning: one of them reads as a rank, "Top" for instance.
    """
    if class_names is None:
        class_names = "imagenet" if imagenet and classes == 1000 else numbered(classes)
    if isinstance(class_names, str):
        if class_names != "imagenet":
            raise UnknownTargetError(f'class_names={class_names!r} is not known. Pass a list, a dict or "imagenet".')
        from kx_widget.engine.imagenet import names

        class_names = names()
    if isinstance(class_names, Mapping):
        if set(class_names) != set(range(classes)):
            raise UnknownTargetError(f"class_names must have the keys 0 to {classes - 1}.")
        class_names = [class_names[i] for i in range(classes)]
    if isinstance(class_names, (set, frozenset)):
        raise UnknownTargetError(
            "class_names is a set, and a set has no order: pass a list in the order of the model's outputs."
        )
    try:
        names = None if isinstance(class_names, bytes) else list(class_names)
    except TypeError:
        names = None
    if names is None:
        raise UnknownTargetError(f'class_names={class_names!r} is not known. Pass a list, a dict or "imagenet".')
    return _checked(names, classes)


def _checked(names: list[Any], classes: int) -> tuple[str, ...]:
    if len(names) != classes:
        raise UnknownTargetError(f"There are {len(names)} class names for the model's {classes} classes.")
    for index, name in enumerate(names):
        if name is None or not str(name).strip():
            raise UnknownTargetError(
                f"Class {index} has no name: class_names[{index}] is {name!r}. Name every class, {f'class {index}'!r} "
                "for instance, or leave class_names out."
            )
        if RANK.fullmatch(str(name).lower()):
            warnings.warn(
                f"Class {index} is called {str(name)!r}, and {str(name).lower()!r} means a rank, whatever the classes "
                f"are called: pass the index, {index}, to explain this class.",
                RuntimeWarning,
                stacklevel=5,
            )
    return tuple(map(str, names))
