"""Small tasks of keras-hub, with random weights and the preprocessor that their presets come with."""

from typing import Any

import keras
import keras_hub
import numpy as np
import tensorflow as tf
from keras import layers

from tests import hub

# What presets have: Inception's range, ImageNet's mean and deviation.
HALVES = {"scale": 1 / 127.5, "offset": -1.0}
DEVIATIONS = {
    "scale": (1 / (255 * 0.229), 1 / (255 * 0.224), 1 / (255 * 0.225)),
    "offset": (-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225),
}


def photo(h, w, seed=0):
    """Coarse patches, as photographs have: what is cropped, padded or resized otherwise shows."""
    coarse = np.random.default_rng(seed).integers(0, 256, (h // 9 + 1, w // 9 + 1, 3), np.uint8)
    return np.kron(coarse, np.ones((9, 9, 1), np.uint8))[:h, :w]


def net(preprocessor, shape=(32, 48, 3)):
    """A plain net with a preprocessor on it."""
    model = keras.Sequential(
        [
            keras.Input(shape),
            layers.Conv2D(4, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(hub.CLASSES),
        ]
    )
    model.preprocessor = preprocessor
    return model


def of_pipeline(preprocessor, image):
    """What a pipeline makes of one image; a task predicts through one."""
    data = tf.data.Dataset.from_tensors(image[None]).map(preprocessor)
    return next(iter(data)).numpy()[0]


def converter(size: Any, kind: type | None = None, **settings: Any) -> Any:
    """An ImageConverter; cropped to the aspect ratio unless said otherwise, as keras-hub has it."""
    return (kind or keras_hub.layers.ImageConverter)(image_size=size, **settings)


SQUARE, OBLONG = (64, 64, 3), (64, 96, 3)
# By the name of the function in `hub`: keras-hub's name, the shape of images, and what the converter does.
TASKS: dict[str, tuple[str, tuple[int, int, int], dict[str, Any]]] = {
    "vit": ("ViT", SQUARE, HALVES),
    "deit": ("DeiT", SQUARE, DEVIATIONS),
    "swin": ("SwinTransformer", SQUARE, {**DEVIATIONS, "interpolation": "bicubic", "antialias": True}),
    "mit": ("MiT", SQUARE, {**DEVIATIONS, "interpolation": "nearest"}),
    "resnet": ("ResNet", OBLONG, DEVIATIONS),
    "efficientnet": ("EfficientNet", OBLONG, {**DEVIATIONS, "interpolation": "bicubic"}),
    "densenet": ("DenseNet", OBLONG, {**DEVIATIONS, "antialias": True}),
    "mobilenet": ("MobileNet", OBLONG, HALVES),
    "mobilenetv5": ("MobileNetV5", OBLONG, HALVES),
    "cspnet": ("CSPNet", OBLONG, {**DEVIATIONS, "interpolation": "bicubic"}),
    "hgnetv2": ("HGNetV2", OBLONG, {**DEVIATIONS, "crop_to_aspect_ratio": False}),
    "xception": ("Xception", OBLONG, {**HALVES, "crop_to_aspect_ratio": False, "pad_to_aspect_ratio": True}),
    "vgg": ("VGG", OBLONG, DEVIATIONS),
}
ENCODERS = {"dinov2": "DINOV2", "dinov3": "DINOV3", "clip": "CLIP"}


def task(name: str, shape: Any = None, **head: Any) -> Any:
    """A classifier of `TASKS` with its preprocessor."""
    family, usual_shape, settings = TASKS[name]
    shape = shape or usual_shape
    preprocessor = getattr(keras_hub.models, f"{family}ImageClassifierPreprocessor")(
        image_converter=converter(shape[:2], getattr(keras_hub.layers, f"{family}ImageConverter"), **settings)
    )
    return getattr(hub, name)(shape=shape, preprocessor=preprocessor, **head)


def encoder(name: str) -> Any:
    """A classifier on an encoder of `ENCODERS`, which takes a dict; its preprocessor hangs on it, as on a task."""
    model = getattr(hub, name)()
    kind = getattr(keras_hub.layers, f"{ENCODERS[name]}ImageConverter")
    model.preprocessor = converter(model.inputs[0].shape[1:3], kind, **DEVIATIONS)
    return model
