"""What a layer can say: tokens and their grid, heads, windows, several results, and what the head reads."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops
from numpy.testing import assert_allclose

from kx_widget.engine.errors import ModelError, UnknownLayerError
from kx_widget.engine.explainer import Explainer
from tests import models

pytestmark = pytest.mark.slow

PHOTOS = np.random.default_rng(0).uniform(-1, 1, (2, models.SIDE, models.SIDE, 3)).astype(np.float32)


def infos(model):
    return {info.path: info for info in Explainer(model, preprocess=None).inspection.layers}


def on_patches(read, *more, width=8):
    """A net whose head is `read` of what the other functions make of 16 patch tokens (B, 16, 8)."""
    image = keras.Input((models.SIDE, models.SIDE, 3))
    x = layers.Reshape((16, width), name="tokens")(layers.Conv2D(width, 3, strides=3, name="patches")(image))
    for step in more:
        x = step(x)
    return keras.Model(image, layers.Dense(models.CLASSES, name="scores")(read(x)))


@pytest.mark.parametrize(("prefix", "after"), [(1, False), (2, False), (5, False), (16, False), (1, True), (3, True)])
def test_prefix_tokens_are_no_patches(prefix, after):
    info = infos(models.transformer("mean", prefix, after))["norm"]
    assert (info.spatial, info.first, info.is_candidate) == ((4, 4), 0 if after else prefix, True)


def test_more_tokens_than_prefixes_are_no_grid():
    info = infos(models.transformer("mean", 17))["norm"]
    assert info.spatial is None
    assert "33 tokens, of which the trace does not show that they are a grid" in info.reason


def test_registers_put_between_class_token_and_patches():
    def with_registers(x):
        x = models.PrefixTokens(1, name="class")(x)
        return layers.Lambda(lambda t: ops.concatenate([t[:, :1], t[:, :1] * 2, t[:, :1] * 3, t[:, 1:]], 1))(x)

    norm = layers.LayerNormalization(name="norm")
    reached = infos(on_patches(lambda x: ops.mean(x, 1), with_registers, norm))
    assert (reached["norm"].spatial, reached["norm"].first) == ((4, 4), 3)


def test_a_norm_whose_patches_no_head_reads_is_no_candidate():
    """And what the tape says: its patches have no gradient at all, those before the last attention have one."""
    model = models.transformer()
    layer = infos(model)
    assert layer["norm"].reason == "the head reads only its class token, not the patches"
    assert layer["block2"].reason == layer["norm"].reason
    assert layer["block2/norm1"].is_candidate
    assert layer["block1"].is_candidate
    explainer = Explainer(model, preprocess=None)
    assert explainer.inspection.recommended == "block0/norm1"
    with pytest.raises(UnknownLayerError, match=r"reads only its class token.*Recommended: 'block0/norm1'"):
        explainer.explain(PHOTOS, layer="norm")
    with pytest.raises(UnknownLayerError, match="one head of the attention, and only shows where it looks"):
        explainer.explain(PHOTOS, method="legrad", layer="block0/attention/head 1")


def test_what_a_head_reads_is_followed_through_joins_and_slices():
    """Class token and mean of the patches, joined: the patches are read; with their mean times a part of it, too."""
    both = infos(on_patches(lambda x: ops.concatenate([x[:, 0], ops.mean(x[:, 1:], 1)], -1), models.PrefixTokens(1)))
    assert next(info for path, info in both.items() if path.startswith("prefix_tokens")).is_candidate
    some = infos(on_patches(lambda x: ops.mean(x[:, :2], 1), models.PrefixTokens(2, name="prefix")))
    assert some["prefix"].reason == "the head reads only its 2 prefix tokens, not the patches"
    one_patch = infos(on_patches(lambda x: x[:, 3], models.PrefixTokens(2, name="prefix")))
    assert one_patch["prefix"].is_candidate


def shared_attention(x):
    """One attention among all tokens, which weighs each of four parts of their features."""
    attention = ops.softmax(ops.matmul(x, ops.transpose(x, (0, 2, 1))))[:, None]
    values = ops.transpose(ops.reshape(x, (-1, 17, 4, 2)), (0, 2, 1, 3))
    return ops.reshape(ops.transpose(ops.matmul(attention, values), (0, 2, 1, 3)), (-1, 17, 8))


@pytest.mark.parametrize(
    ("step", "read"),
    [
        (lambda x: ops.concatenate([x, x], 1), 18),
        (lambda x: tf.matmul(x, x, transpose_b=True), 0),
        (shared_attention, 0),
    ],
    ids=["joined with itself", "times itself", "shared attention"],
)
def test_tokens_that_one_operation_takes_twice_are_read(step, read):
    """The head reads one token of a result, which depends on patches: the gradient shows it."""
    model = on_patches(lambda x: x[:, read], models.PrefixTokens(1, name="prefix"), layers.Lambda(step, name="step"))
    tokens = tf.Variable(np.random.default_rng(0).normal(size=(2, 17, 8)).astype(np.float32))
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(step(tokens)[:, read] ** 2)
    assert np.any(tape.gradient(total, tokens)[:, 1:])
    assert infos(model)["prefix"].is_candidate


def test_queries_keys_and_values_are_no_maps():
    layer = infos(models.transformer("mean", 0))
    for name in ("query", "key", "value"):
        assert (
            layer[f"block0/attention/{name}"].reason == "its axes are tokens and attention heads, not rows and columns"
        )
    assert layer["block0/attention"].is_candidate


def windows(x):
    """(B, 16, 8) tokens as (4 B, 4, 8): 2 × 2 windows of 2 × 2."""
    x = ops.transpose(ops.reshape(x, (-1, 2, 2, 2, 2, 8)), (0, 1, 3, 2, 4, 5))
    return ops.reshape(x, (-1, 4, 8))


def image_again(x):
    x = ops.transpose(ops.reshape(x, (-1, 2, 2, 2, 2, 8)), (0, 1, 3, 2, 4, 5))
    return ops.reshape(x, (-1, 16, 8))


@pytest.fixture
def windowed():
    keras.utils.set_random_seed(0)
    inside = [
        layers.Lambda(windows),
        layers.MultiHeadAttention(2, 4, name="attention"),
        layers.Dense(8, activation="tanh", name="inside"),
        layers.Lambda(image_again),
    ]

    def block(x):
        skip = x = layers.LayerNormalization(name="before")(x)
        x = inside[0](x)
        return layers.Add(name="after")([inside[3](inside[2](inside[1](x, x))), skip])

    return on_patches(lambda x: ops.mean(x, 1), block)


def test_windows_are_no_images(windowed):
    layer = infos(windowed)
    assert layer["inside"].reason == "its batch holds 4 windows or rows of each image, not images"
    assert layer["after"].spatial == layer["before"].spatial == (4, 4)


@pytest.mark.parametrize("path", ["patches", "tokens", "before", "after"])
def test_a_net_of_windows_is_cut_anywhere(windowed, path):
    """Batches of another size than traced; a step along the gradient changes the score as it promises."""
    explainer = Explainer(windowed, preprocess=None)
    question = explainer.ask(PHOTOS, [1], layer=path)
    _, probe = next(question.probes())
    target = np.eye(models.CLASSES, dtype=np.float32)[[1, 1]]
    gradient = probe.head_gradient(target)
    facts = probe.layer_facts()
    step = np.random.default_rng(1).normal(0, 1e-3, facts[0].shape).astype(np.float32)
    functions, call = question.model.functions, question.call
    up, down = (functions.head_scores(call, [facts[0] + s, *facts[1:]])[:, 1] for s in (step, -step))
    change = 2 * (gradient * step.reshape(gradient.shape)).sum((1, 2, 3))
    assert_allclose(up - down, change, rtol=0.02, atol=1e-6)


def test_full_gradients_of_windows_add_up(windowed):
    """All that the biases add is counted, where they lie in windows too; the net is no longer piecewise linear."""
    e = Explainer(windowed, preprocess=None).explain(PHOTOS, [1], method="full_gradients")
    assert np.isfinite(e.maps).all()
    assert np.isfinite(e.checks["completeness_gap"]).all()


class Several(layers.Layer):
    """Returns a pair, the second of which is a pyramid of maps."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.one, self.two = layers.Conv2D(4, 3, activation="relu"), layers.Conv2D(4, 3, strides=2, activation="relu")

    def call(self, x):
        one = self.one(x)
        return one * 2.0, {"P3": one, "P4": self.two(one)}


def test_each_tensor_of_several_is_a_layer():
    image = keras.Input((models.SIDE, models.SIDE, 3))
    first, pyramid = Several(name="neck")(image)
    read = [ops.mean(t, (1, 2)) for t in (first, pyramid["P4"])]
    model = keras.Model(image, layers.Dense(models.CLASSES)(ops.concatenate(read, -1)))
    layer = infos(model)
    assert (layer["neck"].spatial, layer["neck[1]/P3"].spatial, layer["neck[1]/P4"].spatial) == ((10, 10),) * 2 + (
        (4, 4),
    )
    explanation = Explainer(model, preprocess=None).explain(PHOTOS, [1], layer="neck[1]/P4")
    assert explanation.maps.shape == (2, 1, 4, 4)
    assert explanation.layer == "neck[1]/P4"


def test_rows_that_are_no_images_are_refused():
    image = keras.Input((models.SIDE, models.SIDE, 3))
    read = layers.Dense(models.CLASSES)(layers.GlobalAveragePooling2D()(image))
    with pytest.raises(ModelError, match="returns 2 rows of scores for each image"):
        Explainer(keras.Model(image, ops.concatenate([read, read], 0)))


def test_rematerialised_layers_are_seen():
    with keras.RematScope(mode="full"):
        model = models.residual()
        layer = infos(model)
    assert layer["after_add"].is_candidate
    plain = models.residual()
    plain.set_weights(model.get_weights())
    maps = [Explainer(m, preprocess=None).explain(PHOTOS, [1]).maps for m in (model, plain)]
    assert_allclose(*maps, rtol=1e-5, atol=1e-7)


def test_quantised_layers_are_seen():
    model = on_patches(lambda x: ops.mean(x, 1), layers.Dense(8, activation="relu", name="hidden"))
    for name in ("hidden", "scores"):
        model.get_layer(name).quantize("int8")
    layer = infos(model)
    assert layer["hidden"].is_candidate
    assert layer["scores"].type == "Dense"


def test_layers_over_time_are_seen():
    """Four strips of the image, each seen by the same layer."""
    image = keras.Input((models.SIDE, models.SIDE, 3))
    strips = layers.Reshape((4, 3, models.SIDE, 3))(image)
    x = layers.TimeDistributed(layers.Conv2D(4, 3, padding="same", activation="relu", name="body"), name="over")(strips)
    x = layers.Reshape((models.SIDE, models.SIDE, 4), name="whole")(x)
    model = keras.Model(image, layers.Dense(models.CLASSES)(layers.GlobalAveragePooling2D()(x)))
    layer = infos(model)
    assert layer["whole"].is_candidate
    assert "no spatial map" in layer["over"].reason
    assert "over/body" in layer
    assert Explainer(model, preprocess=None).explain(PHOTOS).layer == "whole"


def over_cells(x):
    return layers.MultiHeadAttention(2, 4, name="attention")(x, x)


def over_groups(x):
    """As MobileViT attends: the image's cells regrouped, (B, 4, 9, K), each group with itself."""
    y = layers.Reshape((4, 9, 9), name="groups")(x)
    y = layers.Add()([layers.MultiHeadAttention(2, 4, attention_axes=(2,))(y, y), y])
    return layers.Reshape((6, 6, 9), name="attention")(y)


def over_channels(x):
    weights = layers.Reshape((9, 9))(layers.Dense(81)(layers.GlobalAveragePooling2D()(x)))
    return layers.Lambda(lambda both: ops.einsum("bhwc,bcd->bhwd", *both), name="attention")([x, weights])


def over_tokens(x):
    """36 tokens of 36 features: as many as there are cells."""
    y = layers.Reshape((36, 36))(layers.Conv2D(36, 1)(x))
    y = layers.Add()([layers.MultiHeadAttention(2, 4)(y, y), y])
    return layers.Reshape((6, 6, 36), name="attention")(y)


@pytest.mark.parametrize("attend", [over_cells, over_groups, over_channels, over_tokens])
def test_convolutions_after_attention_see_an_image(attend):
    x = image = keras.Input((models.SIDE, models.SIDE, 3))
    x = layers.Conv2D(9, 3, strides=2, padding="same", name="first")(x)
    x = layers.Conv2D(8, 3, padding="same", activation="relu", name="last")(attend(x))
    inspection = Explainer(
        keras.Model(image, layers.Dense(models.CLASSES)(layers.GlobalAveragePooling2D()(x))), preprocess=None
    ).inspection
    layer = {info.path: info for info in inspection.layers}
    assert inspection.recommended == "last"
    assert layer["attention"].spatial == layer["last"].spatial == (6, 6)
    assert "groups" not in layer or layer["groups"].spatial is None


def test_queries_of_an_images_cells_are_no_grid():
    """(B, 36, 2, 4) are the heads of 36 cells."""
    x = image = keras.Input((models.SIDE, models.SIDE, 3))
    x = layers.Conv2D(8, 3, strides=2, padding="same")(x)
    x = layers.Reshape((36, 2, 4), name="query")(x)
    model = keras.Model(image, layers.Dense(models.CLASSES)(layers.Flatten()(x)))
    assert infos(model)["query"].spatial is None


def test_a_model_that_pairs_the_images_of_a_batch_is_refused():
    image = keras.Input((models.SIDE, models.SIDE, 3))
    pairs = layers.Lambda(lambda x: tf.reshape(tf.reshape(x, (-1, 2, *x.shape[1:])), (-1, *x.shape[1:])))(image)
    model = keras.Model(image, layers.Dense(models.CLASSES)(layers.Flatten()(pairs)))
    with pytest.raises(ModelError, match="batches of any size"):
        Explainer(model, preprocess=None)


@pytest.mark.parametrize(
    "step",
    [
        lambda x: ops.map(lambda image: image * 2.0, x),
        lambda x: ops.fori_loop(0, 3, lambda _, y: ops.relu(y - 0.01), x),
        lambda x: tf.cond(tf.reduce_mean(x) > 0, lambda: (x, x * 2), lambda: (x, x))[1],
        lambda x: ops.split(ops.concatenate([x, -x], -1), 2, -1)[1],
    ],
    ids=["map", "loop", "condition", "split"],
)
def test_images_that_an_operation_gives_among_other_results_are_followed(step):
    image = keras.Input((models.SIDE, models.SIDE, 3))
    x = layers.Lambda(step, output_shape=image.shape[1:], name="step")(image)
    x = layers.Conv2D(4, 3, activation="relu", name="last")(x)
    layer = infos(keras.Model(image, layers.Dense(models.CLASSES)(layers.GlobalAveragePooling2D()(x))))
    assert layer["step"].spatial == (models.SIDE, models.SIDE)
    assert layer["last"].spatial == (models.SIDE - 2, models.SIDE - 2)


def test_a_gate_over_channels_is_no_grid():
    """Sixteen channels as tokens of one feature, as efficient channel attention has them, are no 4 × 4 cells."""
    x = image = keras.Input((models.SIDE, models.SIDE, 3))
    x = layers.Conv2D(16, 3, activation="relu", name="late")(x)
    gate = layers.Reshape((16, 1), name="channels")(layers.GlobalAveragePooling2D()(x))
    gate = layers.Conv1D(1, 3, padding="same", activation="sigmoid", name="gate")(gate)
    x = layers.Multiply(name="gated")([x, layers.Reshape((1, 1, 16))(gate)])
    layer = infos(keras.Model(image, layers.Dense(models.CLASSES)(layers.GlobalAveragePooling2D()(x))))
    assert layer["gate"].spatial is None
    assert layer["channels"].spatial is None
    assert layer["gated"].is_candidate


def test_a_net_of_windows_alone_says_so():
    """Each window is read by itself from the start."""
    image = keras.Input((models.SIDE, models.SIDE, 3))
    x = layers.Lambda(lambda t: ops.reshape(t, (-1, 6, 6, 3)), name="windows")(image)
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, activation="relu", name="inside")(x))
    x = layers.Lambda(lambda t: ops.reshape(t, (-1, 16)))(x)
    explainer = Explainer(keras.Model(image, layers.Dense(models.CLASSES)(x)), preprocess=None)
    assert explainer.inspection.recommended_method == "gradients"
    with pytest.raises(ModelError, match="Layers hold windows of each image, and no layer a map of it"):
        explainer.explain(PHOTOS)
    assert np.ptp(explainer.explain(PHOTOS, method=None).maps, axis=(2, 3)).min() > 0


def test_cams_behind_a_class_token_carry_a_caution():
    explainer = Explainer(models.transformer(), preprocess=None)
    (note,) = explainer.explain(PHOTOS, method="gradcam").notes_of(0, 0)
    assert "in 86 of 100 cases at what the first attention takes in, in 18" in note
    (other,) = explainer.explain(PHOTOS, method="eigencam").notes_of(0, 0)
    assert "This method was not measured" in other
    assert not explainer.explain(PHOTOS, method="attention_gradient").notes
    assert not explainer.explain(PHOTOS, method="gradients").notes
    pooled = Explainer(models.transformer("mean", 0), preprocess=None)
    assert pooled.inspection.recommended_method == "attention_gradient"
    (note,) = pooled.explain(PHOTOS).notes_of(0, 0)
    assert "in 79 of 100 cases at what the first attention takes in, in 10 at the last norm" in note


def test_of_windows_the_last_stage_is_recommended(windowed):
    """And a CNN stays with Grad-CAM, without a word."""
    inspection = Explainer(windowed, preprocess=None).inspection
    assert (inspection.recommended, inspection.recommended_method) == ("before", "gradcam")
    assert "a small Swin" in inspection.why_method
    assert inspection.attention_start is None
    cnn = Explainer(models.residual(), preprocess=None)
    assert (cnn.inspection.recommended_method, dict(cnn.inspection.cautions)) == ("gradcam", {})
