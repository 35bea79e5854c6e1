"""The nouns of the engine, frozen.

Shape letters, used everywhere: N images, B images in one model call, T targets per image, C classes,
H×W the model's input size, h×w the size of a map, K channels of a layer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Head = Literal["softmax", "sigmoid", "linear", "unknown"]
Predicted = Literal["probability", "score", "value", "share"]
Notes = tuple[str, ...]
# A region of an image, (x0, y0, x1, y1) in fractions of its sides.
Box = tuple[float, float, float, float]
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True)
class LayerInfo:
    """One call of one layer.

    Attributes:
        path: names it through the nesting, `"resnet50/conv5_block3_out"`.
        type: name of the layer's class.
        shape: of its output, without the batch axis.
        spatial: the (h, w) of the map that it would give, or None.
        is_candidate: whether it gives a map.
        reason: why it does not.
        first: of a layer of tokens, the index of the first that is a cell of the map; prefix tokens stand before it.
        aside: why a list can leave out a candidate: another layer's map shows the same.
    """

    path: str
    type: str
    shape: tuple[int | None, ...]
    spatial: tuple[int, int] | None
    is_candidate: bool
    reason: str = ""
    first: int = 0
    aside: str = ""


@dataclass(frozen=True)
class Inspection:
    """Facts about a model, found without running it.

    Attributes:
        layers: all layers in the order of the model, each with its path, its shape, and whether it gives a map.
        recommended: path of the layer to explain by default; None where no layer has a map.
        why: a sentence that says why this layer.
        head: the final activation.
        classes: how many classes, or values, the model tells.
        input_shape: (H, W, C) of the image that is explained.
        nested: whether the model holds other models.
        token_grid: the (h, w) in which a token model's patches lie, or None.
        attention_start: path of the layer at which methods that follow attention start, or None.
        recommended_method: id of the method to begin with.
        why_method: a sentence that says why this method.
        cautions: by method id, or by what a method sees, how far its maps can be trusted here.
        heads: the heads of each block's attention, as paths below the layer that they belong to.
    """

    layers: tuple[LayerInfo, ...]
    recommended: str | None
    why: str
    head: Head
    classes: int
    input_shape: tuple[int, int, int]
    nested: bool
    token_grid: tuple[int, int] | None = None
    attention_start: str | None = None
    recommended_method: str = "gradcam"
    why_method: str = ""
    cautions: Mapping[str, str] = field(default_factory=dict)
    heads: tuple[tuple[str, ...], ...] = ()

    def layer_for(self, sees: str) -> str | None:
        """The layer that a method takes by default, by what it sees; None for the input."""
        places = {"layer": self.recommended, "both": self.recommended, "attention": self.attention_start}
        return places.get(sees)

    @property
    def candidates(self) -> tuple[str, ...]:
        """Paths of the layers that give a map."""
        return tuple(layer.path for layer in self.layers if layer.is_candidate)


@dataclass(frozen=True)
class Parameter:
    """One parameter of a method or wrapper: what it is called, what it takes, and how a form shows it.

    Attributes:
        name: of the keyword.
        kind: what it takes: one of `choices`, a whole number, a number, yes or no, numbers, or images.
        default: its value where nobody says another.
        help: a sentence for people.
        choices: the values of a choice.
        minimum: the least number, None for no bound.
        maximum: the largest number, None for no bound.
        step: by how much a form changes it, None for what suits its range.
        heading: what a form calls it, "" for its name.
    """

    name: str
    kind: Literal["choice", "int", "float", "bool", "numbers", "images"]
    default: Any
    help: str
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    heading: str = ""

    @property
    def title(self) -> str:
        """The name as a form shows it."""
        return self.heading or self.name.replace("_", " ").capitalize()


@dataclass(frozen=True)
class Workload:
    """What an answer about one image takes its passes through.

    `height` and `width` are those of the model's input, `channels` those of the layer, and `head` is the part of a
    forward pass that comes after it, 0 to 1.
    """

    height: int
    width: int
    channels: int = 0
    head: float = 1.0


@dataclass(frozen=True)
class Partial:
    """What a method yields: its maps so far, and how many of its passes are done.

    Attributes:
        maps: float32 (B, h, w), raw.
        done: how many passes are done.
        total: how many there are.
        checks: by name, float32 (B,): what the method can say of its own exactness.
        noise: (B,), a magnitude up to which values mean nothing, where the method knows one: what rounding leaves of
            terms that cancel.
    """

    maps: Floats
    done: int = 1
    total: int = 1
    checks: dict[str, Floats] = field(default_factory=dict)
    noise: Floats | None = None


@dataclass(frozen=True, eq=False)
class LocatedRegion:
    """Where the score of a map comes from: see `engine.regions.Region`.

    `at` are x and y, or the x0, y0, x1, y1 of a box, in pixels of the picture; `cells` (h, w) of the output are those
    of an object or a mask; `words` say the same.
    """

    kind: str
    words: str
    at: tuple[float, ...] = ()
    cells: NDArray[np.bool_] | None = None


@dataclass(frozen=True, eq=False)
class Frame:
    """One map that has changed, and all that is known of it.

    `image` and `column` say which of the images and targets it belongs to; `values` (h, w) is an array of its own,
    raw; `score` is before the final softmax or sigmoid; `target` is −1 for a contrast, whose `probability` is NaN; a
    map that is `final` will not change any more, and only then has `notes`; `checks` are by name; `done` is the part of
    the map's passes that are made, 0 to 1. `unit` is that of a value, "" of one without, None of a class; `region` says
    which places count, of a model that has scores for several.
    """

    image: int
    column: int
    values: Floats
    score: float
    probability: float
    target: int
    target_name: str
    final: bool
    notes: Notes = ()
    checks: Mapping[str, float] = field(default_factory=dict)
    done: float = 1.0
    unit: str | None = None
    region: LocatedRegion | None = None


@dataclass(frozen=True, eq=False)
class Frames:
    """The maps that one pass has changed; `done` of about `total` passes of the question are made."""

    frames: tuple[Frame, ...]
    done: int
    total: int


@dataclass(frozen=True, eq=False)
class Step:
    """One state of a running explanation.

    Attributes:
        maps: float32 (N, T, h, w), NaN where nothing is known yet.
        scores: float32 (N, T), NaN where nothing is known yet.
        done: how many passes are done.
        total: how many there are.
        complete: bool (N, T), the maps that will not change any more.
    """

    maps: Floats
    scores: Floats
    done: int
    total: int
    complete: NDArray[np.bool_]
