"""What is synced with the browser."""

import math
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anywidget
import traitlets as t

from kx_widget.engine.display import SIGNS, check_clip
from kx_widget.engine.drawing import COLORMAP, DIVERGING, PHOTOS, SEQUENTIAL, STYLES
from kx_widget.engine.errors import KxError, ParameterError, did_you_mean, near
from kx_widget.engine.postprocess import SCALES
from kx_widget.engine.scalars import Target
from kx_widget.engine.targets import Contrast, classes_named
from kx_widget.widget.call_site import variable_of
from kx_widget.widget.region_traits import Regions

COLORMAPS = (*SEQUENTIAL, *DIVERGING)
QUESTION = ("layer", "method", "target", "params", "compare", "compare_with", "regions")
READ_ONLY = ("status", "progress", "error", "weights_changed")
PYTHON_ONLY = ("_images", "_snapshot", "_names", "_own_targets", "_esm", "_css", "_anywidget")
OUTCOMES = ("all", "wrong", "right", "unlabelled")
# What becomes of a prediction from model to model, and numbers of an image that tell how far models disagree.
CHANGES = ("changed", "same", "broken", "mended")
DISAGREEMENTS = ("shift", "map_agreement")
# Of a number of an image that there is none of.
NOT_TOLD = "not told"
# Images of which one is suspected, by its number.
SUSPICION = "suspicion"
SORTS = ("given", "wrong", "unsure", "sure", "high", "low")


class Fraction(t.Float[float, Any]):
    """A number from 0 to 1, neither a truth value nor NaN."""

    def validate(self, obj: Any, value: Any) -> float:
        """The number as a float.

        Raises:
            TraitError: it is no such number.
        """
        if isinstance(value, bool) or (isinstance(value, float) and math.isnan(value)):
            raise t.TraitError(f"{self.name} must be a number from 0 to 1, not {value}.")
        return super().validate(obj, value)


class Choice(t.TraitType[str, Any]):
    """One of some values, for which the words that the page has for them may stand, too.

    Args:
        values: what can be chosen.
        default: one of them.
        words: of the page, and what they mean.
    """

    def __init__(self, values: Sequence[str], default: str, words: Mapping[str, str] | None = None) -> None:
        super().__init__(default)
        self._values, self._words = values, words or {}

    def validate(self, obj: Any, value: Any) -> str:
        """The value.

        Raises:
            TraitError: it is none of them.
        """
        meant = self._words.get(value, value) if isinstance(value, str) else value
        if not isinstance(meant, str) or meant not in self._values:
            raise t.TraitError(f"There is no {self.name} {value!r:.100}.{did_you_mean(value, self._values)}")
        return meant


class Clip(t.TraitType[Any, Any]):
    """A percentile from 50 to 100, or None."""

    def validate(self, obj: Any, value: Any) -> float | None:
        """The percentile as it is.

        Raises:
            TraitError: it is none.
        """
        try:
            check_clip(value)
        except ParameterError as error:
            raise t.TraitError(str(error)) from None
        return value


class Limits(t.List[float]):
    """Where the colours begin and end, in parts of the scale."""

    def validate(self, obj: Any, value: Any) -> list[float]:
        """The two ends.

        Raises:
            TraitError: these are no ends.
        """
        ends = list(value) if isinstance(value, (list, tuple)) else []
        if not (len(ends) == 2 and all(map(_is_number, ends)) and 0 <= ends[0] < ends[1] <= 1):
            raise t.TraitError(f"{self.name} must be like [0, 0.5], two numbers from 0 to 1, not {value!r:.100}.")
        return ends


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


class AskedTarget(t.TraitType[Any, Any]):
    """A class, a rank, a contrast, or a target of one's own, which becomes its text as it is taken over."""

    def validate(self, obj: Any, value: Any) -> Any:
        """The target as it is.

        Raises:
            TraitError: it is none, or several.
        """
        if isinstance(value, bool) or not isinstance(value, (str, int, Contrast, Target)):
            raise t.TraitError(
                f"{self.name} must be a class, a rank like 'top', a contrast or a Target, not {value!r:.100}."
            )
        return value


class Traits(anywidget.AnyWidget):
    """What a `KxWidget` can be told and asked: each picker and control of the page is one of these.

    Attributes:
        layer: path of the layer that is explained.
        method: id of the method.
        target: what is explained: a class by index or name, a rank such as `"top"`, a contrast, or a `Target`.
        params: the method's parameters, and `smooth` or `tta` settings.
        compare: what columns show side by side: `"none"`, `"targets"`, `"methods"` or `"layers"`.
        compare_with: the targets, methods or layers of these columns.
        regions: which places of the output count, by image; `region` sets it, too.
        sign: which part of a map is shown: `"auto"`, `"positive"`, `"absolute"` or `"signed"`.
        scale: what shares one colour scale: each `"map"`, the maps of an `"image"`, or `"all"`.
        clip: the percentile at which colours end, 50 to 100; None for the method's own.
        limits: where colours begin and end, in parts of the scale.
        colormap: name of the colour table.
        opacity: of the map, 0 to 1.
        threshold: the part of the scale below which nothing is drawn, 0 to 1.
        photo: how the picture below is drawn: `"gray"` or `"colour"`.
        map_style: how the map is drawn, `"fill"` or `"contours"`.
        cells: whether the cells of the map are drawn as they are, not interpolated.
        pixelated: whether enlarged pictures show their pixels.
        swipe: how much of the picture is bared from the left, 0 to 1.
        overlay: what lies over the pictures: `"map"`, a segmenter's `"prediction"`, `"both"`, or `"concepts"`.
        selected: the images in focus, by number.
        labels: the true class of each image, by index or name, None where it is unknown.
        show: which images are shown: `"all"`, `"wrong"`, `"right"`, `"unlabelled"`, `"predicted cat"`, `"true cat"`; of
            a store also `"area50 < 0.1"`.
        sort: the order of the rows: `"given"`, `"wrong"`, `"unsure"`, `"sure"`, or, of a store, `"random_logit high"`.
        theme: `"auto"`, `"light"` or `"dark"`.
        height: of the whole view in pixels, None for what fits the window.
        status: `"idle"`, `"running"`, `"done"`, `"cancelled"` or `"error"`; only to be read.
        progress: how much of the answer is there, 0 to 1; only to be read.
        error: what went wrong, in a sentence, else ""; only to be read.
        weights_changed: whether the model's weights are others than those of the answer; only to be read.
    """

    _esm = Path(__file__).parent / "static" / "widget.js"

    layer = t.Unicode("").tag(sync=True)
    method = t.Unicode("gradcam").tag(sync=True)
    target = AskedTarget("top").tag(sync=True)
    params = t.Dict(key_trait=t.Unicode()).tag(sync=True)
    compare = Choice(["none", "targets", "methods", "layers", "models"], "none", {"classes": "targets"}).tag(sync=True)
    compare_with = t.List().tag(sync=True)
    regions = Regions({}).tag(sync=True)
    sign = Choice(SIGNS, "auto").tag(sync=True)
    scale = Choice(SCALES, "map", {"per map": "map", "per image": "image", "shared": "all"}).tag(sync=True)
    clip = Clip(None, allow_none=True).tag(sync=True)
    limits = Limits(t.Float(), [0, 1]).tag(sync=True)
    colormap = Choice(COLORMAPS, COLORMAP).tag(sync=True)
    opacity = Fraction(0.7, min=0, max=1).tag(sync=True)
    threshold = Fraction(0.0, min=0, max=1).tag(sync=True)
    photo = Choice(PHOTOS, "gray").tag(sync=True)
    map_style = Choice(STYLES, "fill", {"filled": "fill"}).tag(sync=True)
    cells = t.Bool(False).tag(sync=True)
    pixelated = t.Bool(False).tag(sync=True)
    swipe = Fraction(0.0, min=0, max=1).tag(sync=True)
    # What lies over the pictures; a prediction over those of a segmenter.
    overlay = Choice(["map", "prediction", "both", "concepts"], "map").tag(sync=True)
    selected = t.List(t.Int(min=0), [0]).tag(sync=True)
    labels = t.TraitType(()).tag(sync=True)
    # Which images are shown, and in which order.
    show = t.Unicode("all").tag(sync=True)
    sort = t.Unicode("given").tag(sync=True)
    theme = Choice(["auto", "light", "dark"], "auto").tag(sync=True)
    # Pixels of the whole view; None for what fits the window.
    height = t.Int(None, min=240, allow_none=True).tag(sync=True)
    status = t.Enum(["idle", "running", "done", "cancelled", "error"], "idle", read_only=True).tag(sync=True)
    progress = t.Float(0.0, read_only=True).tag(sync=True)
    error = t.Unicode("", read_only=True).tag(sync=True)
    # Since the answer; found after a cell, or once a view comes into sight.
    weights_changed = t.Bool(False, read_only=True).tag(sync=True)
    _images = t.List().tag(sync=True)
    _detections = t.List().tag(sync=True)  # of each image, where the model is a detector; see `detected`
    _names = t.Dict().tag(sync=True)  # the user's own variables that hold a trait's value, by the trait
    _own_targets = t.List().tag(sync=True)  # those that were asked for, by name; see `own_targets`
    _snapshot = t.Bytes(b"").tag(sync=True)  # the latest answer, for pages without a kernel; see `archive`

    def __init__(self, **state: Any) -> None:
        self._lock = threading.RLock()
        super().__init__(**state)

    def __setattr__(self, name: str, value: Any) -> None:
        """Assign a trait, while no other thread holds several; refuse names that are none.

        Raises:
            ParameterError: there is no such trait.
        """
        if name.startswith("_"):
            super().__setattr__(name, value)
            return
        if not hasattr(type(self), name):
            traits = [trait for trait in self.trait_names(sync=True) if not trait.startswith("_")]
            similar = near(name, traits, most=1)
            hint = f"Did you mean {similar[0]!r}?" if similar else "Make a new widget to change what it was made from."
            raise ParameterError(f"A KxWidget has no trait {name!r} to set. {hint}")
        with self._lock:
            super().__setattr__(name, value)
            if name == "labels":
                variable = variable_of(value)
                self._names = {name: variable} if variable else {}

    @contextmanager
    def hold_trait_notifications(self) -> Generator[None, None, None]:
        """As in traitlets, for one thread at a time: what another one assigns meanwhile is checked by itself."""
        with self._lock, super().hold_trait_notifications():
            yield

    def notify_change(self, change: Any) -> None:
        """Notify observers in one thread at a time: the worker, cells and the browser all change traits."""
        with self._lock:
            super().notify_change(change)


def as_trait_error(error: KxError) -> KxError:
    """The same error, for which traitlets also takes back what several assignments at once have set."""
    kind = type(error)
    names: dict[str, Any] = {"__module__": kind.__module__, "__reduce__": lambda self: (kind, self.args)}
    return type(kind.__name__, (kind, t.TraitError), names)(*error.args)


def read_filter(
    text: str,
    class_names: Sequence[str],
    columns: Sequence[str] = (),
    suspicions: int = 0,
    outcomes: Sequence[str] = OUTCOMES,
) -> str:
    """Which images are shown, as the page has it.

    That is one of the outcomes, a class by its index, a column that is told, below or above, or one of so many
    suspicions, from 1.

    Raises:
        ParameterError: it is no filter.
    """
    kind, _, name = text.partition(" ")
    if text in outcomes:
        return text
    if kind in ("predicted", "true"):
        known = name.isdecimal() and int(name) < len(class_names)
        classes = [int(name)] if known else classes_named(name, class_names)
        if len(classes) == 1:
            return f"{kind} {classes[0]}"
    if kind in columns and (name == NOT_TOLD or _is_bound(name)):
        return text
    if kind == SUSPICION and name.isdecimal() and 0 < int(name) <= suspicions:
        return f"{kind} {int(name)}"
    more = f", or a number of each image, like '{columns[0]} < 0.5' or '{columns[0]} {NOT_TOLD}'" if columns else ""
    more += f", or '{SUSPICION} 1' to '{SUSPICION} {suspicions}'" if suspicions else ""
    raise ParameterError(
        f"show={text!r:.100} is no choice of images: pass {', '.join(map(repr, outcomes))}, or a class, like "
        f"'predicted cat' or 'true 3'{more}."
    )


def _is_bound(text: str) -> bool:
    """Whether a text is like `< 0.5`."""
    sign, _, number = text.partition(" ")
    try:
        return sign in ("<", ">") and math.isfinite(float(number))
    except ValueError:
        return False


def read_sort(text: str, columns: Sequence[str] = ()) -> str:
    """In which order images are shown.

    Raises:
        ParameterError: it is none.
    """
    known = (*SORTS, *(f"{name} {end}" for name in columns for end in ("low", "high")))
    if text in known:
        return text
    raise ParameterError(f"There is no sort {text!r:.100}.{did_you_mean(text, known)}")
