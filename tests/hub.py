"""Small keras-hub nets with random weights, of each family that people load today."""

import warnings

import keras
import keras_hub
import numpy as np
from keras import layers, ops

hub = keras_hub.models
CLASSES = 5


def classifier(family, backbone, **head):
    return getattr(hub, f"{family}ImageClassifier")(backbone=backbone, **{"num_classes": CLASSES, **head})


def vit(pooling="token", shape=(32, 32, 3), **head):
    backbone = hub.ViTBackbone(
        image_shape=shape, patch_size=(8, 8), num_layers=3, num_heads=2, hidden_dim=16, mlp_dim=32,
        use_class_token=pooling == "token",
    )  # fmt: skip
    return classifier("ViT", backbone, pooling=pooling, **head)


def deit(shape=(32, 32, 3), **head):
    backbone = hub.DeiTBackbone(
        image_shape=shape, patch_size=(8, 8), num_layers=3, num_heads=2, hidden_dim=16, intermediate_dim=32
    )
    return classifier("DeiT", backbone, **head)


def dinov2(registers=0):
    backbone = hub.DINOV2Backbone(
        patch_size=8, num_layers=3, hidden_dim=16, num_heads=2, intermediate_dim=32, num_register_tokens=registers,
        image_shape=(32, 32, 3), position_embedding_shape=(32, 32),
    )  # fmt: skip
    return read_first_token(backbone)


def dinov3():
    backbone = hub.DINOV3Backbone(
        patch_size=8, num_layers=3, hidden_dim=16, num_heads=2, intermediate_dim=32, image_shape=(32, 32, 3)
    )
    return read_first_token(backbone)


def clip():
    encoder = hub.CLIPVisionEncoder(
        patch_size=8, hidden_dim=16, num_layers=3, num_heads=2, intermediate_dim=32, image_shape=(32, 32, 3)
    )
    return read_first_token(encoder)


def read_first_token(backbone):
    (images,), tokens = backbone.inputs, backbone.output
    return keras.Model({images.name: images}, layers.Dense(CLASSES, name="scores")(tokens[:, 0]))


def siglip():
    """Its attention pooling ends in one vector for the whole image."""
    encoder = hub.SigLIPVisionEncoder(
        patch_size=8, hidden_dim=16, num_layers=3, num_heads=2, intermediate_dim=32, image_shape=(32, 32, 3)
    )
    x = encoder.output
    x = x if len(x.shape) == 2 else ops.mean(x, axis=1)
    return keras.Model(encoder.inputs[0], layers.Dense(CLASSES, name="scores")(x))


def swin(shape=(64, 64, 3), **head):
    with warnings.catch_warnings():
        # Keras says of its own layer that it does not pass a mask on.
        warnings.simplefilter("ignore")
        backbone = hub.SwinTransformerBackbone(
            image_shape=shape, patch_size=4, embed_dim=16, depths=(2, 2), num_heads=(2, 4), window_size=4
        )
        return classifier("SwinTransformer", backbone, **head)


def vitdet():
    """Blocks of windows and, every second, of all cells; convolutions follow, and a head on their mean."""
    backbone = hub.ViTDetBackbone(
        image_shape=(32, 32, 3), patch_size=4, hidden_size=16, num_layers=4, num_heads=2, intermediate_dim=32,
        global_attention_layer_indices=[1, 3], num_output_channels=8, window_size=4,
    )  # fmt: skip
    pooled = layers.GlobalAveragePooling2D()(backbone.output)
    return keras.Model(backbone.inputs[0], layers.Dense(CLASSES, name="scores")(pooled))


def mit(shape=(64, 64, 3), **head):
    backbone = hub.MiTBackbone(
        layerwise_depths=[1, 1, 1, 1], num_layers=4, layerwise_num_heads=[1, 1, 2, 2],
        layerwise_sr_ratios=[8, 4, 2, 1], max_drop_path_rate=0.1, image_shape=shape,
        hidden_dims=[8, 8, 16, 16], layerwise_patch_sizes=[7, 3, 3, 3], layerwise_strides=[4, 2, 2, 2],
    )  # fmt: skip
    return classifier("MiT", backbone, **head)


def resnet(shape=(64, 64, 3), **head):
    backbone = hub.ResNetBackbone(
        input_conv_filters=[64], input_conv_kernel_sizes=[7], stackwise_num_filters=[64, 64],
        stackwise_num_blocks=[1, 1], stackwise_num_strides=[1, 2], block_type="basic_block", image_shape=shape,
    )  # fmt: skip
    return classifier("ResNet", backbone, **head)


def efficientnet(shape=(64, 64, 3), **head):
    backbone = hub.EfficientNetBackbone(
        stackwise_kernel_sizes=[3, 3], stackwise_num_repeats=[1, 2], stackwise_input_filters=[16, 16],
        stackwise_output_filters=[16, 24], stackwise_expansion_ratios=[1, 6],
        stackwise_squeeze_and_excite_ratios=[0.25, 0.25], stackwise_strides=[1, 2], stackwise_block_types=["v1", "v1"],
        stackwise_width_coefficients=[1.0, 1.0], stackwise_depth_coefficients=[1.0, 1.0], input_shape=shape,
        num_features=32,
    )  # fmt: skip
    return classifier("EfficientNet", backbone, **head)


def densenet(shape=(64, 64, 3), **head):
    backbone = hub.DenseNetBackbone(stackwise_num_repeats=[2, 2], growth_rate=8, image_shape=shape)
    return classifier("DenseNet", backbone, **head)


def cspnet(shape=(64, 64, 3), **head):
    backbone = hub.CSPNetBackbone(
        stem_filters=8, stem_kernel_size=3, stem_strides=2, stackwise_depth=[1, 1], stackwise_strides=[1, 2],
        stackwise_num_filters=[16, 16], block_type="dark_block", stage_type="dark", image_shape=shape,
    )  # fmt: skip
    return classifier("CSPNet", backbone, **head)


def hgnetv2(shape=(64, 64, 3), **head):
    backbone = hub.HGNetV2Backbone(
        depths=[1, 1], embedding_size=8, hidden_sizes=[16, 16], stem_channels=[3, 8, 8], hidden_act="relu",
        use_learnable_affine_block=False, image_shape=shape,
        stackwise_stage_filters=[[8, 8, 16, 1, 2, 3], [16, 8, 16, 1, 2, 3]],
        apply_downsample=[False, True], use_lightweight_conv_block=[False, False],
    )  # fmt: skip
    return classifier("HGNetV2", backbone, **{"preprocessor": None, "pooling": "avg", **head})


def mobilenet(shape=(64, 64, 3), **head):
    """MobileNet's third version, with squeeze and excitation."""
    backbone = hub.MobileNetBackbone(
        stackwise_expansion=[[40, 56], [64, 144, 144]], stackwise_num_blocks=[2, 3],
        stackwise_num_filters=[[16, 16], [24, 24, 24]], stackwise_kernel_size=[[3, 3], [5, 5, 5]],
        stackwise_num_strides=[[2, 1], [2, 1, 1]], stackwise_se_ratio=[[None, None], [0.25, 0.25, 0.25]],
        stackwise_activation=[["relu", "relu"], ["hard_swish", "hard_swish", "hard_swish"]],
        stackwise_padding=[[1, 1], [2, 2, 2]], output_num_filters=32, input_activation="hard_swish",
        output_activation="hard_swish", input_num_filters=16, image_shape=shape, depthwise_filters=8,
        depthwise_stride=2, depthwise_residual=False, last_layer_filter=32, squeeze_and_excite=0.5,
    )  # fmt: skip
    return classifier("MobileNet", backbone, **head)


def mobilenetv5(shape=(64, 64, 3), **head):
    """Its last block attends to a smaller copy of the image."""
    backbone = hub.MobileNetV5Backbone(
        stackwise_block_types=[["er"], ["uir", "mqa"]], stackwise_num_blocks=[1, 2],
        stackwise_num_filters=[[24], [32, 32]], stackwise_strides=[[2], [2, 1]],
        stackwise_act_layers=[["relu"], ["relu", "relu"]], stackwise_exp_ratios=[[4.0], [6.0, 6.0]],
        stackwise_se_ratios=[[0.0], [0.0, 0.0]], stackwise_dw_kernel_sizes=[[0], [5, 5]],
        stackwise_dw_start_kernel_sizes=[[0], [0, 0]], stackwise_dw_end_kernel_sizes=[[0], [0, 0]],
        stackwise_exp_kernel_sizes=[[3], [0, 0]], stackwise_pw_kernel_sizes=[[1], [0, 0]],
        stackwise_num_heads=[[0], [0, 2]], stackwise_key_dims=[[0], [0, 8]], stackwise_value_dims=[[0], [0, 8]],
        stackwise_kv_strides=[[0], [0, 2]], stackwise_use_cpe=[[False], [False, False]], use_msfa=False,
        image_shape=shape,
    )  # fmt: skip
    return classifier("MobileNetV5", backbone, num_features=32, **head)


def xception(shape=(64, 64, 3), **head):
    backbone = hub.XceptionBackbone(
        stackwise_conv_filters=[[16, 24], [32, 32], [48, 48]], stackwise_pooling=[False, True, False],
        image_shape=shape,
    )  # fmt: skip
    return classifier("Xception", backbone, **head)


def vgg(shape=(64, 64, 3), **head):
    backbone = hub.VGGBackbone(stackwise_num_repeats=[1, 2], stackwise_num_filters=[16, 32], image_shape=shape)
    return classifier("VGG", backbone, pooling_hidden_dim=32, **head)


def int8():
    """A dense net of tokens whose Dense layers are quantised."""
    model = vit("gap")
    with warnings.catch_warnings():
        # Keras says of layers without weights that they cannot be quantised.
        warnings.simplefilter("ignore")
        model.quantize("int8")
    return model


# Name -> net, grid and first patch token of the layer to explain, or no token where it is an image.
NETS = {
    "keras-hub ViT, class token": (vit, (4, 4), 1),
    "keras-hub ViT, class token, 32 × 64": (lambda: vit(shape=(32, 64, 3)), (4, 8), 1),
    "keras-hub ViT, pooled": (lambda: vit("gap"), (4, 4), 0),
    "keras-hub DeiT": (deit, (4, 4), 2),
    "keras-hub DINOv2": (dinov2, (4, 4), 1),
    "keras-hub DINOv2 with 4 registers": (lambda: dinov2(4), (4, 4), 5),
    "keras-hub DINOv3": (dinov3, (4, 4), 5),
    "keras-hub CLIP's encoder": (clip, (4, 4), 1),
    "keras-hub SigLIP's encoder": (siglip, (4, 4), 0),
    "keras-hub Swin": (swin, (8, 8), 0),
    "keras-hub ViTDet": (vitdet, (8, 8), None),
    "keras-hub MiT": (mit, (2, 2), 0),
    "keras-hub ResNet": (resnet, (8, 8), None),
    "keras-hub EfficientNet": (efficientnet, (16, 16), None),
    "keras-hub DenseNet": (densenet, (8, 8), None),
    "keras-hub CSPNet": (cspnet, (15, 15), None),
    "keras-hub HGNetV2": (hgnetv2, (8, 8), None),
    "keras-hub MobileNet (V3)": (mobilenet, (4, 4), None),
    "keras-hub MobileNetV5": (mobilenetv5, (8, 8), None),
    "keras-hub ViT, int8": (int8, (4, 4), 0),
}


def randomised(model, seed=1):
    """The model with weights that leave nothing at its neutral start: no bias, scale or token."""
    rng = np.random.default_rng(seed)
    for v in model.variables:
        if v.dtype != "float32" or "seed" in v.path or min(v.shape, default=0) == 0:
            continue
        spread = rng.uniform(0.8, 1.2, v.shape) if v.path.endswith(("gamma", "variance")) else 1.0
        v.assign(np.asarray(v) * spread + rng.normal(0, 0.02, v.shape) * (not v.path.endswith(("variance", "scale"))))
    return model
