"""Train the shipped vision transformer on composed scenes: class token, plain Keras layers, no use of masks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kx_widget.samples.scenes import SIDE

from .train import TRAINING_SEEDS, batches, mirrored, ship, training_set

if TYPE_CHECKING:
    import keras

FEATURES, HEADS, BLOCKS = 64, 4, 3
STEM = (16, 32, FEATURES)
PATCHES = (SIDE // 2 ** len(STEM)) ** 2
# First with a part of the patches, drawn anew for each scene, which takes a third of the time; then with all.
KEPT = 96
EPOCHS = 10, 1
LEARNING_RATE = 2e-3


def network(classes: int, kept: int | None = None, token: bool = True) -> keras.Model:
    """Build a vision transformer: uint8 RGB (128, 128, 3) -> 1 + 16 · 16 tokens of 64 -> a probability for each class.

    The class token is a row of zeros before the patches, to which, as to every patch, a learned position is added.

    Args:
        classes: Number of classes.
        kept: For training only, the model also takes the positions of this many tokens (N, kept) and drops the others.
        token: Whether the head reads a class token; otherwise there is none, and it reads the mean of the patches.
    """
    import keras
    from keras import layers, ops

    image = keras.Input((SIDE, SIDE, 3), name="image")
    x = layers.Rescaling(1 / 127.5, -1, name="rescaling")(image)
    for i, filters in enumerate(STEM, 1):
        x = layers.Conv2D(filters, 4, 2, padding="same", use_bias=False, name=f"stem{i}_conv")(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"stem{i}_bn")(x)
        x = layers.ReLU(name=f"stem{i}_relu")(x)
    x = layers.Reshape((PATCHES, FEATURES), name="patches")(x)
    if token:
        x = layers.ZeroPadding1D((1, 0), name="class_token")(x)
    positions = keras.initializers.RandomNormal(stddev=0.1)
    x = layers.EinsumDense("btf,fg->btg", x.shape[1:], bias_axes="tg", bias_initializer=positions, name="embedding")(x)
    inputs: Any = image
    if kept is not None:
        inputs = [image, keras.Input((kept,), dtype="int32", name="kept")]
        x = ops.take_along_axis(x, inputs[1][..., None], axis=1)
    for i in range(1, BLOCKS + 1):
        x = _block(x, f"block{i}")
    x = layers.LayerNormalization(epsilon=1e-6, name="norm")(x)
    if token:
        x = layers.Flatten(name="flatten")(layers.Cropping1D((0, x.shape[1] - 1), name="read_out")(x))
    else:
        x = layers.GlobalAveragePooling1D(name="pool")(x)
    return keras.Model(inputs, layers.Dense(classes, activation="sigmoid", name="predictions")(x), name="vit")


def _block(x: Any, name: str) -> Any:
    from keras import layers

    y = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm1")(x)
    y = layers.MultiHeadAttention(HEADS, FEATURES // HEADS, name=f"{name}_attention")(y, y)
    x = layers.Add(name=f"{name}_add")([x, y])
    y = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm2")(x)
    y = layers.Dense(2 * FEATURES, activation="gelu", name=f"{name}_mlp1")(y)
    y = layers.Dense(FEATURES, name=f"{name}_mlp2")(y)
    return layers.Add(name=f"{name}_out")([x, y])


def train(path: Path, verbose: int = 2) -> None:
    """Train on the labels of the scenes of `train.TRAINING_SEEDS` and save the model at `path`."""
    images, labels, _ = training_set()
    ship(trained(images, labels, verbose=verbose), network(labels.shape[1]), path)


def trained(
    images: np.ndarray, labels: np.ndarray, token: bool = True, epochs: tuple[int, int] = EPOCHS, verbose: int = 2
) -> keras.Model:
    """Build and train a network.

    Args:
        images: uint8 (N, 128, 128, 3).
        labels: bool (N, C).
        token: As in `network`.
        epochs: How many with a part of the patches, and how many with all.
        verbose: As in `keras.Model.fit`.
    """
    import keras

    first = int(token)

    def whole(rng: np.random.Generator, chosen: np.ndarray) -> tuple[Any, Any]:
        (x,) = mirrored(rng, images[chosen])
        return x, labels[chosen].astype(np.float32)

    def part(rng: np.random.Generator, chosen: np.ndarray) -> tuple[Any, Any]:
        x, y = whole(rng, chosen)
        kept = rng.permuted(np.tile(np.arange(PATCHES, dtype=np.int32), (len(x), 1)), axis=1)[:, :KEPT] + first
        return (x, np.pad(kept, ((0, 0), (first, 0)))), y

    keras.utils.set_random_seed(TRAINING_SEEDS[0])
    quick, model = network(labels.shape[1], KEPT + first, token), network(labels.shape[1], token=token)
    fit(quick, batches(len(images), part), epochs[0], LEARNING_RATE, verbose)
    model.set_weights(quick.get_weights())
    fit(model, batches(len(images), whole), epochs[1], LEARNING_RATE / 4, verbose)
    return model


def fit(model: keras.Model, data: keras.utils.PyDataset, epochs: int, rate: float, verbose: int) -> None:
    """Train a classifier of several labels with AdamW: a short warm-up, then down along a cosine."""
    import keras

    warm = len(data) // 2
    schedule = keras.optimizers.schedules.CosineDecay(
        rate / 10, len(data) * epochs - warm, alpha=0.05, warmup_target=rate, warmup_steps=warm
    )
    model.compile(keras.optimizers.AdamW(schedule, weight_decay=0.02, clipnorm=1.0), "binary_crossentropy")
    model.fit(data, epochs=epochs, verbose=verbose)
