"""Drawing images with maps over them; needs matplotlib, which the extra `plot` installs."""

from collections.abc import Sequence
from math import ceil
from typing import Any

import numpy as np
from PIL import Image

__all__ = ["get_dims", "tolist", "visualize"]


def tolist(item: Any) -> list[Any]:
    """A list as it is, a tuple or set as a list, anything else alone in one."""
    return list(item) if isinstance(item, (list, tuple, set)) else [item]


def get_dims(image: Any) -> tuple[int, ...]:
    """Shape of an array, or of sequences of them, by the first of each."""
    return tuple(image.shape) if hasattr(image, "shape") else (len(image), *get_dims(image[0]))


def visualize(
    images: Any,
    titles: Sequence[str] | None = None,
    overlays: Sequence[Any] | None = None,
    overlay_alpha: float = 0.75,
    rows: int | None = None,
    cols: int | None = None,
    figsize: tuple[float, float] | None = None,
    cmap: str | None = None,
    overlay_cmap: str | None = None,
    to_file: str | None = None,
    to_buffer: Any = None,
    subplots_ws: float = 0.0,
    subplots_hs: float = 0.0,
) -> Any:
    """Draw images in a grid, each with the overlay of the same number; None leaves a place or an overlay out.

    Returns:
        The picture, where a buffer to write it to was given.
    """
    import matplotlib.pyplot as plt

    several = isinstance(images, (list, tuple)) or len(images.shape) > 3
    shown = list(images) if several else [images]
    if rows is None:
        cols = cols or min(8, len(shown))
        rows = ceil(len(shown) / cols)
    else:
        cols = ceil(len(shown) / rows)
    plt.figure(figsize=figsize or (4 * cols, 4 * rows))
    for i, image in enumerate(shown):
        axes = plt.subplot(rows, cols, i + 1)
        if image is not None:
            axes.imshow(_flat(image), cmap=cmap)
            if overlays is not None and i < len(overlays) and overlays[i] is not None:
                axes.imshow(_flat(overlays[i]), overlay_cmap, alpha=overlay_alpha)
        if titles is not None and i < len(titles):
            axes.set_title(titles[i])
        axes.axis("off")
    plt.tight_layout()
    plt.subplots_adjust(wspace=subplots_ws, hspace=subplots_hs)
    for target in (to_buffer, to_file):
        if target is not None:
            plt.savefig(target)
    return None if to_buffer is None else Image.open(to_buffer)


def _flat(image: Any) -> Any:
    image = np.asarray(image)
    return image[..., 0] if image.ndim > 2 and image.shape[-1] == 1 else image
