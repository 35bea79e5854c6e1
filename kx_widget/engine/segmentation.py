"""Which class a model sees at each place of its output."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kx_widget.engine.errors import ModelError
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.images import Images
from kx_widget.engine.question import model_failures
from kx_widget.engine.tiled import TiledQuestion

LONGEST = 1024

Labels = NDArray[np.unsignedinteger[Any]]


def segmented(explainer: Explainer, images: Images) -> Labels:
    """The class of most score at each place of the output, (N, h, w); the number of classes where none is probable.

    Of pictures in tiles it is told for `LONGEST` places a side at most.

    Args:
        explainer: of a model that has scores for rows and columns of places.
        images: that are segmented, N of them; no pass is made of those that were predicted before.

    Raises:
        ModelError: the output has no rows and columns, or the model failed.
    """
    question = explainer.ask(images, [0], method="gradients")
    output = question.model.graph.output
    if output is None or output.grid is None:
        raise ModelError("The model tells no class for each place of a picture: there is no segmentation to show.")
    kind = np.uint8 if question.model.graph.classes < 256 else np.uint16
    if isinstance(question, TiledQuestion):
        return np.stack(question.winners(LONGEST)).astype(kind)
    places = slice(output.first, output.first + output.grid[0] * output.grid[1])
    with model_failures():
        winners: list[Any] = [probe.outcome().winners[:, places] for _, probe in question.probes()]
    return np.concatenate(winners).reshape(-1, *output.grid).astype(kind)
