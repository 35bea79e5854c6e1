"""The net of the case as a Keras model."""

from typing import Any

import keras
from keras import layers

from tests.oracles.case import CLASSES, FILTERS, KERNEL, SIDE, STRIDE, Case


def keras_model(case: Case) -> Any:
    x = image = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(FILTERS, KERNEL, strides=STRIDE, activation="relu")(x)
    x = layers.Flatten()(x)
    model = keras.Model(image, layers.Dense(CLASSES, activation="softmax")(x))
    model.set_weights(list(case.weights))
    return model
