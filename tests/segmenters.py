"""Small segmenters and detectors, whose weights are random numbers that every library is given alike."""

import keras
import numpy as np
from keras import layers

SIDE, CLASSES = 64, 5


def with_drawn_weights(model, seed=0):
    """The model with weights of a spread that keeps activations alive, drawn by numpy alone."""
    rng = np.random.default_rng(seed)
    for v in model.variables:
        if not str(v.dtype).startswith("float"):
            continue
        if v.path.endswith(("gamma", "variance")):
            v.assign(rng.uniform(0.8, 1.2, v.shape))
        else:
            fan_in = np.prod(v.shape[:-1]) if len(v.shape) > 1 else 400
            v.assign(rng.standard_normal(v.shape) * np.sqrt(2 / fan_in))
    return model


def photographs(number=3, side=SIDE):
    """Smooth noise (number, side, side, 3) in 0..1, so that neighbours are alike."""
    coarse = np.random.default_rng(7).random((number, 8, 8, 3)).astype(np.float32)
    return keras.ops.convert_to_numpy(keras.ops.image.resize(coarse, (side, side), interpolation="bicubic")).clip(0, 1)


def unet(activation=None, classes=CLASSES, side=SIDE, filters=8, name="unet"):
    """A U-Net with skip connections."""

    def convolved(x, filters, name):
        return layers.Conv2D(filters, 3, padding="same", activation="relu", name=name)(x)

    image = keras.Input((side, side, 3))
    first = convolved(image, filters, "first")
    second = convolved(layers.MaxPooling2D()(first), 2 * filters, "second")
    bottom = convolved(layers.MaxPooling2D()(second), 4 * filters, "bottom")
    x = layers.Concatenate()([layers.UpSampling2D()(bottom), second])
    x = layers.Concatenate()([layers.UpSampling2D()(convolved(x, 2 * filters, "third")), first])
    x = convolved(x, filters, "last")
    scores = layers.Conv2D(classes, 1, activation=activation, name="classes")(x)
    return with_drawn_weights(keras.Model(image, scores, name=name))


def segformer():
    """SegFormer, without the softmax of the task."""
    import keras_hub.models as hub

    encoder = hub.MiTBackbone(
        layerwise_depths=[1, 1, 1, 1], num_layers=4, layerwise_num_heads=[1, 1, 2, 2],
        layerwise_sr_ratios=[8, 4, 2, 1], max_drop_path_rate=0.1, image_shape=(SIDE, SIDE, 3),
        hidden_dims=[8, 12, 16, 20], layerwise_patch_sizes=[7, 3, 3, 3], layerwise_strides=[4, 2, 2, 2],
    )  # fmt: skip
    backbone = hub.SegFormerBackbone(encoder, projection_filters=16)
    scores = layers.Conv2D(CLASSES, 1, name="classes")(backbone.output)
    drawn = layers.Resizing(SIDE, SIDE, interpolation="bilinear")(scores)
    return with_drawn_weights(keras.Model(backbone.input, drawn))


def deeplab():
    """DeepLabV3+, without the softmax of the task."""
    import keras_hub.models as hub

    encoder = hub.ResNetBackbone(
        input_conv_filters=[64], input_conv_kernel_sizes=[7], stackwise_num_filters=[64, 64],
        stackwise_num_blocks=[1, 1], stackwise_num_strides=[1, 2], block_type="basic_block",
        image_shape=(SIDE, SIDE, 3),
    )  # fmt: skip
    backbone = hub.DeepLabV3Backbone(
        encoder, spatial_pyramid_pooling_key="P3", upsampling_size=2, dilation_rates=[1, 2],
        low_level_feature_key="P2", image_shape=(SIDE, SIDE, 3),
    )  # fmt: skip
    scores = layers.Conv2D(CLASSES, 1, name="classes")(backbone.output)
    return with_drawn_weights(keras.Model(backbone.input, scores))


def last_coarse(model):
    """The last layer at the top of a model that gives a grid of the coarsest size, of more than 2 cells a side."""
    grids = [(layer.output.shape[1], layer) for layer in model.layers if _is_grid(layer)]
    coarsest = min(side for side, _ in grids if side and side > 2)
    return [layer for side, layer in grids if side == coarsest][-1].name


def _is_grid(layer):
    output = getattr(layer, "output", None)
    return hasattr(output, "shape") and len(output.shape) == 4


SEGMENTERS = {"unet": unet, "segformer": segformer, "deeplab": deeplab}


def retinanet(classes=3):
    """A RetinaNet of keras-hub on a small ResNet."""
    import keras_hub.models as hub

    encoder = hub.ResNetBackbone(
        input_conv_filters=[64], input_conv_kernel_sizes=[7], stackwise_num_filters=[64, 64, 64],
        stackwise_num_blocks=[1, 1, 1], stackwise_num_strides=[1, 2, 2], block_type="basic_block",
        image_shape=(SIDE, SIDE, 3),
    )  # fmt: skip
    backbone = hub.RetinaNetBackbone(
        image_encoder=encoder, min_level=3, max_level=4, use_p5=False, image_shape=(SIDE, SIDE, 3)
    )
    net = hub.RetinaNetObjectDetector(backbone, num_classes=classes, bounding_box_format="xyxy",
                                      pre_logits_num_conv_layers=1)  # fmt: skip
    return with_drawn_weights(net)
