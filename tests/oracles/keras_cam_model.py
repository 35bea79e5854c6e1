"""The net of `cam_case` as a Keras model."""

from typing import Any

import keras
from keras import layers

from tests.oracles.cam_case import CHANNELS, DEEPER, FIRST, HIDDEN, LAST, OUTPUTS, cam_weights
from tests.oracles.case import SIDE


def keras_cam_model() -> Any:
    x = image = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(CHANNELS, 5, strides=2, activation="relu", name=FIRST)(x)
    x = layers.Conv2D(DEEPER, 3, activation="softplus", name=LAST)(x)
    x = layers.Dense(HIDDEN, activation="tanh")(layers.Flatten()(x))
    model = keras.Model(image, layers.Dense(OUTPUTS)(x))
    model.set_weights(list(cam_weights()))
    return model
