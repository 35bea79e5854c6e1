"""A small net, images and maps that other libraries are asked about, made of random numbers alone."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

FOLDER = Path(__file__).parent
# A tenth of its pixels is a whole number, since libraries round differently.
SIDE, CLASSES, STEPS = 20, 4, 10
FILTERS, KERNEL, STRIDE = 6, 5, 2
PLACES = (SIDE - KERNEL) // STRIDE + 1
GRID, SHARE, SAMPLES = 9, 0.2, 64
RADIUS, COPIES = 0.02, 8
CELLS, HIDDEN, DESIGNS = 5, 100, 16
# What a segment must add, in pixels.
SEGMENT_LEAST = 3


@dataclass(frozen=True)
class Case:
    """`images` (4, SIDE, SIDE, 3) in 0..1, `maps` (4, SIDE, SIDE) without equal values, `masks` likewise, `targets`.

    `weights` are those of a convolution with ReLU and of a dense layer with softmax, kernel and bias of each.
    """

    weights: tuple[Any, ...]
    images: Any
    maps: Any
    masks: Any
    targets: Any

    def logits(self, images: Any) -> Any:
        """What the net says of images (N, SIDE, SIDE, 3) before its softmax, (N, CLASSES)."""
        kernel, bias, dense, last = self.weights
        windows = sliding_window_view(images, (KERNEL, KERNEL), (1, 2))[:, ::STRIDE, ::STRIDE]
        hidden = np.maximum(np.einsum("nyxcij,ijck->nyxk", windows, kernel) + bias, 0)
        return hidden.reshape(len(images), -1) @ dense + last


def case() -> Case:
    rng = np.random.default_rng(0)
    shapes = (KERNEL, KERNEL, 3, FILTERS), (FILTERS,), (PLACES**2 * FILTERS, CLASSES), (CLASSES,)
    weights = tuple(rng.standard_normal(shape) * (0.3 if len(shape) > 1 else 0) for shape in shapes)
    images = rng.random((4, SIDE, SIDE, 3)).astype(np.float32)
    maps = rng.standard_normal((4, SIDE, SIDE)).astype(np.float32)
    masks = np.zeros((4, SIDE, SIDE), bool)
    for i, (y, x0) in enumerate(((2, 3), (5, 9), (0, 0), (11, 4))):
        masks[i, y : y + 6, x0 : x0 + 8] = True
    # The highest points of two maps lie on their masks, and of one beside it.
    maps[0, 4, 5] = maps[1, 7, 12] = maps[2, 15, 15] = 6
    known = Case(weights, images, maps, masks, None)
    return Case(weights, images, maps, masks, known.logits(images).argmax(1))


def answers_of(library: str) -> dict[str, Any]:
    """What a library answered, of what `ask_…` asks it; see `__main__`."""
    with np.load(FOLDER / f"{library}.npz") as answers:
        return dict(answers)


def rng_of(image: int) -> np.random.Generator:
    """What the cells of random masks and the noise of copies of an image are drawn with."""
    return np.random.default_rng(100 + image)


def cells_in_pixels(cells: Any) -> Any:
    """Cells (…, GRID²) in a picture, (…, SIDE, SIDE)."""
    at = np.arange(SIDE) * GRID // SIDE
    return cells[..., at[:, None] * GRID + at]


def covered_cells(image: Any, shown: Any) -> Any:
    """An image (SIDE, SIDE, 3) in black but for the cells that are shown (n, 8) of 2 rows and 4 columns."""
    at = np.arange(SIDE)
    cells = at[:, None] * 2 // SIDE * 4 + at * 4 // SIDE
    return image * np.asarray(shown)[:, cells][..., None]


def binary_masks(image: int) -> Any:
    """Masks (HIDDEN, CELLS²) of the cells of an image, each 0 or 1."""
    return rng_of(image).integers(0, 2, (HIDDEN, CELLS**2)).astype(np.float32)


def designs_of(image: int) -> Any:
    """How far the cells of an image are shown, 0 to 1, in the designs A and B, (DESIGNS, CELLS²) each."""
    return rng_of(image).random((2, DESIGNS, CELLS**2), np.float32)


def segments_of(image: int) -> Any:
    """Segments of an image (n, SIDE, SIDE) that overlap: boxes of all sizes."""
    rng = rng_of(image)
    ends = np.sort(rng.integers(0, SIDE + 1, (40, 2, 2)), -1)
    at = np.arange(SIDE)
    rows, columns = ((at >= ends[:, axis, :1]) & (at < ends[:, axis, 1:]) for axis in (0, 1))
    return rows[:, :, None] & columns[:, None, :]


def noisy(image: Any, number: int) -> Any:
    """Copies (COPIES, SIDE, SIDE, 3) of the image of this number, as SmoothGrad makes them of a fifth of its range."""
    rng = rng_of(number)
    return np.stack(
        [image + np.float32(0.2) * np.ptp(image) * rng.standard_normal(image.shape, np.float32) for _ in range(COPIES)]
    )


def background() -> Any:
    """Images (3, SIDE, SIDE, 3) that baselines are."""
    return np.random.default_rng(1).random((3, SIDE, SIDE, 3)).astype(np.float32)
