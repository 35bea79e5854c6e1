"""Class activation maps against what other libraries say of the same net; `make oracles` asks these anew."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose

import kx_widget as kx
from tests import cases, models
from tests.oracles.cam_case import GAMMA, LAST, TARGETS
from tests.oracles.case import answers_of, case
from tests.oracles.keras_cam_model import keras_cam_model


@pytest.fixture(scope="module")
def explainer():
    return kx.Explainer(keras_cam_model(), preprocess=None)


@pytest.fixture(scope="module")
def grad_cam():
    return answers_of("pytorch_grad_cam")


def maps_of(explainer, method, layer=LAST, **params):
    """The map of each image for the class that was asked about."""
    targets = np.array(TARGETS)[:, None]
    return explainer.explain(case().images, targets, method=method, layer=layer, **params).maps[:, 0]


def close(maps, expected):
    assert_allclose(maps, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def facts(explainer, method="gradcam"):
    """Activations and gradients (B, h, w, K) at the layer, in double precision."""
    question = explainer.ask(case().images, np.array(TARGETS)[:, None], method=method, layer=LAST)
    rows, probe = next(question.probes())
    weights = np.ascontiguousarray(question.targets(rows, probe).weights[:, 0])
    return probe.activations().astype(np.float64), probe.head_gradient(weights).astype(np.float64)


@pytest.mark.oracle("gradcam_elementwise")
def test_gradcam_elementwise_is_that_of_pytorch_grad_cam(explainer, grad_cam):
    close(maps_of(explainer, "gradcam_elementwise"), grad_cam["GradCAMElementWise"])


@pytest.mark.oracle("eigengradcam")
def test_eigengradcam_is_that_of_pytorch_grad_cam_with_the_sign_of_the_sum(explainer, grad_cam):
    """There the sign is LAPACK's."""
    a, g = facts(explainer)
    for found, theirs, product in zip(maps_of(explainer, "eigengradcam"), grad_cam["EigenGradCAM"], a * g, strict=True):
        total = product.sum(-1)
        close(found, theirs * np.sign(((total - total.mean()) * theirs).sum()))


@pytest.mark.oracle("fem")
def test_fem_is_that_of_xplique(explainer):
    """The paper's, that is; pytorch-grad-cam's weighs activations by how many of a channel's are high."""
    close(maps_of(explainer, "fem", k=1.0), answers_of("xplique_fem")["fem"])


@pytest.mark.oracle("fem")
def test_fem_counts_channels_where_they_are_rarely_high(explainer):
    a, _ = facts(explainer)
    for found, image in zip(maps_of(explainer, "fem"), a, strict=True):
        expected = np.zeros(image.shape[:2])
        for channel in np.moveaxis(image, -1, 0):
            expected[channel >= channel.mean() + 2 * channel.std()] += channel.mean()
        close(found, expected)


@pytest.mark.oracle("kpca_cam")
@pytest.mark.parametrize(("params", "name"), [({}, "KPCA_CAM"), ({"kernel": "rbf", "gamma": 0.5}, "KPCA_CAM rbf")])
def test_kpca_cam_is_that_of_pytorch_grad_cam_with_the_sign_of_the_mean(params, name, explainer, grad_cam):
    """There the sign is scikit-learn's, which makes the largest value positive."""
    a, _ = facts(explainer)
    for found, theirs, image in zip(maps_of(explainer, "kpca_cam", **params), grad_cam[name], a, strict=True):
        mean = image.mean(-1)
        close(found, theirs * np.sign(((mean - mean.mean()) * theirs).sum()))


@pytest.mark.oracle("kpca_cam")
def test_kpca_cam_of_many_cells_goes_by_some_of_them():
    """Where cells come in blocks of four that are the same, some of them tell what all would."""
    from kx_widget.engine.methods.kpca_cam import kpca_cam

    class Blocks:
        def __init__(self, a):
            self.activations = lambda: a

    coarse = np.random.default_rng(0).random((2, 12, 12, 5)).astype(np.float32)
    fine = coarse.repeat(2, 1).repeat(2, 2)
    (all_cells,), (some,) = (list(kpca_cam(Blocks(a), np.zeros((2, 1), np.float32))) for a in (coarse, fine))
    assert_allclose(some.maps, all_cells.maps.repeat(2, 1).repeat(2, 2), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(("method", "name"), [("gradcam", "GradCAM"), ("layercam", "LayerCAM")])
def test_a_contrast_with_several_classes_is_torchcam_s_finercam(method, name, explainer):
    """It keeps what is positive."""
    torchcam, images = answers_of("torchcam_cams"), case().images
    for i, (target, nearest) in enumerate(zip(TARGETS, torchcam["nearest"].tolist(), strict=True)):
        finer = kx.contrast(target, nearest, weight=GAMMA)
        e = explainer.explain(images[i : i + 1], finer, method=method, layer=LAST)
        close(np.maximum(e.maps[0, 0], 0), torchcam[f"FinerCAM {name}"][i])


@pytest.mark.oracle("randomcam")
def test_randomcam_is_a_sum_of_activations_under_weights_that_nothing_but_seed_image_and_layer_decide(explainer):
    a, _ = facts(explainer)
    weights = []
    for seed in (0, 1):
        for found, image in zip(maps_of(explainer, "randomcam", seed=seed), a, strict=True):
            solved, *_ = np.linalg.lstsq(image.reshape(-1, image.shape[-1]), found.ravel(), rcond=None)
            close(found, image @ solved)
            weights.append(solved)
    weights = np.array(weights)
    assert np.abs(weights).max() < 1
    assert weights.min() < -0.5 < 0.5 < weights.max()
    assert len({tuple(row) for row in weights.round(4)}) == len(weights)
    fresh = kx.Explainer(keras_cam_model(), preprocess=None)
    assert_allclose(maps_of(fresh, "randomcam", seed=1), maps_of(explainer, "randomcam", seed=1), rtol=1e-5)


@pytest.mark.oracle("edges")
def test_edges_are_sobel_s():
    explainer, images = kx.Explainer(keras_cam_model(), preprocess=None), case().images
    maps = explainer.explain(images, 0, method="edges").maps[:, 0]
    kernel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    for found, image in zip(maps, images, strict=True):
        grey, expected = image.mean(-1), np.zeros(image.shape[:2])
        last = len(grey) - 1
        for y, x in np.ndindex(expected.shape):
            window = [[grey[np.clip(y + i, 0, last), np.clip(x + j, 0, last)] for j in (-1, 0, 1)] for i in (-1, 0, 1)]
            expected[y, x] = np.hypot((kernel * window).sum(), (kernel.T * window).sum())
        close(found, expected)


@pytest.mark.oracle("shapleycam")
@pytest.mark.parametrize(("utility", "name"), [("score", "ShapleyCAM"), ("rest", "ShapleyCAM ReST")])
def test_shapleycam_is_that_of_pytorch_grad_cam(utility, name, explainer, grad_cam):
    close(maps_of(explainer, "shapleycam", utility=utility), grad_cam[name])


@pytest.mark.oracle("shapleycam")
def test_without_a_curve_after_the_layer_shapleycam_is_gradcam():
    explainer, x = kx.Explainer(models.residual()), cases.photos()
    for layer in ("stem", "after_add"):
        maps = [explainer.explain(x, [1, 2], layer=layer, method=name).maps for name in ("shapleycam", "gradcam")]
        close(*maps)


def test_terms_of_second_order_tell_what_a_quadratic_score_loses_with_the_activations():
    """Σ A ⊙ (g − ½ H A) = S(A) − S(0) where S is a polynomial of second order."""
    image = keras.Input((8, 8, 3))
    a = keras.layers.Conv2D(4, 3, name="layer")(image)
    x = keras.layers.Flatten()(a)
    model = keras.Model(image, keras.layers.Dense(3)(keras.layers.Concatenate()([x, x * x])))
    explainer, x = kx.Explainer(model, preprocess=None), cases.photos(2, (8, 8, 3))
    question = explainer.ask(x, [1], method="shapleycam", layer="layer")
    _, probe = next(question.probes())
    g, product = probe.head_curvature(np.eye(3, dtype=np.float32)[[1, 1]], "score")
    found = (probe.activations() * (g - product / 2)).sum((1, 2, 3))
    lost = model(x).numpy()[:, 1] - model.layers[-1].bias.numpy()[1]
    assert_allclose(found, lost, rtol=1e-4, atol=1e-5)


@pytest.mark.oracle("refinecam")
@pytest.mark.parametrize(("base", "name"), [("gradcam", "GradCAM"), ("layercam", "LayerCAM")])
def test_refinecam_is_that_of_torchcam(base, name, explainer):
    """Before it is scaled; its Grad-CAM++ is another one than the paper's."""
    close(maps_of(explainer, "refinecam", base=base), answers_of("torchcam_cams")[f"RefineCAM {name}"])


@pytest.mark.oracle("refinecam")
def test_refinecam_multiplies_what_gradcampp_says_of_the_last_layer_of_each_stage():
    image = keras.Input((24, 24, 3))
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="a")(image)
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="b")(x)
    x = keras.layers.ZeroPadding2D(((0, 1), (0, 1)))(keras.layers.MaxPooling2D(2, name="pool")(x))
    y = keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="bypassed")(x)
    x = keras.layers.Conv2D(4, 3, strides=2, activation="relu", name="c")(keras.layers.Add(name="sum")([x, y]))
    model = keras.Model(image, keras.layers.Dense(3)(keras.layers.Flatten()(x)))
    explainer, photos = kx.Explainer(model, preprocess=None), cases.photos(2, (24, 24, 3))

    def scaled(layer):
        maps = np.maximum(explainer.explain(photos, [1], method="gradcampp", layer=layer).maps[:, 0], 0)
        low, high = (reduce(maps, (1, 2), keepdims=True) for reduce in (np.min, np.max))
        return tf.image.resize(((maps - low) / (high - low))[..., None], (24, 24)).numpy()[..., 0]

    expected = scaled("b") * scaled("sum") * scaled("c")
    close(explainer.explain(photos, [1], method="refinecam", layer="c").maps[:, 0], expected)
    fresh = kx.Explainer(model, preprocess=None)
    close(fresh.explain(photos, [1], method="refinecam", layer="c").maps[:, 0], expected)
    assert fresh.counts["layers"] == 1
    assert fresh.counts["head"] == fresh.counts["look"] == 0
    two = fresh.explain(photos, [1], method="refinecam", layer="c", stages=2).maps
    assert two.shape[2:] == (13, 13)
    assert fresh.counts["layers"] == 1


@pytest.mark.oracle("shapleycam")
def test_the_second_derivative_goes_on_from_what_passes_the_layer_by():
    image = keras.Input((8, 8, 3))
    skip = keras.layers.Conv2D(4, 3, padding="same", activation="softplus", name="skip")(image)
    a = keras.layers.Conv2D(4, 3, padding="same", activation="tanh", name="branch")(skip)
    gated, dense = keras.layers.Multiply()([a, skip]), keras.layers.Dense(3)
    scores = dense(keras.layers.Flatten()(keras.layers.Activation("softplus")(gated)))
    model, x = keras.Model(image, scores), cases.photos(3, (8, 8, 3))
    a, skip = keras.Model(image, [a, skip])(x)
    with tf.GradientTape() as outer:
        outer.watch(a)
        with tf.GradientTape() as inner:
            inner.watch(a)
            score = dense(tf.reshape(tf.nn.softplus(a * skip), (3, -1)))[:, 2]
        gradient = inner.gradient(score, a)
        along = tf.reduce_sum(gradient * tf.stop_gradient(a))
    weights = gradient - outer.gradient(along, a) / 2
    expected = tf.einsum("bhwk,bk->bhw", a, tf.reduce_mean(weights, (1, 2)))
    explainer = kx.Explainer(model, preprocess=None)
    close(explainer.explain(x, [2], method="shapleycam", layer="branch").maps[:, 0], expected.numpy())
    before = explainer.counts
    explainer.explain(x, [0, 1], method="shapleycam", layer="branch")
    after = explainer.counts
    # Compiled once; another class is a run of what comes after the layer.
    assert {name for name in after if after[name] != before[name] and "cache" not in name} == {"curvature"}
    assert after["curvature"] == before["curvature"] + 2
