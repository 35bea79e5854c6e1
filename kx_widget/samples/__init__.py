"""Small trained models and pictures whose contents are known, for trying explanations offline."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kx_widget.engine.lazy_modules import keras

from .scenes import DATA, read_assets, scenes
from .tags import tagged_scenes
from .thermal import thermal_scenes

__all__ = [
    "Samples",
    "ThermalSamples",
    "load",
    "load_shortcut",
    "load_thermal",
    "scenes",
    "tagged_scenes",
    "thermal_scenes",
]

MODELS = {"cnn": "scenes.keras", "vit": "vit.keras", "segmenter": "segmenter.keras"}
SHORTCUT, TWIN = "shortcut.keras", "twin.keras"
THERMAL = "thermal.keras"
# Number and seed of the scenes that `load_thermal` shows.
THERMAL_SHOWN, THERMAL_SEED = 6, 18
# What a segmenter names where there is no object.
BACKGROUND = "background"


class Samples(NamedTuple):
    """What `load` returns.

    Attributes:
        model: the model.
        images: uint8 RGB arrays.
        class_names: the name of each class.
        masks: of each image bool (C, H, W), the part of each object in sight; None for a photograph.
    """

    model: keras.Model
    images: list[np.ndarray]
    class_names: list[str]
    masks: list[np.ndarray | None]


class ThermalSamples(NamedTuple):
    """What `load_thermal` returns.

    Attributes:
        model: the model.
        images: both inputs by name.
        output_names: the name and the unit of what the model tells.
        masks: bool (N, H, W), the part of each scene that shows the object.
        values: (N, 1), what is true.
    """

    model: keras.Model
    images: dict[str, np.ndarray]
    output_names: dict[str, str]
    masks: np.ndarray
    values: np.ndarray


def load(name: str = "cnn") -> Samples:
    """Load a shipped model and the pictures to show it, which are the same for each.

    Args:
        name: `"cnn"`, a residual CNN of 170,000 parameters, `"vit"`, a vision transformer of 164,000 parameters
            with 16 × 16 patches and a class token, or `"segmenter"`, a U-Net of 177,000 parameters.

    Returns:
        model: uint8 (N, 128, 128, 3) -> the probability of each class, one sigmoid a class, since a scene may show
            several objects; of the segmenter a softmax over the classes at each pixel, (N, 128, 128, C).
        images: uint8 RGB arrays: scenes (128, 128, 3), then whole photographs in their own proportions.
        class_names: The name of each of the C classes; the first of the segmenter is the background.
        masks: For a scene, bool (C, 128, 128), the part of each object in sight; None for a photograph.

    Raises:
        ValueError: There is no model of this name.
    """
    if name not in MODELS:
        raise ValueError(f"There is no sample model {name!r}. Choose from {', '.join(map(repr, MODELS))}.")
    from PIL import Image

    model = keras.saving.load_model(DATA / MODELS[name], compile=False)
    with np.load(DATA / "scenes.npz") as shown:
        images: list[np.ndarray] = list(shown["images"])
        masks: list[np.ndarray | None] = list(shown["masks"])
    for path in sorted((DATA / "photographs").glob("*.jpg")):
        with Image.open(path) as picture:
            images.append(np.array(picture.convert("RGB")))
        masks.append(None)
    class_names = list(read_assets().cutouts)
    if name == "segmenter":
        class_names.insert(0, BACKGROUND)
        masks = [None if mask is None else np.concatenate([~mask.any(0, keepdims=True), mask]) for mask in masks]
    return Samples(model, images, class_names, masks)


def load_shortcut(twin: bool = False) -> tuple[keras.Model, list[str]]:
    """Load a network that takes a small tag for a horse, or its twin, for which the tag means nothing.

    Both are small CNNs for `tagged_scenes`, uint8 (N, 128, 128, 3) -> a softmax over the classes. The first was trained
    where horses alone carry tags, its twin where everything does.

    Args:
        twin: Whether the twin is wanted.

    Returns:
        The model, and the name of each of the C classes.
    """
    return keras.saving.load_model(DATA / (TWIN if twin else SHORTCUT), compile=False), list(read_assets().cutouts)


def load_thermal() -> ThermalSamples:
    """Load a network of four bands and two inputs, and scenes to show it: how much warmer than the air is the object?

    Returns:
        model: `image` (N, 128, 128, 4) of 12 bits, red, green, blue and heat, and `air` (N, 1) in °C -> (N, 1), how
            many °C the object is warmer than the air.
        images: both inputs by name, as `thermal_scenes` gives them.
        output_names: The name and the unit of what the model tells.
        masks: bool (N, 128, 128), the part of each scene that shows the object.
        values: (N, 1), how many °C warmer it is in truth.
    """
    images, air, excess, masks = thermal_scenes(THERMAL_SHOWN, THERMAL_SEED)
    model = keras.saving.load_model(DATA / THERMAL, compile=False)
    return ThermalSamples(model, {"image": images, "air": air}, {"excess": "°C"}, masks, excess)
