"""Wrappers take a method and return a method."""

from kx_widget.engine.wrappers.smooth import smooth
from kx_widget.engine.wrappers.tta import tta

__all__ = ["smooth", "tta"]
