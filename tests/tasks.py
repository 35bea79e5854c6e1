"""Small tasks of keras-hub, with random weights and the preprocessor that their presets come with."""

from collections.abc import Callable
from typing import Any

import keras
import keras_hub
import numpy as np
import tensorflow as tf
from keras import layers
from keras_hub import models as hub

CLASSES = 5
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
            layers.Dense(CLASSES),
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


def _task(family: str, backbone: Any, settings: dict[str, Any], **head: Any) -> Any:
    size = tuple(backbone.input_shape[1:3]) if not isinstance(backbone.input, dict) else (64, 64)
    preprocessor = getattr(hub, f"{family}ImageClassifierPreprocessor")(
        image_converter=converter(size, getattr(keras_hub.layers, f"{family}ImageConverter"), **settings)
    )
    head = {"num_classes": CLASSES, **head}
    return getattr(hub, f"{family}ImageClassifier")(backbone=backbone, preprocessor=preprocessor, **head)


def vit(settings: dict[str, Any] = HALVES, **head: Any) -> Any:
    backbone = hub.ViTBackbone(
        image_shape=(64, 64, 3), patch_size=16, num_layers=2, num_heads=2, hidden_dim=32, mlp_dim=48
    )
    return _task("ViT", backbone, settings, **head)


def deit() -> Any:
    backbone = hub.DeiTBackbone(
        image_shape=(64, 64, 3), patch_size=16, num_layers=2, num_heads=2, hidden_dim=32, intermediate_dim=48
    )
    return _task("DeiT", backbone, DEVIATIONS)


def swin() -> Any:
    backbone = hub.SwinTransformerBackbone(
        image_shape=(64, 64, 3), embed_dim=16, depths=[2, 2], num_heads=[2, 4], window_size=4, patch_size=4
    )
    return _task("SwinTransformer", backbone, {**DEVIATIONS, "interpolation": "bicubic", "antialias": True})


def mit() -> Any:
    backbone = hub.MiTBackbone(
        layerwise_depths=[1, 1], num_layers=2, layerwise_num_heads=[1, 2], layerwise_sr_ratios=[4, 2],
        max_drop_path_rate=0.1, layerwise_patch_sizes=[7, 3], layerwise_strides=[4, 2], hidden_dims=[16, 32],
        image_shape=(64, 64, 3),
    )  # fmt: skip
    return _task("MiT", backbone, {**DEVIATIONS, "interpolation": "nearest"})


def resnet(settings: dict[str, Any] = DEVIATIONS, shape: Any = (64, 96, 3), **head: Any) -> Any:
    backbone = hub.ResNetBackbone(
        input_conv_filters=[16], input_conv_kernel_sizes=[7], stackwise_num_filters=[64, 32],
        stackwise_num_blocks=[1, 2], stackwise_num_strides=[1, 2], block_type="bottleneck_block", image_shape=shape,
    )  # fmt: skip
    return _task("ResNet", backbone, settings, **head)


def efficientnet() -> Any:
    backbone = hub.EfficientNetBackbone(
        stackwise_width_coefficients=[0.5] * 2, stackwise_depth_coefficients=[1.0] * 2, stackwise_kernel_sizes=[3, 3],
        stackwise_num_repeats=[1, 1], stackwise_input_filters=[32, 16], stackwise_output_filters=[16, 24],
        stackwise_expansion_ratios=[1, 6], stackwise_squeeze_and_excite_ratios=[0.25, 0.25], stackwise_strides=[1, 2],
        stackwise_block_types=["v1", "v1"], input_shape=(64, 96, 3), num_features=64,
    )  # fmt: skip
    return _task("EfficientNet", backbone, {**DEVIATIONS, "interpolation": "bicubic"})


def densenet() -> Any:
    backbone = hub.DenseNetBackbone(stackwise_num_repeats=[2, 2], growth_rate=8, image_shape=(64, 96, 3))
    return _task("DenseNet", backbone, {**DEVIATIONS, "antialias": True})


def mobilenet() -> Any:
    backbone = hub.MobileNetBackbone(
        stackwise_expansion=[[40, 56], [64, 72]], stackwise_num_blocks=[2, 2],
        stackwise_num_filters=[[16, 16], [24, 24]],
        stackwise_kernel_size=[[3, 3], [5, 5]], stackwise_num_strides=[[2, 1], [2, 1]],
        stackwise_se_ratio=[[None, None], [0.25, 0.25]], stackwise_activation=[["relu", "relu"], ["hard_swish"] * 2],
        stackwise_padding=[[1, 1], [2, 2]], output_num_filters=64, input_num_filters=16, image_shape=(64, 96, 3),
        depthwise_filters=8, depthwise_stride=2, depthwise_residual=False, last_layer_filter=64, squeeze_and_excite=0.5,
    )  # fmt: skip
    return _task("MobileNet", backbone, HALVES)


def mobilenetv5() -> Any:
    backbone = hub.MobileNetV5Backbone(
        stackwise_block_types=[["er"], ["uir", "uir"]], stackwise_num_blocks=[1, 2],
        stackwise_num_filters=[[24], [32, 32]], stackwise_strides=[[2], [2, 1]],
        stackwise_act_layers=[["relu"], ["relu", "relu"]], stackwise_exp_ratios=[[4.0], [6.0, 6.0]],
        stackwise_se_ratios=[[0.0], [0.0, 0.0]], stackwise_dw_kernel_sizes=[[0], [5, 5]],
        stackwise_dw_start_kernel_sizes=[[0], [0, 0]], stackwise_dw_end_kernel_sizes=[[0], [0, 0]],
        stackwise_exp_kernel_sizes=[[3], [0, 0]], stackwise_pw_kernel_sizes=[[1], [0, 0]],
        stackwise_num_heads=[[0], [0, 0]], stackwise_key_dims=[[0], [0, 0]], stackwise_value_dims=[[0], [0, 0]],
        stackwise_kv_strides=[[0], [0, 0]], stackwise_use_cpe=[[False], [False, False]], use_msfa=False,
        image_shape=(64, 96, 3),
    )  # fmt: skip
    return _task("MobileNetV5", backbone, HALVES)


def cspnet() -> Any:
    backbone = hub.CSPNetBackbone(
        stem_filters=16, stem_kernel_size=3, stem_strides=1, stackwise_depth=[1, 2], stackwise_strides=[1, 2],
        stackwise_num_filters=[16, 32], block_type="dark_block", stage_type="dark", image_shape=(64, 96, 3),
    )  # fmt: skip
    return _task("CSPNet", backbone, {**DEVIATIONS, "interpolation": "bicubic"})


def hgnetv2() -> Any:
    backbone = hub.HGNetV2Backbone(
        depths=[1, 2], embedding_size=16, hidden_sizes=[32, 48], stem_channels=[3, 16, 16], hidden_act="relu",
        use_learnable_affine_block=False, stackwise_stage_filters=[(16, 16, 32, 1, 1, 3), (32, 16, 48, 2, 1, 3)],
        apply_downsample=[False, True], use_lightweight_conv_block=[False, False], image_shape=(64, 96, 3),
    )  # fmt: skip
    return _task("HGNetV2", backbone, {**DEVIATIONS, "crop_to_aspect_ratio": False})


def xception() -> Any:
    backbone = hub.XceptionBackbone(
        stackwise_conv_filters=[[16, 24], [32, 32], [48, 48]], stackwise_pooling=[False, True, False],
        image_shape=(64, 96, 3),
    )  # fmt: skip
    pads = {"crop_to_aspect_ratio": False, "pad_to_aspect_ratio": True}
    return _task("Xception", backbone, {**HALVES, **pads})


def vgg() -> Any:
    backbone = hub.VGGBackbone(stackwise_num_repeats=[1, 2], stackwise_num_filters=[16, 32], image_shape=(64, 96, 3))
    return _task("VGG", backbone, DEVIATIONS, pooling_hidden_dim=32)


TASKS: dict[str, Callable[[], Any]] = {
    fn.__name__: fn
    for fn in (vit, deit, swin, mit, resnet, efficientnet, densenet, mobilenet, mobilenetv5, cspnet, hgnetv2, xception,
               vgg)
}  # fmt: skip


def _encoder(family: str, registers: int = 0) -> Any:
    """A classifier on the class token of an encoder that takes a dict; its preprocessor hangs on it, as on a task."""
    size = {"image_shape": (56, 56, 3), "patch_size": 14, "num_layers": 2, "num_heads": 2, "hidden_dim": 32}
    size["intermediate_dim"] = 48
    if family == "DINOV2":
        encoder = hub.DINOV2Backbone(**size, num_register_tokens=registers, position_embedding_shape=(56, 56))
    elif family == "DINOV3":
        encoder = hub.DINOV3Backbone(**size, num_register_tokens=registers)
    else:
        encoder = hub.CLIPVisionEncoder(**size)
    tokens = encoder(encoder.input)
    model = keras.Model(encoder.input, keras.layers.Dense(CLASSES)(tokens[:, 0]))
    model.preprocessor = converter((56, 56), getattr(keras_hub.layers, f"{family}ImageConverter"), **DEVIATIONS)
    return model


def dinov2() -> Any:
    return _encoder("DINOV2", 4)


def dinov3() -> Any:
    return _encoder("DINOV3", 4)


def clip() -> Any:
    return _encoder("CLIP")


ENCODERS: dict[str, Callable[[], Any]] = {fn.__name__: fn for fn in (dinov2, dinov3, clip)}
