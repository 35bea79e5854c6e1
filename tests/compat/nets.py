"""Small models of the kinds that keras-explainable's documents show."""

import keras
import numpy as np
from keras import layers

SIDE = 12


def randomized(model, seed=3):
    """The model with weights, batch norm's included, that differ from each other and from 0 and 1."""
    rng = np.random.default_rng(seed)
    model.set_weights(
        [rng.uniform(0.2, 1.2, w.shape) if w.ndim == 1 else rng.normal(0, 0.4, w.shape) for w in model.get_weights()]
    )
    return model


def sequential():
    """Convolutions and a softmax in its own layer."""
    inside = [
        keras.Input((SIDE, SIDE, 3)),
        layers.Conv2D(6, 3, activation="relu", name="early"),
        layers.Conv2D(5, 3, strides=2, activation="relu", name="late"),
        layers.GlobalAveragePooling2D(name="avg_pool"),
        layers.Dense(4, name="logits"),
        layers.Activation("softmax", name="predictions"),
    ]
    return randomized(keras.Sequential(inside, name="sequential"))


def backbone(pooling):
    x = image = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(5, 3, strides=2, name="conv")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.ReLU(name="post_relu")(x)
    if pooling:
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    return keras.Model(image, x, name="backbone")


def nested(pooling=True):
    """A backbone with or without its own pooling, Functional outside."""
    x = image = keras.Input((SIDE, SIDE, 3), name="input_images")
    x = backbone(pooling)(x)
    if not pooling:
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    x = layers.Dense(4, name="logits")(x)
    x = layers.Activation("softmax", name="predictions")(x)
    return randomized(keras.Model(image, x, name="nested"))


def nested_sequential():
    """The same in a Sequential."""
    inside = [keras.Input((SIDE, SIDE, 3)), backbone(True), layers.Dense(4, activation="softmax", name="predictions")]
    return randomized(keras.Sequential(inside, name="nested_sequential"))


def twice_nested():
    """A nested model in another model."""
    image = keras.Input((SIDE, SIDE, 3))
    return keras.Model(image, nested(True)(image), name="twice_nested")


def hidden():
    """Hidden Dense layer, so that gradients differ from cell to cell; every layer on its own."""
    x = image = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(6, 3, name="conv")(x)
    x = layers.BatchNormalization(scale=False, epsilon=0.3, name="norm")(x)
    x = layers.ReLU(name="relu")(x)
    x = layers.Conv2D(5, 3, strides=2, name="late")(x)
    x = layers.ReLU(name="post_relu")(x)
    x = layers.Dense(7, activation="relu", name="hidden")(layers.Flatten(name="flat")(x))
    return randomized(keras.Model(image, layers.Dense(4, name="logits")(x), name="hidden"))


def fused(plain):
    """`hidden` with its last ReLU inside the convolution, and the same weights."""
    x = image = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(6, 3, name="conv")(x)
    x = layers.BatchNormalization(scale=False, epsilon=0.3, name="norm")(x)
    x = layers.ReLU(name="relu")(x)
    x = layers.Conv2D(5, 3, strides=2, activation="relu", name="late")(x)
    x = layers.Dense(7, activation="relu", name="hidden")(layers.Flatten(name="flat")(x))
    model = keras.Model(image, layers.Dense(4, activation="softmax", name="logits")(x), name="fused")
    model.set_weights(plain.get_weights())
    return model


def layer_normed():
    x = image = keras.Input((SIDE, SIDE, 3))
    x = layers.LayerNormalization(name="norm")(layers.Conv2D(5, 3, name="conv")(x))
    x = layers.LayerNormalization(center=False, name="no_beta")(x)
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(x))
    return randomized(keras.Model(image, layers.Dense(4, name="logits")(x), name="layer_normed"))
