"""Models that are no classifiers of one picture each: the second table of docs/models.md."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers

from kx_widget import samples
from kx_widget.engine.explainer import Explainer
from tests import segmenters


@dataclass(frozen=True)
class OtherModel:
    """How to explain a model, and how to ask Keras the same.

    Attributes:
        explainer: makes it.
        inputs: gives the images, and what is beside them, by number.
        score: what Keras's output says of class or value 0, one number an image.
    """

    explainer: Callable[[], Explainer]
    inputs: Callable[[int], Any]
    score: Callable[[Any], Any] = lambda y: y[:, 0]


def of_places(y):
    return y[..., 0].reshape(len(y), -1).mean(1)


def photographs(number):
    return segmenters.photographs(number)


def regression():
    image = keras.Input((24, 32, 3))
    x = layers.Conv2D(8, 3, activation="relu", name="late")(image)
    model = keras.Model(image, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))
    return Explainer(model, preprocess=None, output_names={"age": "years", "height": "cm"})


def noise(number, shape=(24, 32, 3)):
    return np.random.default_rng(0).random((number, *shape)).astype("f4")


def two_inputs():
    image, age = keras.Input((24, 32, 3), name="image"), keras.Input((1,), name="age")
    x = layers.Conv2D(8, 3, activation="relu", name="late")(image)
    x = layers.Concatenate()([layers.GlobalAveragePooling2D()(x), age])
    return Explainer(keras.Model([image, age], layers.Dense(3)(layers.Dense(6, "tanh")(x))), preprocess=None)


def deep_bands():
    image = keras.Input((24, 32, 4))
    x = layers.Conv2D(8, 3, activation="relu", name="late")(layers.Rescaling(1 / 4095)(image))
    return Explainer(keras.Model(image, layers.Dense(3)(layers.GlobalAveragePooling2D()(x))))


def deep(number):
    images = np.random.default_rng(0).integers(0, 4096, (number, 24, 32, 4)).astype(np.uint16)
    images[:, 0, 0] = 4095
    return images


def thermal():
    model, _, output_names, *_ = samples.load_thermal()
    return Explainer(model, output_names=output_names)


def thermal_inputs(number):
    images, air, *_ = samples.thermal_scenes(number, 3)
    return {"image": images, "air": air}


def of_segmenter(make, **settings):
    return lambda: Explainer(make(), preprocess=None, **settings)


OTHERS = {
    "U-Net": OtherModel(of_segmenter(segmenters.unet), photographs, of_places),
    "keras-hub SegFormer": OtherModel(of_segmenter(segmenters.segformer), photographs, of_places),
    "keras-hub DeepLabV3": OtherModel(of_segmenter(segmenters.deeplab), photographs, of_places),
    "keras-hub RetinaNet, its class scores": OtherModel(
        of_segmenter(segmenters.retinanet, output="cls_logits"), photographs, lambda y: of_places(y["cls_logits"])
    ),
    "regression": OtherModel(regression, noise),
    "an image and a number": OtherModel(
        two_inputs, lambda n: {"image": noise(n), "age": np.linspace(0, 1, n)[:, None]}
    ),
    "four bands of 12 bits": OtherModel(deep_bands, deep),
    "samples.load_thermal()": OtherModel(thermal, thermal_inputs),
}


def explainer_of(name):
    """An explainer of a model by its name, which is built anew from the same seed."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    return OTHERS[name].explainer()
