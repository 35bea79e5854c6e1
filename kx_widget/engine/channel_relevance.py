"""What each channel of a layer contributes to a score, wherever in the image it does."""

from collections.abc import Iterator

import numpy as np

from kx_widget.engine.errors import UnsupportedMethodError
from kx_widget.engine.question import Question, model_failures
from kx_widget.engine.types import Floats


def channels_of(question: Question) -> int:
    """How many channels K the layer has that a question looks at.

    Raises:
        UnsupportedMethodError: its method looks at no layer.
    """
    if question.call is None or question.method.sees != "layer":
        raise UnsupportedMethodError(
            f"{question.method.title} looks at the {question.method.sees}, and channels are those of a layer: choose a "
            "method that sees a layer, gradcam or hirescam for instance."
        )
    return int(question.call.tensor.shape[-1])


def channel_relevance(question: Question) -> Floats:
    """The relevance of each channel, Σ_ij (∂S/∂A ⊙ A)_ijk, float32 (N, T, K); over k it adds up to HiResCAM's map.

    It does not tell where. Where the question has been answered by activations and gradients that are still kept, it
    takes no further pass. Where there is nothing to explain it is 0.

    Raises:
        UnsupportedMethodError: the question's method looks at no layer.
        ModelError: as in `Explainer.explain`.

    Reference: Dreyer et al. 2023, arXiv 2311.16681.
    """
    pooled = np.zeros((len(question.images.batch), len(question.columns.texts), channels_of(question)), np.float32)
    for rows, column, gradient, activations in _gradients(question):
        pooled[rows, column] = np.einsum("bhwk,bhwk->bk", gradient, activations)
    return pooled


def relevance_maps(question: Question, weights: Floats) -> Floats:
    """Maps (N, T, G, h, w) of what some channels contribute and where, Σ_k w_gk (∂S/∂A ⊙ A)_ijk.

    Args:
        question: about N images and T targets, at a layer of K channels.
        weights: of the channels (G, K); all 1 give HiResCAM's map.

    Raises:
        Those of `channel_relevance`.
    """
    channels_of(question)
    parts: list[tuple[slice, int, Floats]] = [
        (rows, column, np.einsum("bhwk,gk->bghw", gradient * activations, weights))
        for rows, column, gradient, activations in _gradients(question)
    ]
    shape = len(question.images.batch), len(question.columns.texts), *parts[0][2].shape[1:]
    maps = np.zeros(shape, np.float32)
    for rows, column, of_part in parts:
        maps[rows, column] = of_part
    return maps


def _gradients(question: Question) -> Iterator[tuple[slice, int, Floats, Floats]]:
    """Rows, column, gradient and activations (B, h, w, K) of some images and one target after the other."""
    with model_failures():
        for rows, probe in question.probes():
            targets = question.targets(rows, probe, question.ranking(rows, probe))
            for column in range(len(question.columns.texts)):
                target = np.ascontiguousarray(targets.weights[:, column])
                yield rows, column, probe.head_gradient(target), probe.activations()
