"""Figures of matplotlib, which is an extra."""

from io import BytesIO
from typing import Any

from kx_widget.engine.errors import MissingPackageError
from kx_widget.install import how_to_install


def empty_figure(width: float, height: float) -> Any:
    """A matplotlib figure of this size in inches, which notebooks show whether or not they import pyplot.

    Raises:
        MissingPackageError: matplotlib is missing: install the extra `plot`.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingPackageError(f"plot() needs matplotlib: {how_to_install('plot')}.") from error

    class ShownFigure(Figure):
        def _repr_png_(self) -> bytes:
            picture = BytesIO()
            self.savefig(picture, format="png")
            return picture.getvalue()

    return ShownFigure(figsize=(width, height), layout="constrained")
