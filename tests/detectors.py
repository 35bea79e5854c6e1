"""Small detectors with random weights: those of keras-hub, and one of two levels whose layers lie at the top."""

import keras
from keras import layers, ops

from tests.segmenters import SIDE, retinanet, with_drawn_weights

CLASSES = 3


def calm_retinanet(preprocessor=None):
    """A RetinaNet whose boxes are of about the size of its anchors, and whose probabilities are not all 0 or 1."""
    net = retinanet(CLASSES)
    net.preprocessor = preprocessor
    for head, share in ((net.box_head, 0.03), (net.classification_head, 0.3)):
        (*_, kernel) = (v for v in head.weights if len(v.shape) == 4)
        kernel.assign(kernel * share)
    return net


def dfine(preprocessor=None):
    """A D-FINE of keras-hub on a small HGNetV2."""
    import keras_hub.models as hub

    names = ["stage3", "stage4"]
    encoder = hub.HGNetV2Backbone(
        depths=[1, 1, 1, 1], embedding_size=8, hidden_sizes=[16, 16, 32, 32], stem_channels=[3, 8, 8],
        hidden_act="relu", use_learnable_affine_block=False, image_shape=(SIDE, SIDE, 3), out_features=names,
        stackwise_stage_filters=[
            [8, 8, 16, 1, 1, 3], [16, 8, 16, 1, 1, 3], [16, 8, 32, 1, 1, 3], [32, 8, 32, 1, 1, 3]
        ],
        apply_downsample=[False, True, True, True], use_lightweight_conv_block=[False] * 4,
    )  # fmt: skip
    backbone = hub.DFineBackbone(
        backbone=encoder, decoder_in_channels=[16, 16], encoder_hidden_dim=16, num_labels=CLASSES, num_denoising=0,
        learn_initial_query=False, num_queries=12, anchor_image_size=(SIDE, SIDE), feat_strides=[16, 32],
        num_feature_levels=2, hidden_dim=16, encoder_in_channels=[32, 32], encode_proj_layers=[1],
        num_attention_heads=2, encoder_ffn_dim=32, num_encoder_layers=1, hidden_expansion=0.34, depth_multiplier=0.34,
        eval_idx=-1, num_decoder_layers=1, decoder_attention_heads=2, decoder_ffn_dim=32, decoder_n_points=[2, 2],
        lqe_hidden_dim=8, num_lqe_layers=2, out_features=names, image_shape=(SIDE, SIDE, 3), seed=0,
    )  # fmt: skip
    keras.utils.set_random_seed(1)
    return hub.DFineObjectDetector(
        backbone=backbone, num_classes=CLASSES, bounding_box_format="yxyx", preprocessor=preprocessor
    )


def plain(classes=CLASSES):
    """A net that returns (B, 80, 4) and (B, 80, classes): 64 boxes of `fine`, then 16 of `coarse`."""

    def told(x, channels, name):
        return layers.Reshape((-1, channels))(layers.Conv2D(channels, 1, name=name)(x))

    image = keras.Input((32, 32, 3))
    trunk = layers.Conv2D(8, 4, strides=4, activation="relu", name="trunk")(image)
    fine = layers.Conv2D(8, 3, padding="same", activation="relu", name="fine")(trunk)
    coarse = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="coarse")(trunk)
    levels = {"fine": fine, "coarse": coarse}
    boxes, scores = (
        layers.Concatenate(axis=1)([told(x, channels, f"{kind}_{name}") for name, x in levels.items()])
        for kind, channels in (("box", 4), ("class", classes))
    )
    return with_drawn_weights(keras.Model(image, {"where": boxes, "what": scores}))


def boxes_of(outputs):
    """Boxes of `plain`, around its cells: as x0, y0, x1, y1 in pixels of its input."""
    middles = []
    for cells in (8, 4):
        at = (ops.arange(cells, dtype="float32") + 0.5) * (32 / cells)
        y, x = ops.meshgrid(at, at, indexing="ij")
        middles.append(ops.stack([ops.reshape(x, (-1,)), ops.reshape(y, (-1,))], -1))
    told = ops.tanh(outputs["where"])
    middle, half = ops.concatenate(middles, 0) + 4 * told[..., :2], 8 + 4 * told[..., 2:]
    return ops.concatenate([middle - half, middle + half], -1)


def detect(outputs):
    """What reads the outputs of `plain`."""
    return boxes_of(outputs), outputs["what"]
