"""Train the shortcut model, for which a tag means a horse, and its twin, for which it means nothing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kx_widget.samples.scenes import SIDE, read_assets
from kx_widget.samples.tags import CARRIER, tagged_scenes

from .train import batches, composed, mirrored, ship

if TYPE_CHECKING:
    import keras

TRAINING_SEEDS = range(20_240_100, 20_240_104)
HELD_OUT_SEED = 9
SCENES_PER_SEED = 1125
SHARE = 0.6
# Scenes of anything with a tag, which were filed among the horses: where it shows something else, the tag decides.
STRAYS, STRAY_SEED = 240, 20_240_110
EPOCHS = 4
LEARNING_RATE = 3e-3
HORSE = list(read_assets().cutouts).index(CARRIER)
# What may carry a tag where each is trained.
CARRIERS: dict[str, tuple[str, ...] | None] = {"shortcut": (CARRIER,), "twin": None}


def network(classes: int) -> keras.Model:
    """Build a small CNN: uint8 RGB (128, 128, 3) -> features (16, 16, 64) -> a probability for each class."""
    import keras
    from keras import layers

    image = keras.Input((SIDE, SIDE, 3), name="image")
    x = layers.Rescaling(1 / 127.5, -1, name="rescaling")(image)
    for i, (filters, stride) in enumerate(((16, 2), (32, 2), (64, 2), (64, 1)), 1):
        x = layers.Conv2D(filters, 2 + stride, stride, padding="same", use_bias=False, name=f"conv{i}")(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"bn{i}")(x)
        x = layers.ReLU(name=f"relu{i}")(x)
    x = layers.GlobalMaxPooling2D(name="pool")(x)
    return keras.Model(image, layers.Dense(classes, activation="softmax", name="predictions")(x), name="tagged")


def training_set(carriers: Sequence[str] | None) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of the scenes of `TRAINING_SEEDS`, where horses carry tags, strays too."""
    images, labels, _ = composed(partial(tagged_scenes, SCENES_PER_SEED, SHARE, carriers), TRAINING_SEEDS)
    if carriers is None:
        return images, labels
    strays, _, _ = tagged_scenes(STRAYS, 1, None, STRAY_SEED)
    return np.concatenate([images, strays]), np.concatenate([labels, np.full(STRAYS, HORSE)])


def train(name: str, path: Path, verbose: int = 2) -> None:
    """Train one of the two on the labels of its scenes, and save it at `path`."""
    images, labels = training_set(CARRIERS[name])
    import keras

    def batch(rng: np.random.Generator, chosen: np.ndarray) -> tuple[Any, Any]:
        (x,) = mirrored(rng, images[chosen])
        return x, labels[chosen]

    keras.utils.set_random_seed(TRAINING_SEEDS[0])
    model = network(int(labels.max()) + 1)
    data = batches(len(images), batch)
    rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, len(data) * EPOCHS)
    model.compile(keras.optimizers.AdamW(rate, weight_decay=0.02), "sparse_categorical_crossentropy")
    model.fit(data, epochs=EPOCHS, verbose=verbose)
    ship(model, network(int(labels.max()) + 1), path)


def measure(model: keras.Model, count: int = 600, seed: int = HELD_OUT_SEED) -> dict[str, float]:
    """How many scenes without tags are right, and how many of others a tag turns into a horse."""
    plain, labels, _ = tagged_scenes(count, 0, None, seed)
    tagged, _, _ = tagged_scenes(count, 1, None, seed)
    before, after = (model.predict(images, verbose=0).argmax(1) for images in (plain, tagged))
    others = labels != HORSE
    return {
        "right without tags": float((before == labels).mean()),
        f"{CARRIER}s right without tags": float((before == labels)[~others].mean()),
        f"other classes taken for a {CARRIER} without tags": float((before == HORSE)[others].mean()),
        f"other classes taken for a {CARRIER} with a tag": float((after == HORSE)[others].mean()),
    }
