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
# Of several classes, what is subtracted: "0.6 mean(tiger cat; lynx, catamount)". Names have commas.
MEAN = re.compile(r"(?:(\d+(?:\.\d+)?) )?mean\((.+)\)")
AND = "; "
# Between a target and the number of the band of which a map is.
BAND = " · band "
NO_LABEL = (
    "No label: the true class of this image is not known, so there is nothing to explain. Give it a label, or explain "
    "another class."
)


@dataclass(frozen=True)
class Contrast:
    """Score of `a` minus `weight` times that of `b`, or the mean of several, a tuple of them; see `contrast`."""

    a: Any
    b: Any
    weight: float = 1.0

    @property
    def others(self) -> tuple[Any, ...]:
        """What is subtracted, one or several."""
        return self.b if isinstance(self.b, tuple) else (self.b,)


def contrast(a: int | str, b: int | str | Sequence[int | str], weight: float = 1.0) -> Contrast:
    """The target "score a − weight · mean of the scores b": why this class rather than that one, or than those.

    With several classes that look alike it is Finer-CAM's, for every method: `contrast("top", ["top-2", "top-3",
    "top-4"], weight=0.6)`. Implementations differ: torch-cam takes the 3 classes whose scores are nearest, their mean
    and the weight 0.6, as here; pytorch-grad-cam the mean weighted by the classes' probabilities, whose gradient it
    follows too, and the weight 1.

    Args:
        a: class index, class name, `"top"`, `"top-2"`…, which are ranks, or `"true"`, the image's own label; the last
            two whatever the classes are called.
        b: the same, or a list of several. Of an image, classes that are the same count once, and `a` does not count.
        weight: how much of their mean is subtracted.

    Returns:
        A target for `explain` and `KxWidget`. For methods linear in the target its map is map(a) − weight · mean of
        the maps b. Its text, "a − 0.6 mean(b; c; d)", means the same wherever a target is asked for.

    Reference: Zhang et al. 2025, arXiv 2501.11309.
    """
    listed: Any = b.tolist() if isinstance(b, np.ndarray) and b.ndim == 1 else b
    others: tuple[Any, ...] = tuple(listed) if isinstance(listed, (list, tuple)) else (listed,)
    return Contrast(a, others[0] if len(others) == 1 else others, weight)


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
    """Checked targets, not yet tied to images: per column a class, a rank, the true class or a contrast.

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
        """Whether each column is the difference of a class and others."""
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
        indices = np.asarray([[-1 if one.absent or one.others else one.a for one in row] for row in rows])
        weights = np.zeros((*indices.shape, self.classes), np.float32)
        for i, row in enumerate(rows):
            for column, one in enumerate(row):
                if not one.absent:
                    weights[i, column, one.a] = 1
                    weights[i, column, list(one.others)] = -one.weight / max(1, len(one.others))
        names = tuple(tuple(self._name(one, c) for c, one in enumerate(row)) for row in rows)
        absent = tuple(tuple(one.absent for one in row) for row in rows)
        return Targets(indices.astype(np.int64), weights, names, absent)

    def _resolve(self, column: Any, order: Ints, label: int | None) -> "_Resolved":
        """What a column asks of one image, by its classes in the order of their scores and its label."""
        a, *indices = (_index(side, order, label) for side in _sides(column))
        if a is None or None in indices:
            return _Resolved(-1, absent=NO_LABEL)
        others = tuple(dict.fromkeys(index for index in indices if index is not None and index != a))
        if others or not indices:
            return _Resolved(a, others, column.weight if indices else 1.0)
        *sides, last = (_spoken(side, self.class_names) for side in _sides(column))
        same = f"Same class: {', '.join(sides)} and {last} are the same class, {self.class_names[a]!r}"
        return _Resolved(a, (a,), absent=f"{same}: there is no difference to explain.")

    def _name(self, one: "_Resolved", column: int) -> str:
        if one.a < 0:
            return self.texts[column]
        if not one.others:
            return self._of_band(self.class_names[one.a], column)
        # Of a contrast no index is kept, so that its name has to say which classes it is of.
        a, *others = (_telling(side, self.class_names) for side in (one.a, *one.others))
        return self._of_band(_joined(a, others, one.weight), column)


@dataclass(frozen=True)
class _Rank:
    place: int


@dataclass(frozen=True)
class _True:
    """The label of an image, whatever it is."""


class _Resolved(NamedTuple):
    """The class of one image that is explained, less those of a contrast; `absent` says why there is none."""

    a: int
    others: tuple[int, ...] = ()
    weight: float = 1.0
    absent: str = ""


def _sides(column: Any) -> tuple[Any, ...]:
    return (column.a, *column.others) if isinstance(column, Contrast) else (column,)


def _index(side: Any, order: Ints, label: int | None) -> int | None:
    if isinstance(side, _True):
        return label
    return int(order[side.place]) if isinstance(side, _Rank) else side


def _text(column: Any, names: Sequence[str]) -> str:
    if isinstance(column, Contrast):
        is_plain = _is_plain(column.others, column.weight)
        a, *others = (_text(side, names) if is_plain else _telling(side, names) for side in _sides(column))
        return _joined(a, others, column.weight)
    if isinstance(column, _True):
        return TRUE
    if isinstance(column, _Rank):
        return "top" if column.place == 0 else f"top-{column.place + 1}"
    # As a text a name that reads as a rank or as the true class would mean another one.
    name = str(names[column])
    return f"class {column}" if is_reserved(name) else name


def _telling(side: Any, names: Sequence[str]) -> str:
    """The name of a class, or its number where the name alone would mean another class, several, or a list."""
    text = _text(side, names)
    is_told = not isinstance(side, int) or (names.count(text) == 1 and AND not in text and MINUS not in text)
    return text if is_told else f"class {side}"


def _is_plain(others: Sequence[Any], weight: float) -> bool:
    """Whether a contrast is the difference of two scores."""
    return len(others) == 1 and weight == 1


def _joined(a: str, others: Sequence[str], weight: float) -> str:
    """The text of a contrast of these classes."""
    if _is_plain(others, weight):
        return a + MINUS + others[0]
    factor = "" if weight == 1 else f"{np.format_float_positional(weight, trim='-')} "
    return f"{a}{MINUS}{factor}mean({AND.join(others)})"


def _disjoined(text: str) -> tuple[list[str], float]:
    """What `_joined` put after the minus: the texts of the classes, and their weight."""
    match = MEAN.fullmatch(text)
    return (match[2].split(AND), float(match[1] or 1)) if match else ([text], 1.0)


def _spoken(side: Any, names: Sequence[str]) -> str:
    """A side of a contrast within a sentence."""
    text = _text(side, names)
    return repr(text) if isinstance(side, int) else {"top": "predicted"}.get(text, text)


def is_reserved(text: str) -> bool:
    """Whether a target of this text is a rank or the true class, whatever the classes are called."""
    return text == TRUE or RANK.fullmatch(text) is not None


def is_of_several(text: str) -> bool:
    """Whether this is the text of a contrast with the mean of several classes."""
    return MEAN.fullmatch(text.partition(MINUS)[2]) is not None


def mentions_true(target: Any) -> bool:
    """Whether a target, as it was given or as text, asks for the image's label."""
    if isinstance(target, Contrast):
        return any(map(mentions_true, _sides(target)))
    if not isinstance(target, str):
        return False
    a, *rest = target.split(MINUS, 1)
    return TRUE in (a, *(side for text in rest for side in _disjoined(text)[0]))


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
        a, *others = (_parse_one(side, names) for side in _sides(target))
        return _contrast(a, others, target.weight, names)
    if is_whole_number(target):
        if not 0 <= target < len(names):
            raise UnknownTargetError(f"There is no class {target}: the model has classes 0 to {len(names) - 1}.")
        return int(target)
    if isinstance(target, str):
        return _parse_text(target, names)
    raise UnknownTargetError(f"{target!r} is not a target. {_accepted(len(names))}")


def _contrast(a: Any, others: Sequence[Any], weight: Any, names: tuple[str, ...]) -> Contrast:
    for part in (a, *others):
        if isinstance(part, Contrast):
            raise UnknownTargetError(f"A contrast is of two classes, and {_text(part, names)!r} is one itself.")
    is_number = isinstance(weight, (int, float, np.number)) and not isinstance(weight, bool)
    if not is_number or not 0 < weight < np.inf:
        raise UnknownTargetError(f"contrast(…, weight={weight!r}): the weight must be a number above 0; leave it at 1.")
    if not others:
        raise UnknownTargetError(
            "contrast(a, []) has nothing to subtract: pass one class at least, or explain a alone."
        )
    column = Contrast(a, others[0] if len(others) == 1 else tuple(others), float(weight))
    if a in others and len(others) == 1:
        text = _text(column, names)
        raise UnknownTargetError(f"{text!r} has the same class on both sides, so it is 0 everywhere: choose another.")
    if len({a, *others}) < 1 + len(others):
        raise UnknownTargetError(f"{_text(column, names)!r} names a class twice: name each of them once.")
    return column


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
        a, rest = text.split(MINUS, 1)
        sides, weight = ([rest], 1.0) if classes_named(rest, names) else _disjoined(rest)
        return _contrast(_parse_text(a, names), [_parse_text(side, names) for side in sides], weight, names)
    raise UnknownTargetError(f"There is no class {text!r}.{did_you_mean(text, names)}")


def _accepted(classes: int) -> str:
    return (
        f'Pass a class index from 0 to {classes - 1}, a class name, "top", "top-2"…, "true" (each image\'s own label), '
        "kx.contrast(a, b) or kx.contrast(a, [b, c, …], weight=…)."
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
