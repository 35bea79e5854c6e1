"""All pictures along the curves of a map, as few bytes: each of their pixels is the picture's or the cover's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kx_widget.engine.drawing import encode
from kx_widget.engine.evaluation import CURVES
from kx_widget.widget.serialize import finite

if TYPE_CHECKING:
    # A store is shown without TensorFlow.
    from kx_widget.engine.scored_picture import ScoredPicture

CLASSES, VALUES = 5, 12

Tell = Callable[["ScoredPicture"], list[dict[str, Any]]]


@dataclass(frozen=True, eq=False)
class ScoredCurves:
    """What was scored at every step of both curves of one map.

    Attributes:
        image, column: the map.
        cover: what covers.
        picture: the image, PNG.
        covering: all of it covered, PNG.
        levels: of each pixel the last step at which it is not covered along the deletion curve, nor shown along that of
            insertion, PNG.
        classes: by curve the most probable classes at each step.
    """

    image: int
    column: int
    cover: str
    picture: bytes
    covering: bytes
    levels: bytes
    classes: dict[str, list[list[dict[str, Any]]]]

    @property
    def parts(self) -> tuple[bytes, bytes, bytes]:
        """The three pictures that all others are made of."""
        return self.picture, self.covering, self.levels


def scored_curves(
    image: int, column: int, cover: str, steps: int, scored: Callable[..., ScoredPicture], tell: Tell | None = None
) -> ScoredCurves:
    """Gather what was scored along both curves.

    Args:
        image, column: the map.
        cover: what covers.
        steps: of the curves, at most 255.
        scored: asked with `curve` and `step`, tells what was scored there; of a curve that is known this takes no pass.
        tell: what is told of each picture; by default the classes of most score.
    """
    tell = tell or best_classes
    pictures = {curve: [scored(curve=curve, step=step) for step in range(steps + 1)] for curve in CURVES}
    first, last = pictures["deletion"][0].pixels, pictures["deletion"][-1].pixels
    is_shown = np.stack([(each.pixels == first).all(-1) for each in pictures["deletion"][1:]])
    # Where the cover looks like the picture, any level is right.
    levels: NDArray[np.uint8] = np.where((first == last).all(-1), 0, is_shown.sum(0)).astype(np.uint8)
    return ScoredCurves(
        image=image,
        column=column,
        cover=cover,
        picture=encode(first, optimize=True),
        covering=encode(last, optimize=True),
        levels=encode(levels, optimize=True),
        classes={curve: [tell(each) for each in each_curve] for curve, each_curve in pictures.items()},
    )


def best_classes(scored: ScoredPicture) -> list[dict[str, Any]]:
    """The classes of most score, as a `covered` message tells them."""
    return [_record(scored, index) for index in scored.scores.argsort()[::-1][:CLASSES].tolist()]


def values(scored: ScoredPicture) -> list[dict[str, Any]]:
    """The first values of a regression in their own order, of which none is more predicted than another."""
    return [_record(scored, index) for index in range(len(scored.scores))[:VALUES]]


def own_value(scored: ScoredPicture, target: int) -> list[dict[str, Any]]:
    """A number of the user's own, which is that of no class."""
    return [_record(scored, target) | {"index": -1}]


def _record(scored: ScoredPicture, index: int) -> dict[str, Any]:
    return {"index": index, "probability": finite(scored.probabilities[index]), "score": float(scored.scores[index])}
