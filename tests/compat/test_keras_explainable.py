"""Each fault of keras-explainable that the module's docstring calls mended."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from numpy.testing import assert_allclose

import kx_widget.compat.keras_explainable as ke
from tests import cases
from tests.compat import nets

UNITS = np.array([[0, 2], [3, 1], [2, 2]])
RAW = {"postprocessing": None, "resizing": False, "verbose": 0}


@pytest.fixture(scope="module")
def x():
    return cases.photos()


def test_negative_keeps_the_negative_part():
    assert ke.filters.negative(np.array([0.0, -1, 2, -3])).numpy().tolist() == [0, -1, 0, -3]
    assert ke.filters.negative(np.array([0, -1, 2, -3])).numpy().tolist() == [0, -1, 0, -3]
    x = np.array([0.0, -1, 2, -3]).reshape(1, 2, 2, 1)
    assert_allclose(ke.filters.negative_normalize(x).numpy().ravel(), [1, 2 / 3, 1, 0])


def counted(seen):
    """A method whose maps are all ones, that notes the images it is asked about."""

    def ones(model, inputs, indices=None):
        seen.append(np.asarray(inputs))
        return tf.zeros(tf.shape(indices)), tf.ones((*inputs.shape[:3], indices.shape[1]))

    return ones


@pytest.mark.parametrize(("hflip", "passes"), [(True, 8), (False, 4)])
def test_tta_divides_by_the_number_of_passes(x, hflip, passes):
    seen = []
    _, maps = ke.methods.meta.tta(counted(seen), hflip=hflip)(nets.sequential(), x, UNITS[:, :1])
    assert sum(map(len, seen)) == passes * len(x)
    assert_allclose(maps, np.ones((3, 12, 12, 1)), rtol=1e-6)
    mirrored = [any(np.array_equal(a, b[:, :, ::-1]) for b in seen[::2]) for a in seen[1::2]]
    assert all(mirrored) if hflip else not any(mirrored)


def test_tta_of_gradcam_is_the_mean_of_eight_maps_put_back(x):
    model = ke.inspection.expose(nets.nested())
    _, maps = ke.methods.meta.tta(ke.methods.cams.gradcam, scales=[])(model, x, UNITS)
    _, straight = ke.methods.cams.gradcam(model, x, UNITS)
    _, mirrored = ke.methods.cams.gradcam(model, x[:, :, ::-1], UNITS)
    both = [tf.image.resize(m, (12, 12)).numpy() for m in (straight, mirrored)]
    assert_allclose(maps, (both[0] + both[1][:, :, ::-1]) / 2, rtol=1e-4, atol=1e-6 * np.abs(both[0]).max())


def test_biases_of_batch_norm_take_the_layers_own_epsilon_and_absent_terms():
    norm = nets.hidden().get_layer("norm")
    (bias,) = ke.inspection.biases([norm])
    mean, variance = norm.moving_mean.numpy(), norm.moving_variance.numpy()
    assert_allclose(bias, norm.beta.numpy() - mean / np.sqrt(variance + 0.3), rtol=1e-5, atol=1e-6)
    bare = layers.BatchNormalization(scale=False, center=False)
    bare.build((None, 4, 4, 3))
    bare.moving_mean.assign([1, 2, 3])
    assert_allclose(ke.inspection.biases([bare])[0], -np.array([1, 2, 3]) / np.sqrt(1 + bare.epsilon), rtol=1e-5)


def test_layer_norm_adds_its_beta_and_full_gradients_explains_it(x):
    model = nets.layer_normed()
    found, biases = ke.inspection.layers_with_biases(model)
    assert [layer.name for layer in found] == ["conv", "norm", "logits"]
    assert_allclose(biases[1], model.get_layer("norm").beta.numpy())
    _, maps = ke.full_gradients(model, x, UNITS, **RAW)
    assert maps.shape == (3, 12, 12, 2)
    assert np.ptp(maps) > 0


def full_gradients_by_hand(model, x, units):
    """FullGrad of `nets.hidden`, written out: terms at the input, two convolutions and a batch norm."""
    names = ["conv", "norm", "late"]
    taps = keras.Model(model.inputs, [model.output, *(model.get_layer(n).output for n in names)])
    with tf.GradientTape(persistent=True) as tape:
        image = tf.constant(x)
        tape.watch(image)
        logits, *inside = taps(image)
        scores = [tf.gather(logits, units[:, t : t + 1], axis=1, batch_dims=1) for t in range(units.shape[1])]
    added = [image, *ke.inspection.biases([model.get_layer(n) for n in names])]
    maps = []
    for score in scores:
        total = 0
        for gradient, term in zip(tape.gradient(score, [image, *inside]), added, strict=True):
            channels = np.abs(gradient * term)
            low, high = channels.min((1, 2), keepdims=True), channels.max((1, 2), keepdims=True)
            scaled = np.divide(channels - low, high - low, out=np.zeros_like(channels), where=high > low)
            total = total + tf.image.resize(scaled.sum(-1, keepdims=True), x.shape[1:3]).numpy()[..., 0]
        maps.append(total)
    return np.stack(maps, -1)


def test_full_gradients_sums_channels_for_each_unit_beside_a_hidden_dense(x):
    model = nets.hidden()
    expected = full_gradients_by_hand(model, x, UNITS)
    logits, maps = ke.full_gradients(model, x, UNITS, **RAW)
    assert_allclose(maps, expected, rtol=1e-3, atol=1e-4 * expected.max())
    assert_allclose(logits, np.take_along_axis(model.predict(x, verbose=0), UNITS, 1), rtol=1e-4, atol=1e-5)
    assert not np.allclose(maps[1, ..., 0], maps[1, ..., 1])


def test_full_gradients_reads_gradients_before_fused_activations(x):
    plain = nets.hidden()
    _, apart = ke.full_gradients(plain, x, UNITS, **RAW)
    _, fused = ke.full_gradients(nets.fused(plain), x, UNITS, **RAW)
    assert_allclose(fused, apart, rtol=1e-3, atol=1e-4 * apart.max())


def test_full_gradients_as_documented_with_its_own_biases(x):
    model = nets.hidden()
    logits = ke.inspection.get_logits_layer(model)
    inters, biases = ke.inspection.layers_with_biases(model, exclude=[logits])
    assert [layer.name for layer in inters] == ["conv", "norm", "late", "hidden"]
    exposed = ke.inspection.expose(model, inters, logits)
    assert [t.shape for t in exposed(x)] == [(3, 4), (3, 10, 10, 6), (3, 10, 10, 6), (3, 4, 4, 5), (3, 7)]
    _, maps = ke.full_gradients(exposed, x, UNITS, biases=biases, **RAW)
    expected = full_gradients_by_hand(model, x, UNITS)
    assert_allclose(maps, expected, rtol=1e-3, atol=1e-4 * expected.max())


def test_nested_backbones_are_exposed_with_and_without_their_own_pooling(x):
    for model in (nets.nested(True), nets.nested(False)):
        flat = model.get_layer("backbone")
        relu = keras.Model(flat.inputs[0], flat.get_layer("post_relu").output)(x).numpy()
        exposed = ke.inspection.expose(model)
        logits, a = exposed(x)
        assert_allclose(a, relu, rtol=1e-5, atol=1e-6)
        kernel, bias = model.get_layer("logits").get_weights()
        assert_allclose(logits, relu.mean((1, 2)) @ kernel + bias, rtol=1e-4, atol=1e-5)
        _, maps = ke.gradcam(exposed, x, UNITS, **RAW)
        weights = np.moveaxis(kernel[:, UNITS], 0, -1) / 25
        assert_allclose(maps, np.einsum("nhwk,ntk->nhwt", relu, weights), rtol=1e-4, atol=1e-6)


def test_naming_the_backbone_itself_gives_no_zeros(x):
    model = nets.nested(False)
    _, named = ke.gradcam(ke.inspection.expose(model, "backbone", "predictions"), x, UNITS, **RAW)
    _, found = ke.gradcam(ke.inspection.expose(model), x, UNITS, **RAW)
    assert np.ptp(named) > 0
    assert_allclose(named, found)


def traces(exposed):
    return {name: n for name, n in exposed.explainer.counts.items() if name.startswith("trace")}


def test_an_exposed_model_is_compiled_once_for_every_method(x):
    exposed = ke.inspection.expose(nets.nested())
    ke.gradcam(exposed, x, UNITS, **RAW)
    first = traces(exposed)
    ke.gradcam(exposed, x[:1] / 2, UNITS[:1], **RAW)
    ke.gradcampp(exposed, x, UNITS, **RAW)
    assert traces(exposed) == first
    assert set(first.values()) == {1}


def test_force_false_keeps_what_was_compiled_and_each_method_its_own(x):
    model = nets.hidden()
    expected = [method(model, x, UNITS, **RAW)[1] for method in (ke.gradcam, ke.gradients)]
    assert "_kx_exposed" not in vars(model)
    for _ in range(2):
        kept = [method(model, x, UNITS, force=False, **RAW)[1] for method in (ke.gradcam, ke.gradients)]
        for ours, theirs in zip(kept, expected, strict=True):
            assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7)
    assert set(traces(vars(model)["_kx_exposed"]).values()) == {1}


@pytest.mark.parametrize("name", ["gradcam", "gradcampp", "cam", "scorecam", "gradients", "full_gradients"])
def test_a_final_softmax_changes_nothing(x, name):
    method = getattr(ke, name)
    results = []
    for activation in ("linear", "softmax"):
        model = nets.sequential()
        model.layers[-1].activation = keras.activations.get(activation)
        results.append(method(ke.inspection.expose(model), x, UNITS, **RAW))
    for with_softmax, without in zip(*results, strict=True):
        assert_allclose(with_softmax, without, rtol=1e-4, atol=1e-5)


def test_smooth_adds_noise_in_parts_of_each_images_range(x):
    seen = []
    images = x * np.array([1, 10, 100], np.float32)[:, None, None, None]
    logits, _ = ke.methods.meta.smooth(counted(seen), repetitions=40, noise=0.2)(
        nets.sequential(), images, UNITS[:, :1]
    )
    noise = (np.concatenate(seen).reshape(40, *images.shape) - images).std((0, 2, 3, 4))
    assert_allclose(noise, 0.2 * np.ptp(images, (1, 2, 3)), rtol=0.02)
    clean = ke.inspection.expose(nets.sequential())(images)[0].numpy()
    assert_allclose(logits, np.take_along_axis(clean, UNITS[:, :1], 1), rtol=1e-4, atol=1e-5)


def test_smooth_averages_signed_gradients_and_filters_last(x):
    model, seen = nets.hidden(), []
    ke.methods.meta.smooth(counted(seen), repetitions=6, noise=0.5)(model, x, UNITS[:, :1])
    gradients = []
    for noisy in np.concatenate(seen).reshape(6, *x.shape):
        with tf.GradientTape() as tape:
            image = tf.constant(noisy)
            tape.watch(image)
            score = tf.gather(model(image), UNITS[:, :1], axis=1, batch_dims=1)
        gradients.append(tape.gradient(score, image).numpy())
    smoothed = ke.methods.meta.smooth(ke.methods.gradient.gradients, repetitions=6, noise=0.5)
    _, maps = ke.explain(smoothed, model, x, UNITS[:, :1], **RAW)
    expected = np.abs(np.mean(gradients, 0)).mean(-1, keepdims=True)
    assert_allclose(maps, expected, rtol=1e-3, atol=1e-5)
    assert not np.allclose(maps, np.abs(gradients).mean((0, -1))[..., None], rtol=1e-2)
