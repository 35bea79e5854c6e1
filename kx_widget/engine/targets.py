"""What to explain: names, indices, ranks and contrasts -> weights on the scores.

A target is never an index inside the engine: it is a row of weights (C,) on the scores, so that another class
is another input of the same compiled function.
"""

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from kx_widget.engine.errors import UnknownTargetError, did_you_mean
from kx_widget.engine.parameters import is_whole_number
from kx_widget.engine.types import Floats, Ints, LocatedRegion

RANK = re.compile(r"top(?:-([1-9]\d*))?")
TRUE = "true"
# What a class is called that has no name, or one that would mean something else.
NUMBERED = re.compile(r"class (\d+)")
MINUS = " − "
# Between a target and the number of the band of which a map is.
BAND = " · band "
NO_LABEL = (
    "No label: the true class of this image is not known, so there is nothing to explain. Give it a label, or explain "
    "another class."
)


@dataclass(frozen=True)
class Contrast:
    """Score of `a` minus score of `b`; see `contrast`."""

    a: Any
    b: Any


def contrast(a: int | str, b: int | str) -> Contrast:
    """The target "score a − score b": why this class rather than that one.

    Args:
        a: class index, class name, `"top"`, `"top-2"`…, which are ranks, or `"true"`, the image's own label; the last
            two whatever the classes are called.
        b: the same.

    Returns:
        A target for `explain` and `KxWidget`. For methods linear in the target its map is map(a) − map(b).
    """
    return Contrast(a, b)


@dataclass(frozen=True)
class Targets:
    """T targets of each of N images.

    `indices` are (N, T), −1 for a contrast; `weights` (N, T, C); `names` (N, T). `absent` (N, T) is a sentence where an
    image has nothing to explain, whose index is −1 and whose weights are 0, and "" everywhere else. `regions` (N,) say
    which places count, of a model that has scores for several; else ().
    """

    indices: Ints
    weights: Floats
    names: tuple[tuple[str, ...], ...]
    absent: tuple[tuple[str, ...], ...]
    regions: tuple[LocatedRegion, ...] = ()

    def without(self, reasons: Sequence[Sequence[str]]) -> "Targets":
        """The same, but where a reason (N, T) says so there is nothing to explain."""
        is_absent = np.array([[bool(why) for why in row] for row in reasons]).reshape(self.indices.shape)
        absent = tuple(
            tuple(before or why for before, why in zip(*rows, strict=True))
            for rows in zip(self.absent, reasons, strict=True)
        )
        weights = np.where(is_absent[..., None], np.float32(0), self.weights)
        return replace(self, indices=np.where(is_absent, -1, self.indices), weights=weights, absent=absent)


@dataclass(frozen=True)
class TargetColumns:
    """Checked targets, not yet tied to images: per column a class, a rank, the true class or a contrast of two.

    `per_image` (N, T) are classes that were given image by image; `labels` (N,) are the true classes, None where one is
    unknown. `bands` (T,) are the bands of the image that columns show, if each shows one.
    """

    classes: int
    class_names: tuple[str, ...]
    columns: tuple[Any, ...]
    per_image: Ints | None = None
    labels: tuple[int | None, ...] = ()
    bands: tuple[int, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """How each column reads in a heading."""
        if self.per_image is not None:
            texts = [f"target {i + 1}" for i in range(self.per_image.shape[1])]
        else:
            texts = [_text(c, self.class_names) for c in self.columns]
        return tuple(self._of_band(text, column) for column, text in enumerate(texts))

    def _of_band(self, text: str, column: int) -> str:
        return f"{text}{BAND}{self.bands[column]}" if self.bands else text

    def in_bands(self, bands: int) -> "TargetColumns":
        """A column for each target and each of so many bands."""
        per_image = None if self.per_image is None else self.per_image.repeat(bands, 1)
        columns = tuple(column for column in self.columns for _ in range(bands))
        targets = len(self.columns) if per_image is None else per_image.shape[1] // bands
        return replace(self, columns=columns, per_image=per_image, bands=tuple(range(bands)) * targets)

    @property
    def groups(self) -> tuple[range, ...]:
        """The columns that show bands of one map, or single ones."""
        if not self.bands:
            return tuple(range(column, column + 1) for column in range(len(self.texts)))
        # Bands of one target come one after the other, and in their order.
        starts = [c for c in range(len(self.bands)) if c == 0 or not self._goes_on(c)]
        return tuple(range(a, b) for a, b in zip(starts, [*starts[1:], len(self.bands)], strict=True))

    def _goes_on(self, column: int) -> bool:
        if self.bands[column] <= self.bands[column - 1]:
            return False
        if self.per_image is not None:
            return bool((self.per_image[:, column] == self.per_image[:, column - 1]).all())
        return self.columns[column] == self.columns[column - 1]

    @property
    def contrasts(self) -> tuple[bool, ...]:
        """Whether each column is the difference of two classes."""
        if self.per_image is not None:
            return (False,) * self.per_image.shape[1]
        return tuple(isinstance(c, Contrast) for c in self.columns)

    @property
    def needs_scores(self) -> bool:
        """Whether a column asks for the image's best classes."""
        return any(isinstance(side, _Rank) for column in self.columns for side in _sides(column))

    @property
    def needs_labels(self) -> bool:
        """Whether a column asks for the image's true class."""
        return any(isinstance(side, _True) for column in self.columns for side in _sides(column))

    @property
    def is_unanswerable(self) -> bool:
        """Whether every column asks for the true class, and no image has one."""
        asks = all(any(isinstance(side, _True) for side in _sides(column)) for column in self.columns)
        return bool(self.labels) and asks and all(label is None for label in self.labels)

    def with_labels(self, labels: Sequence[int | None]) -> "TargetColumns":
        """The same of images with these true classes, if a column asks for them.

        Raises:
            UnknownTargetError: it does, and there are none.
        """
        if not self.needs_labels:
            return self
        if not labels:
            named = [index for index, name in enumerate(self.class_names) if name == TRUE]
            hint = f' The class that is called "true" is asked by its index, {named[0]}.' if named else ""
            raise UnknownTargetError(
                f'"true" is the label of each image, and there are no labels: pass labels=, one for each image.{hint}'
            )
        return replace(self, labels=tuple(labels))

    def part(self, rows: slice) -> "TargetColumns":
        """The same for some of the images."""
        per_image = None if self.per_image is None else self.per_image[rows]
        return replace(self, per_image=per_image, labels=self.labels[rows])

    def only(self, columns: Sequence[int]) -> "TargetColumns":
        """Some of the columns."""
        bands = tuple(self.bands[column] for column in columns) if self.bands else ()
        if self.per_image is not None:
            return replace(self, per_image=self.per_image[:, list(columns)], bands=bands)
        return replace(self, columns=tuple(self.columns[column] for column in columns), bands=bands)

    def resolve(self, scores: Floats) -> Targets:
        """Targets of the images with these scores (N, C); only ranks look at their values."""
        n = len(scores)
        order = np.argsort(-scores, axis=1, kind="stable") if self.needs_scores else np.zeros((n, 0), np.int64)
        if self.per_image is not None:
            rows = [[_Resolved(int(c)) for c in row] for row in self.per_image]
        else:
            labels = self.labels or (None,) * n
            rows = [[self._resolve(c, order[i], labels[i]) for c in self.columns] for i in range(n)]
        indices = np.asarray([[-1 if one.absent or one.b is not None else one.a for one in row] for row in rows])
        weights = np.zeros((*indices.shape, self.classes), np.float32)
        for i, row in enumerate(rows):
            for column, (a, b, absent) in enumerate(row):
                if not absent:
                    weights[i, column, a] += 1
                if not absent and b is not None:
                    weights[i, column, b] -= 1
        names = tuple(tuple(self._name(one, c) for c, one in enumerate(row)) for row in rows)
        absent = tuple(tuple(one.absent for one in row) for row in rows)
        return Targets(indices.astype(np.int64), weights, names, absent)

    def _resolve(self, column: Any, order: Ints, label: int | None) -> "_Resolved":
        """What a column asks of one image, by its classes in the order of their scores and its label."""
        a, *others = (_index(side, order, label) for side in _sides(column))
        b = others[0] if others else None
        if a is None or (others and b is None):
            return _Resolved(-1, None, NO_LABEL)
        if a != b:
            return _Resolved(a, b)
        left, right = (_spoken(side, self.class_names) for side in _sides(column))
        same = f"Same class: {left} and {right} are the same class, {self.class_names[a]!r}"
        return _Resolved(a, b, f"{same}: there is no difference to explain.")

    def _name(self, one: "_Resolved", column: int) -> str:
        if one.a < 0:
            return self.texts[column]
        if one.b is None:
            return self._of_band(self.class_names[one.a], column)
        # Of a contrast no index is kept, so that its name has to say which classes it is of.
        return self._of_band(MINUS.join(_telling(side, self.class_names) for side in (one.a, one.b)), column)


@dataclass(frozen=True)
class _Rank:
    place: int


@dataclass(frozen=True)
class _True:
    """The label of an image, whatever it is."""


class _Resolved(NamedTuple):
    """The class of one image that is explained, less that of a contrast; `absent` says why there is none."""

    a: int
    b: int | None = None
    absent: str = ""


def _sides(column: Any) -> tuple[Any, ...]:
    return (column.a, column.b) if isinstance(column, Contrast) else (column,)


def _index(side: Any, order: Ints, label: int | None) -> int | None:
    if isinstance(side, _True):
        return label
    return int(order[side.place]) if isinstance(side, _Rank) else side


def _text(column: Any, names: Sequence[str]) -> str:
    if isinstance(column, Contrast):
        return _text(column.a, names) + MINUS + _text(column.b, names)
    if isinstance(column, _True):
        return TRUE
    if isinstance(column, _Rank):
        return "top" if column.place == 0 else f"top-{column.place + 1}"
    # As a text a name that reads as a rank or as the true class would mean another one.
    name = str(names[column])
    return f"class {column}" if is_reserved(name) else name


def _telling(index: int, names: Sequence[str]) -> str:
    """The name of a class, or its number where the name alone would mean another class, or several."""
    text = _text(index, names)
    return text if names.count(text) == 1 else f"class {index}"


def _spoken(side: Any, names: Sequence[str]) -> str:
    """A side of a contrast within a sentence."""
    text = _text(side, names)
    return repr(text) if isinstance(side, int) else {"top": "predicted"}.get(text, text)


def is_reserved(text: str) -> bool:
    """Whether a target of this text is a rank or the true class, whatever the classes are called."""
    return text == TRUE or RANK.fullmatch(text) is not None


def mentions_true(target: Any) -> bool:
    """Whether a target, as it was given or as text, asks for the image's label."""
    if isinstance(target, Contrast):
        return mentions_true(target.a) or mentions_true(target.b)
    return isinstance(target, str) and TRUE in target.split(MINUS)


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
    if is_whole_number(target):
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
    if a == b:
        text = _text(Contrast(a, b), names)
        raise UnknownTargetError(f"{text!r} has the same class on both sides, so it is 0 everywhere: choose another.")
    return Contrast(a, b)


def classes_named(text: str, names: Sequence[str]) -> list[int]:
    """Indices of the classes of this name, whatever its case; else of those whose synonyms begin with it."""
    exact = [index for index, name in enumerate(names) if name == text]
    alike = exact or [index for index, name in enumerate(names) if name.lower() == text.lower()]
    return alike or [index for index, name in enumerate(names) if name.split(", ")[0].lower() == text.lower()]


def _parse_text(text: str, names: tuple[str, ...]) -> Any:
    # Before the names: "top" is what is asked where nothing is said, and must not depend on what classes are called.
    if match := RANK.fullmatch(text):
        place = int(match[1] or 1) - 1
        if place >= len(names):
            raise UnknownTargetError(f"{text!r} asks for more classes than the model has ({len(names)}).")
        return _Rank(place)
    if text == TRUE:
        return _True()
    same = classes_named(text, names)
    if len(same) == 1:
        return same[0]
    if same:
        raise UnknownTargetError(f"{text!r} is the name of classes {', '.join(map(str, same))}; pass the index.")
    if (match := NUMBERED.fullmatch(text)) and int(match[1]) < len(names):
        return int(match[1])
    if BAND in text:
        # The heading of a column that shows one band of the map.
        return _parse_text(text.split(BAND)[0], names)
    if MINUS in text:
        a, b = text.split(MINUS, 1)
        return _contrast(_parse_text(a, names), _parse_text(b, names), names)
    raise UnknownTargetError(f"There is no class {text!r}.{did_you_mean(text, names)}")


def _accepted(classes: int) -> str:
    return (
        f'Pass a class index from 0 to {classes - 1}, a class name, "top", "top-2"…, "true" (each image\'s own label), '
        "or kx.contrast(a, b)."
    )


def numbered(classes: int) -> tuple[str, ...]:
    """What classes are called that nobody has named."""
    return tuple(f"class {i}" for i in range(classes))


def names_for(class_names: Any, classes: int, imagenet: bool) -> tuple[str, ...]:
    """Class names from what the user gave: a list, a dict by index, `"imagenet"` or None.

    Raises:
        UnknownTargetError: their number is not that of the classes, they have no order, or one of them is missing.

    Warns:
        RuntimeWarning: one of them reads as a rank or as the true class, "Top" for instance.
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
        if is_reserved(lowered := str(name).lower()):
            meaning = "the label of each image" if lowered == TRUE else "a rank"
            warnings.warn(
                f"Class {index} is called {str(name)!r}, and {lowered!r} means {meaning}, whatever the classes "
                f"are called: pass the index, {index}, to explain this class.",
                RuntimeWarning,
                stacklevel=10,
            )
    return tuple(map(str, names))
