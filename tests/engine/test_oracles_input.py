"""Gradients of the input against independent truths: sums that are known, closed forms, another implementation."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from numpy.testing import assert_allclose, assert_array_equal

from kx_widget.engine.explainer import Explainer
from tests import cases, models

ONE = np.eye(models.CLASSES, dtype=np.float32)[[1] * 3]


def randomised(model, seed=0):
    """The model with biases and batch norm statistics that are not those of a new layer."""
    rng = np.random.default_rng(seed)
    for v in model.variables:
        if v.name in ("bias", "beta", "moving_mean"):
            v.assign(rng.normal(0, 0.1, v.shape))
        elif v.name in ("gamma", "moving_variance"):
            v.assign(rng.uniform(0.5, 1.5, v.shape))
    return model


def bare(make):
    """A model of one level without its softmax, so that a tape may ask for scores."""
    model = randomised(make())
    model.layers[-1].activation = keras.activations.linear
    return model


def taped(model, x, target):
    with tf.GradientTape() as tape:
        x = tf.constant(x)
        tape.watch(x)
        score = model(x)[:, target]
    return tape.gradient(score, x).numpy()


def test_gradient_x_input_of_a_bias_free_relu_net_sums_to_the_score():
    e = Explainer(models.pooled(bias=False)).explain(cases.photos(), [0, 1], method="gradient_x_input")
    assert_allclose(e.maps.sum((2, 3)), e.scores, rtol=1e-4, atol=1e-6)


@pytest.mark.oracle("gradient_x_input")
def test_gradient_x_input_equals_a_taped_product():
    model, x = bare(models.flattened), cases.photos()
    e = Explainer(model).explain(x, [2], method="gradient_x_input")
    assert_allclose(e.maps[:, 0], (x * taped(model, x, 2)).sum(-1), rtol=1e-3, atol=1e-6)


@pytest.mark.oracle("integrated_gradients")
@pytest.mark.parametrize("steps", [1, 3, 32])
def test_integrated_gradients_of_a_linear_model_are_exact(steps):
    image = keras.Input((6, 8, 3))
    model = keras.Model(image, layers.Dense(2)(layers.Flatten()(image)))
    x = cases.photos(3, (6, 8, 3))
    e = Explainer(model).explain(x, [1], method="integrated_gradients", steps=steps)
    weights = model.layers[-1].kernel.numpy()[:, 1].reshape(6, 8, 3)
    assert_allclose(e.maps[:, 0], ((x + 1) * weights).sum(-1), rtol=1e-4, atol=1e-5)
    assert e.checks["completeness_gap"].max() < 1e-4


@pytest.mark.parametrize("baseline", ["black", "mean", "blur"])
def test_integrated_gradients_sum_to_the_change_of_the_score(baseline):
    """Smooth activations, so that the quadrature converges and the sum tells of the formula alone."""
    model, x = bare(models.flattened), cases.photos()
    model.get_layer("late").activation = keras.activations.softplus
    explainer = Explainer(model)
    e = explainer.explain(x, [0, 2], method="integrated_gradients", baseline=baseline)
    start = {"black": np.full_like(x, -1), "mean": np.broadcast_to(x.mean((1, 2), keepdims=True), x.shape)}
    if baseline in start:
        change = (model(x).numpy() - model(start[baseline]).numpy())[:, [0, 2]]
        assert_allclose(e.maps.sum((2, 3)), change, rtol=1e-3, atol=1e-5)
    assert e.checks["completeness_gap"].max() < 1e-3


@pytest.mark.oracle("integrated_gradients")
def test_integrated_gradients_equal_a_riemann_sum():
    model, x = bare(models.flattened), cases.photos(1)
    e = Explainer(model).explain(x, [3], method="integrated_gradients", baseline="mean", steps=200)
    start = np.broadcast_to(x.mean((1, 2), keepdims=True), x.shape)
    at = (np.arange(1000, dtype=np.float32) + 0.5)[:, None, None, None] / 1000
    mean = taped(model, start + at * (x - start), 3).mean(0)
    expected = ((x - start)[0] * mean).sum(-1)
    assert_allclose(e.maps[0, 0], expected, atol=0.01 * np.abs(expected).max())


def test_a_blurred_baseline_keeps_flat_images_and_the_mean_of_an_impulse():
    explainer, x = Explainer(models.gray()), cases.photos_for(models.gray())
    x[0], x[1] = 0.25, 0
    x[1, 6, 12] = 1
    _, probe = next(explainer.ask(x, [0], method="occlusion").probes())
    blurred = probe.baseline("blur")
    assert_allclose(blurred[0], 0.25, rtol=1e-6)
    assert blurred[1].sum() == pytest.approx(1, rel=1e-2)
    assert np.unravel_index(blurred[1].argmax(), (12, 24)) == (6, 12)
    assert blurred[1].max() < 0.2
    assert np.ptp(blurred[2]) < 0.6 * np.ptp(x[2])


@pytest.mark.oracle("full_gradients")
@pytest.mark.parametrize("rescale", ["tensor", "channel"])
def test_full_gradients_equal_the_formula_by_hand(rescale):
    """Biases are made inputs of the network, so that a tape gives the gradients of a textbook."""
    model, x = bare(models.pooled), cases.photos()
    w1, b1, w2, b2, w3, b3 = (tf.constant(v) for v in model.variables)
    with tf.GradientTape() as tape:
        image = tf.constant(x)
        tape.watch(image)
        z1 = tf.nn.conv2d(image, w1, 1, "VALID")
        c1 = tf.zeros_like(z1) + b1
        tape.watch(c1)
        z2 = tf.nn.conv2d(tf.nn.relu(z1 + c1), w2, 2, "VALID")
        c2 = tf.zeros_like(z2) + b2
        tape.watch(c2)
        score = (tf.reduce_mean(tf.nn.relu(z2 + c2), (1, 2)) @ w3 + b3)[:, 2]
    terms = [(g * v).numpy() for g, v in zip(tape.gradient(score, [image, c1, c2]), (image, c1, c2), strict=True)]
    total = sum(t.sum((1, 2, 3)) for t in terms) + b3[2].numpy()
    assert_allclose(total, score, rtol=1e-4)
    expected = 0
    for t in map(np.abs, terms):
        axes = (1, 2, 3) if rescale == "tensor" else (1, 2)
        low, high = t.min(axes, keepdims=True), t.max(axes, keepdims=True)
        scaled = np.divide(t - low, high - low, out=np.zeros_like(t), where=high > low)
        expected = expected + tf.image.resize(scaled, x.shape[1:3]).numpy().sum(-1)
    e = Explainer(model).explain(x, [2], method="full_gradients", rescale=rescale)
    assert_allclose(e.maps[:, 0], expected, rtol=1e-3, atol=1e-3)


class Additions(keras.Model):
    """Adds constants in every way but a layer's bias, and once what is no constant."""

    def __init__(self):
        super().__init__(name="additions")
        self.first = layers.Conv2D(4, 3, use_bias=False)
        self.second = layers.Conv2D(4, 1, use_bias=False)
        self.norm = layers.BatchNormalization(scale=False, epsilon=0.1)
        self.scores = layers.Dense(models.CLASSES, use_bias=False)
        self.offset = self.add_weight(shape=(4,), initializer="normal", name="bias")

    def call(self, x):
        a = self.first(x - keras.ops.convert_to_tensor([0.5, 0.4, 0.3]))
        b = keras.ops.relu(self.norm(self.second(a)) + 0.2)
        c = keras.ops.relu(self.offset - (a + b))
        return self.scores(keras.ops.mean(0.3 + c * (1 + keras.ops.zeros_like(x[..., :1, :1, :1])), axis=(1, 2)))


def test_full_gradients_find_biases_in_a_subclassed_model():
    model = Additions()
    model(keras.ops.zeros((1, models.SIDE, models.SIDE, 3)))
    e = Explainer(randomised(model)).explain(cases.photos(), [0, 3], method="full_gradients")
    assert e.checks["completeness_gap"].max() < 1e-3


def test_layer_normalisation_adds_no_constant_but_its_own_offset():
    """Without one, the only term left is that of the input; ε is none, however large."""
    x = image = keras.Input((models.SIDE, models.SIDE, 3))
    x = layers.LayerNormalization(center=False, epsilon=0.5)(layers.Conv2D(4, 3, use_bias=False)(x))
    x = layers.Dense(models.CLASSES, use_bias=False)(layers.GlobalAveragePooling2D()(x))
    model, photos = keras.Model(image, x), cases.photos()
    e = Explainer(model).explain(photos, [1], method="full_gradients")
    term = np.abs(photos * taped(model, photos, 1))
    low, high = term.min((1, 2, 3), keepdims=True), term.max((1, 2, 3), keepdims=True)
    assert_allclose(e.maps[:, 0], ((term - low) / (high - low)).sum(-1), rtol=1e-3, atol=1e-4)


@tf.custom_gradient
def guided_relu(x):
    return tf.nn.relu(x), lambda g: tf.where(x > 0, tf.nn.relu(g), 0)


@tf.custom_gradient
def guided_relu6(x):
    return tf.nn.relu6(x), lambda g: tf.where((x > 0) & (x < 6), tf.nn.relu(g), 0)


@pytest.mark.oracle("guided_gradients")
@pytest.mark.parametrize(("activation", "by_hand"), [("relu", guided_relu), ("relu6", guided_relu6)])
def test_guided_gradients_equal_gates_written_by_hand(activation, by_hand):
    model, x = bare(models.pooled), 40 * cases.photos()
    for name in ("early", "late"):
        model.get_layer(name).activation = getattr(keras.activations, activation)
    explainer = Explainer(model)
    plain = explainer.explain(x, [1], method="gradients", channels="sum").maps
    guided = explainer.explain(x, [1], method="guided_gradients", channels="sum")
    w1, b1, w2, b2, w3, b3 = (tf.constant(v) for v in model.variables)
    with tf.GradientTape() as tape:
        image = tf.constant(x)
        tape.watch(image)
        a = by_hand(tf.nn.conv2d(image, w1, 1, "VALID") + b1)
        a = by_hand(tf.nn.conv2d(a, w2, 2, "VALID") + b2)
        score = (tf.reduce_mean(a, (1, 2)) @ w3 + b3)[:, 1]
    expected = tape.gradient(score, image).numpy().sum(-1)
    assert_allclose(guided.maps[:, 0], expected, rtol=1e-3, atol=1e-5 * np.abs(expected).max())
    assert np.abs(guided.maps - plain).max() > 0.1 * np.abs(plain).max()
    # Gates that were left behind would show in what is compiled after them.
    other = Explainer(model)
    other.explain(x, [1], method="guided_gradients")
    assert_array_equal(other.explain(x, [1], method="gradients", channels="sum").maps, plain)
    assert_allclose(taped(model, x, 1).sum(-1), plain[:, 0], rtol=1e-3, atol=1e-6)
