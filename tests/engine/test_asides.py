"""Layers that a list can leave out are those whose map another one has, and the reason names it."""

import keras
from keras import layers

from kx_widget.engine.explainer import Explainer
from tests import models


def asides(model: keras.Model) -> dict[str, str]:
    return {layer.path: layer.aside for layer in Explainer(model).inspection.layers if layer.aside}


def test_what_comes_before_an_activation():
    before = "comes before its activation, "
    assert asides(models.residual()) == {
        "branch": f"{before}inside",
        "norm": f"{before}inside",
        "add": f"{before}after_add",
    }


def test_margins_norms_and_what_does_nothing():
    x = image = keras.Input((12, 12, 3))
    x = layers.Rescaling(2.0, name="scale")(x)
    x = layers.ZeroPadding2D(1, name="margin")(x)
    x = layers.Conv2D(4, 3, activation="relu", name="conv")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.Dropout(0.5, name="drop")(x)
    x = layers.MaxPooling2D(name="pooled")(x)
    x = layers.Dense(3)(layers.GlobalAveragePooling2D()(x))
    assert asides(keras.Model(image, x)) == {
        "scale": "the picture as the model takes it",
        "margin": "scale with another margin",
        "norm": "conv, rescaled channel by channel",
        "drop": "the same as norm",
    }


def test_a_layer_that_others_read_too_stays():
    x = image = keras.Input((12, 12, 3))
    skip = x = layers.Conv2D(4, 3, padding="same", name="conv")(x)
    x = layers.ReLU(name="relu")(x)
    x = layers.Add(name="add")([x, skip])
    x = layers.Dense(3)(layers.GlobalAveragePooling2D()(x))
    assert asides(keras.Model(image, x)) == {}


def test_a_backbone_is_its_last_layer():
    x = image = keras.Input((12, 12, 3))
    backbone = keras.Model(image, layers.Conv2D(4, 3, activation="relu", name="late")(x), name="backbone")
    x = layers.Dense(3)(layers.GlobalAveragePooling2D()(backbone(image)))
    assert asides(keras.Model(image, x)) == {"backbone": "the same as backbone/late"}
