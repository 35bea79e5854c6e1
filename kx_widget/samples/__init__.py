"""A small trained model and pictures whose contents are known, for trying explanations offline."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .scenes import DATA, read_assets, scenes

if TYPE_CHECKING:
    import keras

__all__ = ["Samples", "load", "scenes"]


class Samples(NamedTuple):
    """What `load` returns; `images` and `masks` go together."""

    model: keras.Model
    images: list[np.ndarray]
    class_names: list[str]
    masks: list[np.ndarray | None]


def load() -> Samples:
    """Load the shipped model and the pictures to show it.

    Returns:
        model: A residual CNN of 170,000 parameters; uint8 (N, 128, 128, 3) -> the probability of each class,
            one sigmoid a class, since a scene may show several objects.
        images: uint8 RGB arrays: scenes (128, 128, 3), then whole photographs in their own proportions.
        class_names: The name of each of the C classes.
        masks: For a scene, bool (C, 128, 128), the part of each object in sight; None for a photograph.
    """
    import keras
    from PIL import Image

    model = keras.saving.load_model(DATA / "scenes.keras", compile=False)
    shown = np.load(DATA / "scenes.npz")
    images: list[np.ndarray] = list(shown["images"])
    masks: list[np.ndarray | None] = list(shown["masks"])
    for path in sorted((DATA / "photographs").glob("*.jpg")):
        with Image.open(path) as picture:
            images.append(np.array(picture.convert("RGB")))
        masks.append(None)
    return Samples(model, images, list(read_assets().cutouts), masks)
