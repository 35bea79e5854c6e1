"""Every net of docs/models.md: families of keras.applications, those of keras-hub, and people's own shapes."""

import tempfile
from pathlib import Path

import keras
import numpy as np
from keras import layers

from kx_widget.engine.explainer import Explainer
from tests import hub, models

SIDES = {"InceptionV3": 128, "InceptionResNetV2": 128, "Xception": 96}
# Family -> type, name (where it does not depend on what was built before) and channels of the layer to explain.
FAMILIES = {
    "VGG16": ("Conv2D", "block5_conv3", 512),
    "ResNet50": ("Activation", "conv5_block3_out", 2048),
    "ResNet50V2": ("Activation", "post_relu", 2048),
    "MobileNet": ("ReLU", "conv_pw_13_relu", 1024),
    "MobileNetV2": ("ReLU", "out_relu", 1280),
    "MobileNetV3Small": ("Activation", None, 576),
    "DenseNet121": ("Activation", "relu", 1024),
    "InceptionV3": ("Concatenate", "mixed10", 2048),
    "InceptionResNetV2": ("Activation", "conv_7b_ac", 1536),
    "Xception": ("Activation", "block14_sepconv2_act", 2048),
    "EfficientNetB0": ("Activation", "top_activation", 1280),
    "EfficientNetV2B0": ("Activation", "top_activation", 1280),
    "NASNetMobile": ("Activation", None, 1056),
    "ConvNeXtTiny": ("Add", None, 768),
}


def application(family):
    """A net of keras.applications with random weights, none of them neutral, and seven linear outputs."""
    side = SIDES.get(family, 64)
    model = getattr(keras.applications, family)(
        weights=None, input_shape=(side, side, 3), classes=7, classifier_activation=None
    )
    randomise(model)
    return model


def randomise(model):
    """Weights that leave no batch norm or bias at its neutral start."""
    rng = np.random.default_rng(1)
    for v in model.variables:
        if v.path.endswith(("bias", "beta", "moving_mean")):
            v.assign(rng.normal(0, 0.05, v.shape))
        elif v.path.endswith(("gamma", "moving_variance")):
            v.assign(rng.uniform(0.8, 1.2, v.shape))


def backbone(pooling=None, name="backbone", side=models.SIDE):
    x = image = keras.Input((side, side, 3))
    x = layers.Conv2D(5, 3, activation="relu", name="late")(x)
    return keras.Model(image, layers.GlobalAveragePooling2D()(x) if pooling else x, name=name)


def nested_without_pooling():
    head = [layers.GlobalAveragePooling2D(), layers.Dense(4, activation="softmax")]
    return keras.Sequential([keras.Input((12, 12, 3)), backbone(), *head], name="outer")


def functional_around():
    image = keras.Input((12, 12, 3))
    x = backbone("avg")(layers.Rescaling(2.0)(image))
    return keras.Model(image, layers.Dense(4, activation="softmax")(x))


def two_levels():
    image = keras.Input((12, 12, 3))
    middle = keras.Model(image, layers.Dropout(0.5)(backbone(name="inner")(image)), name="middle")
    head = [layers.GlobalAveragePooling2D(), layers.Dense(4, activation="softmax")]
    return keras.Sequential([keras.Input((12, 12, 3)), middle, *head])


class Twice(keras.Model):
    """Sees the image and its mirror with one backbone."""

    def __init__(self):
        super().__init__(name="twice")
        self.body = backbone("avg")
        self.scores = layers.Dense(4, name="scores")

    def call(self, x):
        return self.scores(self.body(x) - self.body(x[:, :, ::-1]) * 0.5)


def calls_twice():
    model = Twice()
    model(np.zeros((1, 12, 12, 3), np.float32))
    return model


def operations():
    image = keras.Input((12, 12, 3))
    x = keras.ops.relu(layers.Conv2D(5, 3, name="late")(image)) * 2.0 + 0.1
    x = layers.Lambda(lambda t: keras.ops.square(t), output_shape=(10, 10, 5))(x)
    return keras.Model(image, layers.Dense(4)(keras.ops.mean(x, (1, 2))))


def half():
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        return models.residual()
    finally:
        keras.mixed_precision.set_global_policy("float32")


def saved_and_loaded():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        models.residual().save(path)
        return keras.saving.load_model(path)


def free_size():
    image = keras.Input((None, None, 3))
    x = layers.Conv2D(5, 3, activation="relu", name="late")(image)
    return keras.Model(image, layers.Dense(4, activation="softmax")(layers.GlobalAveragePooling2D()(x)))


def one_channel():
    image = keras.Input((12, 12, 3))
    x = layers.Conv2D(1, 3, activation="relu", name="late", bias_initializer="ones")(image)
    return keras.Model(image, layers.Dense(4, activation="softmax")(layers.GlobalAveragePooling2D()(x)))


OWN = {
    "Sequential around a backbone with pooling": (models.nested, "backbone/late"),
    "Sequential around a backbone without pooling": (nested_without_pooling, "backbone/late"),
    "Functional around a backbone": (functional_around, "backbone/late"),
    "backbone two levels deep": (two_levels, "middle/inner/late"),
    "subclassed": (models.subclassed, "late"),
    "subclassed, calls its backbone twice": (calls_twice, "backbone/late#2"),
    "keras.ops and Lambda inside": (operations, "relu"),
    "mixed_float16": (half, "after_add"),
    "saved to .keras and loaded": (saved_and_loaded, "after_add"),
    "sigmoid, several labels": (lambda: models.pooled("sigmoid"), "late"),
    "one sigmoid unit": (models.single_unit, "late"),
    "two outputs, one chosen": (models.two_outputs, "late"),
    "gray, not square": (models.gray, "late"),
    "four bands": (models.bands, "late"),
    "any input size": (free_size, "late"),
    "one channel": (one_channel, "late"),
    "tokens with a class token": (lambda: models.tokens(True), "joined"),
    "tokens without a class token": (lambda: models.tokens(False), "grid"),
    "no layer with a map": (models.flat, None),
}


NAMES = (*FAMILIES, *hub.NETS, *OWN)


def explainer_of(name):
    """An explainer of a net by its name, which is built anew from the same seed."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    if name in FAMILIES:
        model = application(name)
    elif name in hub.NETS:
        model = hub.randomised(hub.NETS[name][0]())
    else:
        model = OWN[name][0]()
    explainer = Explainer(model, preprocess=None, output="size" if name == "two outputs, one chosen" else None)
    if name == "any input size":
        # Images tell it.
        explainer.explain(np.zeros((1, models.SIDE, models.SIDE, 3), np.float32), [0])
    return explainer
