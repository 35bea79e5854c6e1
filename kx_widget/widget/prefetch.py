"""Questions that will likely be asked next, and can be answered at once now."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from kx_widget.engine.explainer import Explainer
from kx_widget.engine.targets import TRUE, is_reserved
from kx_widget.engine.types import Floats
from kx_widget.engine.wrappers import WRAPPERS
from kx_widget.widget.answer_sources import Part
from kx_widget.widget.serialize import Tile

CLASSES = 5
METHODS = 8
SECONDS_A_QUESTION = 0.25
# The page draws the answer first: it may run on the same cores.
PAUSE = 0.15
QUICK = "instant"


def quick_tiles(parts: Iterable[Part], stale: Callable[[], bool]) -> dict[tuple[int, int], Tile] | None:
    """All maps of an answer, None where they take too long or are not wanted any more."""
    start = time.perf_counter()
    tiles: dict[tuple[int, int], Tile] = {}
    for part in parts:
        tiles |= part.tiles(part.kept)
        for frames in part.stream(False):
            if stale() or time.perf_counter() - start > SECONDS_A_QUESTION:
                return None
            tiles |= part.tiles(frames.frames)
    return tiles


def neighbours(
    traits: Mapping[str, Any], scores: Floats, explainer: Explainer, label: int | None = None
) -> Iterator[dict[str, Any]]:
    """Traits of questions one click away: the true class, the best classes of an image, other quick methods.

    Args:
        traits: of the question.
        scores: of the image in focus (C,).
        explainer: knows the methods, and the classes' names, by which the page asks wherever they tell them apart.
        label: the true class of the image in focus, None where it is unknown.
    """
    names, method = explainer.class_names, explainer.methods[traits["method"]]
    if (
        explainer.tiling is not None
        or traits["compare"] not in ("none", "models")
        or method.sees != "layer"
        or any(traits["params"].get(name) for name in WRAPPERS)
    ):
        return
    if label is not None and traits["target"] != TRUE:
        yield {**traits, "target": TRUE}
    for index in scores.argsort()[::-1][:CLASSES].tolist():
        is_clear = names.count(names[index]) == 1 and not is_reserved(names[index])
        target = names[index] if is_clear else index
        if target != traits["target"]:
            yield {**traits, "target": target}
    if method.cost == QUICK:
        quick = [row.id for row in explainer.methods.values() if row.cost == QUICK and row.sees == "layer"]
        for name in [name for name in quick if name != method.id][:METHODS]:
            yield {**traits, "method": name, "params": {}}
