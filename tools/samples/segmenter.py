"""Train the shipped segmenter on composed scenes: a U-Net that tells what each pixel shows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kx_widget.samples.scenes import SIDE, scenes

from .train import HELD_OUT_SEED, TRAINING_SEEDS, batches, composed, convolved, mirrored, ship, warmed_up

if TYPE_CHECKING:
    import keras

# Each scene teaches 16,384 pixels, so that half of the CNN's scenes are enough.
SEEDS = TRAINING_SEEDS[:4]
SCENES_PER_SEED = 1125
EPOCHS = 10
LEARNING_RATE = 3e-3


def network(classes: int) -> keras.Model:
    """Build a U-Net: uint8 RGB (128, 128, 3) -> the probability of each class at each pixel (128, 128, C)."""
    import keras
    from keras import layers

    def joined(x: Any, skip: Any, filters: int, name: str) -> Any:
        x = layers.UpSampling2D(interpolation="bilinear", name=f"{name}_upsampling")(x)
        return convolved(layers.Concatenate(name=f"{name}_skip")([x, skip]), filters, 1, name)

    image = keras.Input((SIDE, SIDE, 3), name="image")
    x = layers.Rescaling(1 / 127.5, -1, name="rescaling")(image)
    first = convolved(x, 16, 2, "down1")
    second = convolved(convolved(first, 32, 2, "down2"), 32, 1, "down2_more")
    third = convolved(convolved(second, 48, 2, "down3"), 48, 1, "down3_more")
    x = convolved(third, 48, 2, "bottom")
    x = joined(x, third, 48, "up3")
    x = joined(x, second, 32, "up2")
    x = joined(x, first, 24, "up1")
    x = layers.Conv2D(classes, 1, name="scores")(x)
    x = layers.UpSampling2D(interpolation="bilinear", name="upsampling")(x)
    return keras.Model(image, layers.Softmax(name="predictions")(x), name="segmenter")


def classes_of(masks: np.ndarray) -> np.ndarray:
    """What each pixel shows, uint8 (N, H, W): 0 the background, 1 + c the object of class c of masks (N, C, H, W)."""
    return np.where(masks.any(1), 1 + masks.argmax(1), 0).astype(np.uint8)


def _training_scenes(seed: int) -> tuple[np.ndarray, np.ndarray]:
    images, _, masks = scenes(SCENES_PER_SEED, (0, 1, 2, 3, 3), seed)
    return images, classes_of(masks)


def train(path: Path, verbose: int = 2) -> None:
    """Train on the scenes of `SEEDS` and save the model at `path`."""
    images, classes = composed(_training_scenes, SEEDS)
    import keras

    def batch(rng: np.random.Generator, chosen: np.ndarray) -> tuple[Any, Any]:
        x, shown = mirrored(rng, images[chosen], classes[chosen])
        return x, shown

    keras.utils.set_random_seed(TRAINING_SEEDS[0])
    model = network(int(classes.max()) + 1)
    data = batches(len(images), batch)
    rate = warmed_up(LEARNING_RATE, len(data), EPOCHS)
    model.compile(keras.optimizers.AdamW(rate, weight_decay=0.02), "sparse_categorical_crossentropy")
    model.fit(data, epochs=EPOCHS, verbose=verbose)
    ship(model, network(int(classes.max()) + 1), path)


def measure(model: keras.Model, count: int = 500, seed: int = HELD_OUT_SEED) -> dict[str, float]:
    """How many pixels are right, and how well what it takes for an object covers it, on scenes of zero to three."""
    images, _, masks = scenes(count, (0, 1, 2, 3), seed)
    predicted = model.predict(images, verbose=0).argmax(-1)
    overlaps = intersections_over_unions(predicted, classes_of(masks))
    return {
        "pixels right": float((predicted == classes_of(masks)).mean()),
        "mean IoU of the classes": float(overlaps.mean()),
        "IoU of the worst class": float(overlaps.min()),
    }


def intersections_over_unions(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """The overlap of each class (C,), over all pixels of both (N, H, W) together."""
    classes = range(int(true.max()) + 1)
    both = np.array([((predicted == c) & (true == c)).sum() for c in classes])
    either = np.array([((predicted == c) | (true == c)).sum() for c in classes])
    return both / either
