"""What will likely be asked next, and costs next to nothing now."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kx_widget.engine.explainer import Explainer
from kx_widget.engine.question import Question
from kx_widget.engine.types import Floats, Frame
from kx_widget.engine.wrappers import WRAPPERS

CLASSES = 5
SECONDS = 0.25
# The page draws the answer first: it may run on the same cores.
PAUSE = 0.15
QUICK = "instant"


def quickly(question: Question, stale: Callable[[], bool]) -> list[Frame] | None:
    """The maps of an answer, None where it takes longer than it is worth or is not wanted any more."""
    start = time.perf_counter()
    maps: list[Frame] = []
    for frames in question.stream(partials=False):
        if stale() or time.perf_counter() - start > SECONDS:
            return None
        maps += frames.frames
    return maps


def key_of(owner: str, asked: Mapping[str, Any], weights: int) -> str:
    """A short name of the owner's answer to a question, asked of a model with this version of its weights."""
    text = json.dumps([owner, weights, asked], sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def neighbours(asked: Mapping[str, Any], scores: Floats, explainer: Explainer) -> Iterator[dict[str, Any]]:
    """Questions one click away from `asked`: the best other classes of an image, then the other quick methods.

    Args:
        asked: the traits of a question.
        scores: of the image in focus (C,).
        explainer: knows the methods, and the classes' names, by which the page asks wherever they tell them apart.
    """
    names, entry = explainer.class_names, explainer.methods[asked["method"]]
    if asked["compare"] != "none" or entry.sees != "layer" or any(asked["params"].get(name) for name in WRAPPERS):
        return
    for index in scores.argsort()[::-1][:CLASSES].tolist():
        target = names[index] if names.count(names[index]) == 1 else index
        if target != asked["target"]:
            yield {**asked, "target": target}
    if entry.cost == QUICK:
        for other in explainer.methods.values():
            if other.cost == QUICK and other.sees == "layer" and other.id != entry.id:
                yield {**asked, "method": other.id, "params": {}}
