"""A picture along a curve of deletion or insertion, and what the model says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kx_widget.engine.covering import Covering, finished
from kx_widget.engine.errors import ParameterError
from kx_widget.engine.evaluation import CURVES
from kx_widget.engine.evaluation_inputs import covering_pixels
from kx_widget.engine.types import Floats

if TYPE_CHECKING:
    from kx_widget.engine.ranges import Pixels


@dataclass(frozen=True, eq=False)
class ScoredPicture:
    """An image, a part of which is covered, as the model was given it.

    Attributes:
        pixels: uint8 (H, W, 3), before they are preprocessed.
        share: which part of its pixels is covered, or shown.
        scores: of all classes (C,); see `Explainer.predict`.
        probabilities: of all classes (C,).
    """

    pixels: Pixels
    share: float
    scores: Floats
    probabilities: Floats


def check_step(curve: Any, step: Any, steps: int) -> None:
    """Refuse what is no step of a curve.

    Raises:
        ParameterError: another curve, or a step outside it.
    """
    if curve not in CURVES:
        raise ParameterError(f"curve={curve!r} must be one of {', '.join(CURVES)}.")
    if type(step) is not int or not 0 <= step <= steps:
        raise ParameterError(f"step={step!r} must be a whole number from 0, where nothing is changed, to {steps}.")


def scores_at(covering: Covering, maps: Floats, curve: str, step: int, steps: int) -> Floats:
    """The scores (1, C) of one image at a step of the curve of its map (1, h, w): known where the curve is."""
    is_inserted = curve == "insertion"
    if step in (0, steps):
        return finished(covering.blank()) if (step == 0) == is_inserted else covering.probe.scores()
    return finished(covering.curves(maps, steps))[:, int(is_inserted), step - 1]


def pixels_at(
    covering: Covering, pixels: Pixels, maps: Floats, curve: str, step: int, steps: int
) -> tuple[Pixels, float]:
    """The same picture (H, W, 3), and which part of it is covered or shown.

    Args:
        covering: one image.
        pixels: the image (1, H, W, 3).
        maps: its map (1, h, w).
        curve, step, steps: where along which curve.
    """
    is_inserted = np.array([curve == "insertion"])
    mask = covering.curve_masks(covering.ranks(maps), is_inserted, np.array([step]), steps)
    share = 1 - mask.mean() if is_inserted[0] else mask.mean()
    return np.where(mask[..., None], covering_pixels(pixels, covering.cover), pixels)[0], float(share)
