"""Which family of keras.applications a model comes from, told by its layers: a name may be anybody's."""

import re
from typing import Any

from kx_widget.engine.keras_private import sublayers

# Module of keras.applications -> layers that every member has near its input and no other family has, each as
# "name type kernel filters" (the last two where the layer has them). Ends of a network are often cut off.
FAMILIES: dict[str, tuple[str, ...]] = {
    "resnet": (
        *("conv1_pad ZeroPadding2D", "conv1_conv Conv2D 7 64", "pool1_pad ZeroPadding2D"),
        *("conv2_block1_1_conv Conv2D 1 64", "conv2_block1_1_bn BatchNormalization"),
        *("conv2_block1_3_conv Conv2D 1 256", "conv2_block1_3_bn BatchNormalization", "conv2_block1_out Activation"),
    ),
    "resnet_v2": (
        *("conv1_pad ZeroPadding2D", "conv1_conv Conv2D 7 64", "pool1_pad ZeroPadding2D"),
        *("conv2_block1_preact_bn BatchNormalization", "conv2_block1_3_conv Conv2D 1 256", "conv2_block1_out Add"),
    ),
    "vgg19": ("block1_conv2 Conv2D 3 64", "block2_conv2 Conv2D 3 128", "block3_conv4 Conv2D 3 256"),
    "vgg16": (
        *("block1_conv1 Conv2D 3 64", "block1_conv2 Conv2D 3 64", "block1_pool MaxPooling2D"),
        *("block2_conv1 Conv2D 3 128", "block2_conv2 Conv2D 3 128", "block2_pool MaxPooling2D"),
        *("block3_conv1 Conv2D 3 256", "block3_conv2 Conv2D 3 256", "block3_conv3 Conv2D 3 256"),
    ),
    "mobilenet": (
        *(r"conv1 Conv2D 3 \d+", "conv1_bn BatchNormalization", "conv_dw_1 DepthwiseConv2D 3"),
        *(r"conv_pw_1 Conv2D 1 \d+", "conv_pad_2 ZeroPadding2D", r"conv_pw_5 Conv2D 1 \d+"),
    ),
    "mobilenet_v2": (
        *(r"Conv1 Conv2D 3 \d+", "bn_Conv1 BatchNormalization", "expanded_conv_depthwise DepthwiseConv2D 3"),
        *(r"expanded_conv_project Conv2D 1 \d+", r"block_1_expand Conv2D 1 \d+", "block_1_pad ZeroPadding2D"),
    ),
    "mobilenet_v3": (
        *("conv Conv2D 3 16", "conv_bn BatchNormalization", "expanded_conv_depthwise DepthwiseConv2D 3"),
        *(r"expanded_conv_project Conv2D 1 \d+", r"expanded_conv_1_expand Conv2D 1 \d+"),
    ),
    "densenet": (
        *("conv1_conv Conv2D 7 64", "conv2_block1_0_bn BatchNormalization", "conv2_block1_1_conv Conv2D 1 128"),
        *("conv2_block1_2_conv Conv2D 3 32", "conv2_block1_concat Concatenate", "conv2_block6_concat Concatenate"),
    ),
    "inception_v3": ("mixed0 Concatenate", "mixed1 Concatenate", "mixed2 Concatenate", "mixed3 Concatenate"),
    "inception_resnet_v2": (
        *("mixed_5b Concatenate", "block35_1_mixed Concatenate", "block35_1_conv Conv2D 1 320"),
        "block35_2_conv Conv2D 1 320",
    ),
    "xception": (
        *("block1_conv1 Conv2D 3 32", "block1_conv2 Conv2D 3 64", "block2_sepconv1 SeparableConv2D 3 128"),
        *("block2_sepconv2_act Activation", "block3_sepconv1 SeparableConv2D 3 256"),
    ),
    "nasnet": (
        *(r"stem_conv1 Conv2D 3 \d+", "stem_bn1 BatchNormalization", r"reduction_conv_1_stem_1 Conv2D 1 \d+"),
        r"separable_conv_1_reduction_left1_stem_1 SeparableConv2D 5 \d+",
    ),
    "efficientnet": (
        *(r"stem_conv Conv2D 3 \d+", "block1a_dwconv DepthwiseConv2D 3", r"block1a_se_reduce Conv2D 1 \d+"),
        *(r"block1a_project_conv Conv2D 1 \d+", r"block2a_expand_conv Conv2D 1 \d+"),
    ),
    "efficientnet_v2": (
        *(r"stem_conv Conv2D 3 \d+", r"block1a_project_conv Conv2D 3 \d+", r"block2a_expand_conv Conv2D 3 \d+"),
        r"block2a_project_conv Conv2D 1 \d+",
    ),
    "convnext": (
        *(".*stem Sequential", r".*stage_0_block_0_depthwise_conv Conv2D 7 \d+"),
        *(".*stage_0_block_0_pointwise_conv_1 Dense", ".*stage_0_block_0_layer_scale LayerScale"),
    ),
}


def family_of(model: Any) -> str | None:
    """The keras.applications module that this model, or one nested in it, comes from.

    keras-hub's VGG and Xception have the same layers, but expect other numbers.
    """
    inside = [layer for _, layer in sublayers(model)]
    if any(type(one).__module__.startswith("keras_hub.") for one in (model, *inside)):
        return None
    lines = "\n".join(map(_line, inside))
    for module, layers in FAMILIES.items():
        if all(re.search(f"^{layer}$", lines, re.M) for layer in layers):
            return module
    return None


def _line(layer: Any) -> str:
    kernel = getattr(layer, "kernel_size", None) or ()
    filters = getattr(layer, "filters", None) if kernel else None
    return " ".join(map(str, (layer.name, type(layer).__name__, *kernel[:1], *([filters] if filters else []))))
