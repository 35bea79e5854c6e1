"""Wrappers take a method and return a method."""

from types import MappingProxyType

from kx_widget.engine.registry import Wrapper
from kx_widget.engine.wrappers.smooth import PARAMS as SMOOTH
from kx_widget.engine.wrappers.smooth import smooth
from kx_widget.engine.wrappers.tta import PARAMS as TTA
from kx_widget.engine.wrappers.tta import tta

__all__ = ["WRAPPERS", "smooth", "tta"]

_ROWS = (
    Wrapper(
        "smooth", "Smooth", "SmoothGrad: the mean, or how much it varies, over noisy copies of the image.", SMOOTH,
        lambda s: s["repetitions"], unsigned=("statistic", ("variance", "square")),
    ),
    Wrapper(
        "tta", "TTA", "Test-time augmentation: the mean over zoomed and mirrored copies of the image.", TTA,
        lambda s: len(s["scales"]) * (1 + s["hflip"]),
    ),
)  # fmt: skip
WRAPPERS = MappingProxyType({row.id: row for row in _ROWS})
