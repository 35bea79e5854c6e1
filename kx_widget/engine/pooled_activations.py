"""The mean activations of images at a layer, by which they are compared."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from kx_widget.engine.errors import ModelError, ParameterError
from kx_widget.engine.inspection import find_call
from kx_widget.engine.probe import Probe
from kx_widget.engine.question import Question, model_failures
from kx_widget.engine.tiled import TiledQuestion
from kx_widget.engine.types import Floats


def embedding_question(question: Question) -> Question:
    """The question at the layer whose mean activations tell which images are alike: its own, if its method sees that.

    Raises:
        Those of `at_layer`.
    """
    return at_layer(question, question.layer if question.method.sees == "layer" else None)


def at_layer(question: Question, layer: str | None) -> Question:
    """The same question at a layer, the recommended one if that is None.

    Raises:
        UnknownLayerError: there is no such layer, or it has no map.
        ModelError: no layer of the model has a map.
        ParameterError: the images are pictures in tiles.
    """
    if isinstance(question, TiledQuestion):
        raise ParameterError(
            "Pictures in tiles are not compared, for no layer sees all of one: pass them to an Explainer without tile=."
        )
    inspection = question.model.inspection
    path = inspection.recommended if layer is None else layer
    if path is None:
        raise ModelError(f"Images are compared by the activations of a layer with a map. {inspection.why}")
    return replace(question, call=find_call(question.model.graph, inspection, path))


def pooled_activations(question: Question) -> Iterator[tuple[slice, Floats]]:
    """The mean over the places of a layer's activations, some images at a time: their rows, and (B, K).

    Of images whose activations are still kept, as those of a map at this layer are, it takes no pass.

    Args:
        question: at a layer, see `at_layer`.

    Raises:
        ModelError: as in `Explainer.explain`.
    """
    with model_failures():
        for rows, probe in question.probes(backward=False):
            yield rows, _pooled(replace(probe, attends=False))


def all_pooled(question: Question) -> Floats:
    """The mean activations of all images (N, K); see `pooled_activations`."""
    return np.concatenate([values for _, values in pooled_activations(question)])


def _pooled(probe: Probe) -> Floats:
    assert probe.call is not None
    return probe.kept(f"pooled {probe.call.path}", lambda: probe.activations().mean((1, 2)))
