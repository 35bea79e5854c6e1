"""A small net, images and maps that other libraries are asked about, made of random numbers alone."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

FOLDER = Path(__file__).parent
# A tenth of its pixels is a whole number, since libraries round differently.
SIDE, CLASSES, STEPS = 20, 4, 10


@dataclass(frozen=True)
class Case:
    """`images` (4, SIDE, SIDE, 3) in 0..1, `maps` (4, SIDE, SIDE) without equal values, `masks` likewise, `targets`."""

    model: Any
    images: Any
    maps: Any
    masks: Any
    targets: Any


def case() -> Case:
    rng = np.random.default_rng(0)
    x = image = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(6, 5, strides=2, activation="relu")(x)
    x = layers.Flatten()(x)
    model = keras.Model(image, layers.Dense(CLASSES, activation="softmax")(x))
    model.set_weights([rng.standard_normal(w.shape) * (0.3 if w.ndim > 1 else 0) for w in model.get_weights()])
    images = rng.random((4, SIDE, SIDE, 3)).astype(np.float32)
    maps = rng.standard_normal((4, SIDE, SIDE)).astype(np.float32)
    masks = np.zeros((4, SIDE, SIDE), bool)
    for i, (y, x0) in enumerate(((2, 3), (5, 9), (0, 0), (11, 4))):
        masks[i, y : y + 6, x0 : x0 + 8] = True
    # The highest points of two maps lie on their masks, and of one beside it.
    maps[0, 4, 5] = maps[1, 7, 12] = maps[2, 15, 15] = 6
    return Case(model, images, maps, masks, model(images).numpy().argmax(1))
