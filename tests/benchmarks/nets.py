"""A net that keeps as many scores as ResNet50 does, at next to no cost."""

import keras
from keras import layers


def shallow(weights: None = None) -> keras.Model:
    """64 channels of 7×7 and 32000 classes."""
    del weights
    x = image = keras.Input((224, 224, 3))
    x = layers.AveragePooling2D(32)(x)
    x = layers.Conv2D(64, 1, name="late")(x)
    return keras.Model(image, layers.Dense(32000)(layers.GlobalAveragePooling2D()(x)))
