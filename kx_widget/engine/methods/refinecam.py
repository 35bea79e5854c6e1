"""RefineCAM: maps of several stages of the net, multiplied."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kx_widget.engine.methods.gradcam import gradcam
from kx_widget.engine.methods.gradcampp import gradcampp
from kx_widget.engine.methods.layercam import layercam
from kx_widget.engine.postprocess import resize
from kx_widget.engine.types import Floats, Partial

BASES = {"gradcampp": gradcampp, "gradcam": gradcam, "layercam": layercam}


def refinecam(probe: Any, target: Floats, base: str = "gradcampp", stages: int = 3) -> Iterator[Partial]:
    """Π_l U(n(ReLU(M_l))): where the maps M_l of the layer and of stages before it agree, as fine as the first of them.

    n brings a map to 0..1, U to the size of the largest one, by bilinear interpolation. The layers are the chosen one
    and the last of each stage before it, that is, of each larger size of maps, through which everything passes; all of
    them take one pass. In torch-cam and pytorch-grad-cam one names the layers; here a net without larger maps, as
    transformers are, has the base's map alone. pytorch-grad-cam's loop that would clip maps has no effect, which
    changes nothing where they are scaled before; it multiplies them at the size of the image.

    Args:
        probe: the images, the model and a layer.
        target: weights on the scores (B, C).
        base: whose maps are multiplied: `"gradcampp"`, `"gradcam"` or `"layercam"`.
        stages: how many at most, the layer's among them.

    Yields:
        One `Partial` with maps (B, h, w) from 0 to 1, of the size of the finest stage.

    Reference: arXiv 2605.14641.
    """
    maps = [next(BASES[base](stage, target)).maps for stage in probe.stages(target, stages)]
    size = maps[0].shape[1:]
    yield Partial(np.prod([resize(_scaled(each), size) for each in maps], axis=0, dtype=np.float32))


def _scaled(maps: Floats) -> Floats:
    """What is positive in maps (B, h, w), from 0 to 1; 0 everywhere where all of it is the same."""
    positive = np.maximum(maps, 0)
    above = positive - positive.min((1, 2), keepdims=True)
    largest = above.max((1, 2), keepdims=True)
    return np.divide(above, largest, out=np.zeros_like(above), where=largest > 0)
