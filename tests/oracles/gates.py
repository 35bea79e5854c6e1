"""A small net with all that DeepLIFT has rules for in Captum, too: its weights, and the net in Keras.

Batch norm, a residual sum, branches that are joined, and gates that are bent as well as broken; no maxima, after which
Captum's maps no longer sum to the change of the score, as it tells itself (`return_convergence_delta`).
"""

from typing import Any

import numpy as np

from tests.oracles.case import CLASSES, SIDE

WIDTH = 6


def weights() -> dict[str, Any]:
    """Arrays by the name of a layer, in the order and the shapes of Keras."""
    rng = np.random.default_rng(7)

    def conv(side: int, before: int, after: int) -> list[Any]:
        kernel = rng.standard_normal((side, side, before, after)) * np.sqrt(2 / (side * side * before))
        return [kernel, rng.normal(0, 0.3, after)]

    def norm() -> list[Any]:
        return [
            rng.uniform(0.5, 1.5, WIDTH), rng.normal(0, 0.3, WIDTH),
            rng.normal(0, 0.3, WIDTH), rng.uniform(0.5, 1.5, WIDTH),
        ]  # fmt: skip

    def dense(before: int, after: int) -> list[Any]:
        return [rng.standard_normal((before, after)) / np.sqrt(before), rng.normal(0, 0.3, after)]

    return {
        "first": conv(3, 3, WIDTH), "first_norm": norm(), "inside": conv(3, WIDTH, WIDTH), "inside_norm": norm(),
        "bent": conv(1, WIDTH, WIDTH), "hidden": dense(2 * WIDTH, 8), "scores": dense(8, CLASSES),
    }  # fmt: skip


def keras_gates() -> Any:
    import keras
    from keras import layers

    x = image = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(WIDTH, 3, padding="same", name="first")(x)
    x = layers.ReLU()(layers.BatchNormalization(name="first_norm", epsilon=1e-3)(x))
    skip = x = layers.AveragePooling2D(2)(x)
    x = layers.Conv2D(WIDTH, 3, padding="same", name="inside")(x)
    x = layers.ELU()(layers.BatchNormalization(name="inside_norm", epsilon=1e-3)(x))
    x = layers.ReLU()(layers.Add()([x, skip]))
    x = layers.Concatenate()([x, layers.Conv2D(WIDTH, 1, activation="tanh", name="bent")(x)])
    x = layers.Dense(8, activation="softplus", name="hidden")(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(image, layers.Dense(CLASSES, activation="softmax", name="scores")(x))
    for name, arrays in weights().items():
        model.get_layer(name).set_weights(arrays)
    return model
