"""One question at several layers: what they share is computed once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from kx_widget.engine.errors import UnsupportedMethodError
from kx_widget.engine.graph.trace import Call
from kx_widget.engine.methods import METHODS
from kx_widget.engine.partials import checked
from kx_widget.engine.question import Question, model_failures
from kx_widget.engine.registry import Method
from kx_widget.engine.tiled import TiledQuestion
from kx_widget.engine.types import Floats


def warm_cache(questions: Sequence[Question]) -> None:
    """Compute for the cache what questions need that differ only in the layer.

    It takes one forward and one backward pass a target in all; what does not fit into the cache is computed again.
    """
    calls = list({q.layer: q.call for q in questions if q.call is not None and q.method.sees == "layer"}.values())
    # What is known of hundreds of tiles would not fit.
    if len(calls) < 2 or any(q.wrappers or isinstance(q, TiledQuestion) for q in questions):
        return
    with model_failures():
        _compute_facts(questions[0], calls)


def _compute_facts(first: Question, calls: Sequence[Call]) -> None:
    # Both the activation and the gradient of each layer come out.
    extra_bytes = sum(2 * first.model.graph.shapes.bytes(call.tensor) for call in calls)
    for rows, probe in first.probes(backward=True, extra_bytes=extra_bytes):
        for target in first.targets(rows, probe).weights.swapaxes(0, 1):
            weights = np.ascontiguousarray(target)
            if not probe.has_layers(calls, weights):
                probe.cache_layers(calls, weights)


def quick_method(question: Question) -> Method:
    """The question's method where one pass at all layers answers it, else Grad-CAM."""
    quick = question.method.sees == "layer" and question.method.cost == "instant"
    return question.method if quick else METHODS["gradcam"]


def _at_once(work: Callable[[], None]) -> bool:
    work()
    return True


def maps_at_all_layers(
    question: Question,
    image: int,
    column: int,
    stale: Callable[[], bool],
    wait_for: Callable[[Callable[[], None]], bool] = _at_once,
) -> Iterator[tuple[str, Floats]]:
    """Compute one image's map at each layer that has one, in one forward and one backward pass in all.

    The method is that of `quick_method`. For a method that looks at attention, the maps are instead where each head
    looks, from the tokens that the model's head reads; these take no pass after the method's own.

    Activations of hundreds of layers would push what is known about the images out of the cache, so that they are kept
    in one of their own while this runs.

    Args:
        question: what is asked at one of the layers; wrappers are left out.
        image: which image.
        column: which of the question's targets.
        stale: asked whenever stopping is possible; True ends it.
        wait_for: runs a function that takes seconds the first time, in another thread if it likes, and says whether
            to go on.

    Yields:
        Path and map (h, w). A layer at which the method cannot be used is left out.
    """
    with model_failures():
        if question.method.sees == "attention":
            yield from _attention_of_all_heads(question, image, stale)
        else:
            yield from _maps(question, image, column, stale, wait_for)


def _maps(
    question: Question,
    image: int,
    column: int,
    stale: Callable[[], bool],
    wait_for: Callable[[Callable[[], None]], bool],
) -> Iterator[tuple[str, Floats]]:
    model, method = question.model, quick_method(question)
    params = question.params if method is question.method else method.complete({})
    rows = slice(image, image + 1)
    probe = replace(question.probe(rows), call=None)
    targets = question.targets(rows, probe)
    if targets.absent[0][column]:
        return
    weights = np.ascontiguousarray(targets.weights[:, column])
    infos = model.inspection.layers
    layers = [(call, li) for call, li in zip(model.graph.calls, infos, strict=True) if li.is_candidate]
    calls = [call for call, _ in layers]
    if not wait_for(lambda: model.functions.warm_layers(calls, probe.inputs, probe.with_region(weights))) or stale():
        return
    probe = probe.apart()
    probe.cache_layers(calls, weights)
    for call, info in layers:
        if stale():
            return
        try:
            *_, last = checked(method)(replace(probe, call=call, spatial=info.spatial), weights, **params)
        except UnsupportedMethodError:
            continue
        maps = last.maps if method.finish is None else method.finish(last.maps, **params)
        yield info.path, maps[0]


def _attention_of_all_heads(question: Question, image: int, stale: Callable[[], bool]) -> Iterator[tuple[str, Floats]]:
    probe = replace(question.probe(slice(image, image + 1)), call=None)
    for paths, attention in zip(question.model.inspection.heads, probe.attentions(question.method.title), strict=True):
        if stale():
            return
        read = np.einsum("t,hts->hs", probe.read_out, attention[0])  # (heads, T)
        yield from zip(paths, probe.on_the_patches(read), strict=True)
