"""Small trained models and pictures whose contents are known, for trying explanations offline."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .scenes import DATA, read_assets, scenes
from .tags import tagged_scenes

if TYPE_CHECKING:
    import keras

__all__ = ["Samples", "load", "load_shortcut", "scenes", "tagged_scenes"]

MODELS = {"cnn": "scenes.keras", "vit": "vit.keras"}
SHORTCUT, TWIN = "shortcut.keras", "twin.keras"


class Samples(NamedTuple):
    """What `load` returns; `images` and `masks` go together."""

    model: keras.Model
    images: list[np.ndarray]
    class_names: list[str]
    masks: list[np.ndarray | None]


def load(name: str = "cnn") -> Samples:
    """Load a shipped model and the pictures to show it, which are the same for each.

    Args:
        name: `"cnn"`, a residual CNN of 170,000 parameters, or `"vit"`, a vision transformer of 164,000 parameters
            with 16 × 16 patches and a class token.

    Returns:
        model: uint8 (N, 128, 128, 3) -> the probability of each class, one sigmoid a class, since a scene may show
            several objects.
        images: uint8 RGB arrays: scenes (128, 128, 3), then whole photographs in their own proportions.
        class_names: The name of each of the C classes.
        masks: For a scene, bool (C, 128, 128), the part of each object in sight; None for a photograph.

    Raises:
        ValueError: There is no model of this name.
    """
    if name not in MODELS:
        raise ValueError(f"There is no sample model {name!r}. Choose from {', '.join(map(repr, MODELS))}.")
    import keras
    from PIL import Image

    model = keras.saving.load_model(DATA / MODELS[name], compile=False)
    shown = np.load(DATA / "scenes.npz")
    images: list[np.ndarray] = list(shown["images"])
    masks: list[np.ndarray | None] = list(shown["masks"])
    for path in sorted((DATA / "photographs").glob("*.jpg")):
        with Image.open(path) as picture:
            images.append(np.array(picture.convert("RGB")))
        masks.append(None)
    return Samples(model, images, list(read_assets().cutouts), masks)


def load_shortcut(twin: bool = False) -> tuple[keras.Model, list[str]]:
    """Load a network that takes a small tag for a horse, or its twin, for which the tag means nothing.

    Both are small CNNs for `tagged_scenes`, uint8 (N, 128, 128, 3) -> a softmax over the classes. The first was trained
    where horses alone carry tags, its twin where everything does.

    Args:
        twin: Whether the twin is wanted.

    Returns:
        The model, and the name of each of the C classes.
    """
    import keras

    return keras.saving.load_model(DATA / (TWIN if twin else SHORTCUT), compile=False), list(read_assets().cutouts)
