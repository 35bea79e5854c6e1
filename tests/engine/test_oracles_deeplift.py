"""DeepLIFT against another library, sums that Keras tells, products on paper, and what it must refuse."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from numpy.testing import assert_allclose

import kx_widget as kx
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.targets import contrast
from tests import cases, models, segmenters
from tests.oracles.case import answers_of, case
from tests.oracles.gates import keras_gates

DEEPLIFT = {"method": "deeplift"}


@pytest.mark.oracle("deeplift")
@pytest.mark.parametrize("baseline", ["black", "mean", "blur"])
def test_deeplift_equals_captum(baseline):
    """Batch norm, a residual sum, branches that are joined, gates that are bent as well as broken."""
    known, explainer = case(), Explainer(keras_gates())
    expected = answers_of("captum_deeplift")[baseline]
    maps = explainer.explain(known.images, [0, 1, 2, 3], **DEEPLIFT, channels="each", baseline=baseline).maps
    maps = np.moveaxis(maps.reshape(4, 4, 3, *maps.shape[2:])[np.arange(4), known.targets], 1, -1)
    assert_allclose(maps, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def change(model, x, target):
    """S(x) − S(black), by Keras."""
    return (model(x) - model(np.full_like(x, -1))).numpy()[:, target]


def small_net(gate, *more):
    """Convolutions with a gate between them, what comes with it, and scores."""
    keras.utils.set_random_seed(1)
    x = image = keras.Input((models.SIDE, models.SIDE, 3))
    x = layers.Conv2D(6, 3, padding="same", bias_initializer="random_normal")(x)
    for layer in (gate, *more):
        x = layer(x)
    x = layers.Flatten()(x)
    return keras.Model(image, layers.Dense(models.CLASSES)(x))


def squeezed(x):
    """Squeeze-and-excitation."""
    gates = layers.Dense(6, activation="sigmoid")(layers.GlobalAveragePooling2D()(x))
    return layers.Multiply()([x, layers.Reshape((1, 1, 6))(gates)])


GATES = {
    **{
        # Older versions of Keras lack some.
        name: lambda x, name=name: layers.Activation(name)(x)
        for name in (
            *("relu", "leaky_relu", "relu6", "elu", "selu", "celu", "sigmoid", "hard_sigmoid", "tanh", "hard_tanh"),
            *("softplus", "softsign", "exponential", "silu", "hard_silu", "gelu", "mish", "squareplus", "log_sigmoid"),
            *("tanh_shrink", "linear"),
        )
    },
    "gelu by tanh": lambda x: keras.ops.gelu(x, approximate=True),
    "prelu": layers.PReLU("random_normal"),
    "overlapping maxima": layers.MaxPooling2D(3, 2, padding="same"),
    "maxima of all": layers.GlobalMaxPooling2D(),
    "means": layers.AveragePooling2D(3, 2, padding="same"),
    "layer norm": layers.LayerNormalization(),
    "group norm": layers.GroupNormalization(2),
    "unit norm": layers.UnitNormalization(),
    "batch norm": layers.BatchNormalization(beta_initializer="ones"),
    "squeeze": squeezed,
    "upsampling": layers.UpSampling2D(2, interpolation="bilinear"),
    "dilated": layers.DepthwiseConv2D(3, dilation_rate=2),
    "grouped": layers.Conv2D(4, 3, groups=2),
    "transposed": layers.Conv2DTranspose(3, 3, strides=2),
    "separable": layers.SeparableConv2D(4, 3, activation="relu"),
    "quotient": lambda x: x / (1 + keras.ops.mean(keras.ops.abs(x), (1, 2), keepdims=True)),
}


@pytest.mark.oracle("deeplift")
@pytest.mark.parametrize("gate", GATES)
def test_deeplift_sums_to_the_change_of_the_score(gate):
    model, x = small_net(GATES[gate]), cases.photos(3)
    e = Explainer(model).explain(x, [2], **DEEPLIFT)
    assert_allclose(e.maps[:, 0].sum((1, 2)), change(model, x, 2), rtol=1e-3, atol=1e-5)
    assert e.checks["completeness_gap"].max() < 1e-3


@pytest.mark.oracle("deeplift")
@pytest.mark.parametrize("gate", ["relu", "silu", "gelu", "hard_silu", "mish", "tanh"])
def test_deeplift_of_one_hidden_layer_is_a_product_on_paper(gate):
    """Σ_j (x − x') w_j (f(z_j) − f(z'_j)) / (z_j − z'_j) v_j, also of gates that Keras makes of products."""
    image = keras.Input((4, 5, 3))
    x = layers.Dense(7, activation=gate, bias_initializer="random_normal")(layers.Flatten()(image))
    model = keras.Model(image, layers.Dense(2)(x))
    x, black = cases.photos(2, (4, 5, 3)), -np.ones((1, 60), "f4")
    kernel, bias, last, _ = (np.float64(v) for v in model.get_weights())
    function = keras.activations.get(gate)
    z, other = (flat.astype(float) @ kernel + bias for flat in (x.reshape(2, -1), black))
    rise = np.asarray(function(z)) - np.asarray(function(other))
    expected = (x + 1) * ((rise / (z - other) * last[:, 1]) @ kernel.T).reshape(x.shape)
    e = Explainer(model).explain(x, [1], **DEEPLIFT)
    assert_allclose(e.maps[:, 0], expected.sum(-1), rtol=1e-3, atol=1e-4 * np.abs(expected).max())


@pytest.mark.oracle("deeplift")
@pytest.mark.parametrize("stride", [2, 3])
def test_a_maximum_goes_to_the_place_where_it_is_larger(stride):
    """Window by window: to that of the image where this has more, else to that of the baseline. Windows may overlap."""
    image = keras.Input((7, 7, 1))
    x = layers.Flatten()(layers.MaxPooling2D(3, stride)(image))
    model = keras.Model(image, layers.Dense(2)(x))
    weights = model.layers[-1].kernel.numpy()[:, 1]
    x, maps, rises = cases.photos(1, (7, 7, 1)), np.zeros((7, 7)), []
    # A dark corner, which the blur makes brighter.
    x[:, :3, :3] = x[:, :3, :3] / 100 - 1
    explainer = Explainer(model, preprocess=None)
    question = explainer.ask(x, [1], **DEEPLIFT, baseline="blur")
    _, probe = next(question.probes())
    both = x[0, ..., 0], probe.baseline("blur")[0, ..., 0]
    corners = [(top, left) for top in range(0, 5, stride) for left in range(0, 5, stride)]
    for weight, (top, left) in zip(weights, corners, strict=True):
        windows = [each[top : top + 3, left : left + 3] for each in both]
        rises.append(windows[0].max() - windows[1].max())
        y, along = np.unravel_index(windows[int(rises[-1] < 0)].argmax(), (3, 3))
        maps[top + y, left + along] += weight * rises[-1]
    assert min(rises) < 0 < max(rises)
    close(explainer.explain(x, [1], **DEEPLIFT, baseline="blur").maps[0, 0], maps)


def close(found, expected):
    assert_allclose(found, expected, rtol=1e-3, atol=1e-5 * np.abs(expected).max())


@pytest.mark.oracle("deeplift")
def test_where_no_gate_changes_it_is_gradient_times_difference():
    """Biases so high that all of them stay open."""
    model, x = models.pooled(activation=None), cases.photos()
    for layer in model.layers:
        if layer.name in ("early", "late"):
            layer.set_weights([layer.get_weights()[0], np.full(layer.bias.shape, 20.0)])
    with tf.GradientTape() as tape:
        image = tf.constant(x)
        tape.watch(image)
        score = model(image)[:, 1]
    expected = ((x + 1) * tape.gradient(score, image)).numpy().sum(-1)
    e = Explainer(model).explain(x, [1], **DEEPLIFT)
    assert_allclose(e.maps[:, 0], expected, rtol=1e-3, atol=1e-5 * np.abs(expected).max())


def test_an_image_that_is_its_baseline_has_a_map_of_zeros_and_a_note():
    e = Explainer(models.residual()).explain(np.full((1, 12, 12, 3), -1, "f4"), [1], **DEEPLIFT)
    assert (e.maps == 0).all()
    assert e.notes[0][0][0].startswith("Flat: the map is 0 everywhere")


def test_a_contrast_sums_to_the_change_of_the_difference():
    model, x = models.residual(), cases.photos()
    model.layers[-1].activation = keras.activations.linear
    e = Explainer(model).explain(x, contrast(1, 2), **DEEPLIFT)
    assert_allclose(e.maps[:, 0].sum((1, 2)), change(model, x, 1) - change(model, x, 2), rtol=1e-3, atol=1e-5)


def test_what_is_beside_the_image_is_the_same_for_the_baseline():
    """S = w · pooled(x) times a number beside it."""
    image, number = keras.Input((6, 6, 3), name="image"), keras.Input((1,), name="number")
    x = layers.Conv2D(4, 3, activation="relu")(image)
    x = layers.Multiply()([layers.GlobalAveragePooling2D()(x), number])
    model = keras.Model([image, number], layers.Dense(2)(x))
    x, numbers = cases.photos(3, (6, 6, 3)), np.array([[1.0], [-2.0], [0.5]], "f4")
    e = Explainer(model).explain((x, numbers), [1], **DEEPLIFT)
    expected = (model([x, numbers]) - model([np.full_like(x, -1), numbers])).numpy()[:, 1]
    assert_allclose(e.maps[:, 0].sum((1, 2)), expected, rtol=1e-3, atol=1e-5)


def test_a_region_of_a_segmenter_counts_in_the_baseline_too():
    model, images = segmenters.unet(), segmenters.photographs()
    mask = np.zeros(images.shape[1:3], bool)
    mask[:4, 3:9] = True
    region = kx.region(mask=mask)
    explainer = kx.Explainer(model, preprocess=None)
    e = explainer.explain(images, [1], region=region, **DEEPLIFT)
    before, after = explainer.explain(np.zeros_like(images), [1], region=region, method="gradients"), e
    assert_allclose(e.maps[:, 0].sum((1, 2)), (after.scores - before.scores)[:, 0], rtol=1e-3, atol=1e-5)


def test_memory_for_one_image_is_enough_for_a_pair():
    model, x = models.residual(), cases.photos(3)
    expected = Explainer(model).explain(x, [1], **DEEPLIFT).maps
    sparing = Explainer(model, memory_mib=0.01, cache_mib=0).explain(x, [1], **DEEPLIFT).maps
    assert_allclose(sparing, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (models.transformer, "Einsum of 2 tensors that depend on the image"),
        (lambda: small_net(layers.Softmax()), "Softmax"),
        (lambda: small_net(layers.Lambda(tf.function(lambda x: x**2))), "StatefulPartitionedCall|PartitionedCall"),
        (lambda: small_net(lambda x: keras.ops.where(x > 0.5, x, 0)), "SelectV2"),
    ],
)
def test_what_has_no_rule_is_refused_by_name(make, what):
    with pytest.raises(kx.UnsupportedMethodError, match=rf"does not cover ({what}).*Choose integrated_gradients"):
        Explainer(make()).explain(cases.photos(1), [0], **DEEPLIFT)
