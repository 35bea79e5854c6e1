"""Train the shipped network of four bands and two inputs: how much warmer than the air is the object?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kx_widget.samples.scenes import SIDE
from kx_widget.samples.thermal import AIR, BANDS, COLDEST, WARMEST, WHITE, thermal_scenes

from .train import batches, composed, convolved, mirrored, ship, warmed_up

if TYPE_CHECKING:
    import keras

TRAINING_SEEDS = range(20_240_200, 20_240_204)
HELD_OUT_SEED = 11
SCENES_PER_SEED = 1125
EPOCHS = 8
LEARNING_RATE = 3e-3
POINTING_WEIGHT = 0.3
CELLS = 32


def network(attention: bool = False) -> keras.Model:
    """Build a CNN: `image` (128, 128, 4) of 12 bits and `air` (1,) in °C -> °C that the object is warmer than the air.

    It reads the heat of each of 32 × 32 cells, and takes the mean where it finds the object. With `attention`, for
    training only, the model also returns where that is, (1024,).
    """
    import keras
    from keras import layers

    image = keras.Input((SIDE, SIDE, len(BANDS)), name="image")
    air = keras.Input((1,), name="air")
    deep = layers.Rescaling(1 / WHITE, name="rescaling")(image)
    fine = convolved(convolved(deep, 16, 2, "stem"), 32, 2, "fine")
    x = convolved(convolved(fine, 48, 2, "coarse1"), 48, 2, "coarse2")
    x = convolved(layers.UpSampling2D(4, interpolation="bilinear", name="upsampling")(x), 32, 1, "spread")
    x = convolved(layers.Concatenate(name="skip")([x, fine]), 32, 1, "merge")
    # What each cell is, told by its surroundings, and its four bands: all that the model decides comes of these.
    cells = layers.Concatenate(name="cells")([x, layers.AveragePooling2D(SIDE // CELLS, name="small")(deep)])
    where = layers.Reshape((CELLS**2,), name="places")(layers.Conv2D(1, 1, name="where")(cells))
    where = layers.Softmax(name="attention")(where)
    heat = layers.Rescaling(WARMEST - COLDEST, COLDEST, name="degrees")(layers.Conv2D(1, 1, name="heat")(cells))
    readings = layers.Reshape((CELLS**2,), name="readings")(heat)
    both = layers.Concatenate(name="both")([layers.Dot(1, name="warmth")([where, readings]), air])
    # The weights that matter are small, and so learned soon.
    tens = layers.Dense(1, kernel_initializer="zeros", name="tens")(both)
    excess = layers.Rescaling(10, name="excess")(tens)
    return keras.Model([image, air], [excess, where] if attention else excess, name="thermal")


def value_loss(true: Any, predicted: Any) -> Any:
    """How far values are off, in tens of degrees; little more is lost by those that are far off."""
    import keras

    return keras.losses.huber(true / 10, predicted / 10, delta=0.5)


def pointing_loss(inside: Any, attention: Any) -> Any:
    """How little of the attention (N, cells) lies on the object, of which each cell shows a part `inside`."""
    from keras import ops

    return -ops.mean(ops.log(ops.sum(attention * inside, axis=1) + 1e-6))


def _training_scenes(seed: int) -> tuple[np.ndarray, ...]:
    images, air, excess, masks = thermal_scenes(SCENES_PER_SEED, seed)
    cells = masks.reshape(-1, CELLS, SIDE // CELLS, CELLS, SIDE // CELLS).mean((2, 4), np.float32)
    return images, air, excess, cells


def train(path: Path, verbose: int = 2) -> None:
    """Train on the scenes of `TRAINING_SEEDS` and save the model at `path`."""
    images, air, excess, inside = composed(_training_scenes, TRAINING_SEEDS)
    import keras

    def batch(rng: np.random.Generator, chosen: np.ndarray) -> tuple[Any, Any]:
        x, cells = mirrored(rng, images[chosen], inside[chosen])
        # Another temperature of the air each time, and the excess that goes with it.
        other = rng.uniform(*AIR, air[chosen].shape).astype(np.float32)
        value = excess[chosen] + air[chosen] - other
        return {"image": x, "air": other}, (value, cells.reshape(len(x), -1))

    keras.utils.set_random_seed(TRAINING_SEEDS[0])
    model = network(attention=True)
    data = batches(len(images), batch)
    rate = warmed_up(LEARNING_RATE, len(data), EPOCHS)
    model.compile(keras.optimizers.Adam(rate), [value_loss, pointing_loss], loss_weights=[1.0, POINTING_WEIGHT])
    model.fit(data, epochs=EPOCHS, verbose=verbose)
    ship(model, network(), path)


def measure(model: keras.Model, count: int = 500, seed: int = HELD_OUT_SEED) -> dict[str, float]:
    """How far values are off, in °C, and how they follow the air and what is warm."""
    images, air, excess, masks = thermal_scenes(count, seed)

    def values(images: np.ndarray, air: np.ndarray) -> np.ndarray:
        return model.predict({"image": images, "air": air}, verbose=0)

    warmer = 10 / (WARMEST - COLDEST) * WHITE
    heated = [images.astype(np.float32) for _ in range(2)]
    for copy, mask in zip(heated, (masks, ~masks), strict=True):
        copy[..., -1] += warmer * mask
    before = values(images, air)
    return {
        "°C off": float(np.abs(before - excess).mean()),
        "°C off, 95th percentile": float(np.percentile(np.abs(before - excess), 95)),
        "°C more where the air is 10 °C warmer": float((values(images, air + 10) - before).mean()),
        "°C more where the object is 10 °C warmer": float((values(heated[0], air) - before).mean()),
        "°C more where all else is 10 °C warmer": float((values(heated[1], air) - before).mean()),
    }
