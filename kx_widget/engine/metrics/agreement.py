"""Agreement: whether other methods say the same."""

import numpy as np

from kx_widget.engine.errors import UnsupportedMethodError
from kx_widget.engine.map_batch import FLAT_OTHERS, MapBatch, MetricValues, overlaps
from kx_widget.engine.statistics import pearson
from kx_widget.engine.types import Floats

CAMS, ATTENTION, GRADIENT = ("gradcam", "hirescam", "layercam", "xgradcam"), ("attention_gradient",), "gradient_x_input"
# By what a method sees: others of its family, and one of another family.
OTHERS = {
    "layer": {"same": CAMS, "other": (GRADIENT,)},
    "attention": {"same": ATTENTION, "other": (GRADIENT,)},
    "input": {"same": (GRADIENT,), "other": ("gradcam",)},
}


def agreement(batch: MapBatch, family: str = "same") -> MetricValues:
    """The mean of Pearson's correlations of a map with those of other methods, at the coarser map's size.

    Relatives of Grad-CAM look at the same activations and gradients, so that their agreement proves little; that of
    another family tells more, and may cost a pass. Methods that agree may all be wrong.

    Args:
        batch: the maps.
        family: ask methods that see the `"same"` as this one, or one of an `"other"` family.

    Returns:
        −1 to 1 (B, T); NaN where one of the maps is flat.

    Raises:
        UnsupportedMethodError: there is no other method to ask.

    Reference: Krishna et al. 2022, arXiv 2202.01602.
    """
    sees, name = (batch.method.sees, batch.method.id) if batch.method is not None else ("input", "")
    others = [other for other in OTHERS[sees][family] if other != name]
    if not others:
        raise UnsupportedMethodError('there is no other method of this family to compare with; try family="other"')
    correlations: list[Floats] = []
    for other in others:
        maps = np.stack([batch.neighbours(other, weights) for weights in batch.weights.swapaxes(0, 1)], 1)
        size = tuple(np.minimum(batch.maps.shape[2:], maps.shape[2:]).tolist())
        correlations.append(pearson(_averaged(batch.maps, size), _averaged(maps, size)))
    mean = np.mean(correlations, 0)
    return MetricValues(mean, {FLAT_OTHERS: np.isnan(mean)})


def _averaged(maps: Floats, size: tuple[int, ...]) -> Floats:
    """Maps (B, T, h, w) averaged in the cells of a coarser size, (B, T, cells)."""
    rows, columns = (overlaps(side, cells) for side, cells in zip(maps.shape[2:], size, strict=True))
    return np.matmul(np.matmul(rows, maps), columns.T).reshape(*maps.shape[:2], -1)
