"""keras-explainable's names, signatures and documents, and its formulas written out by hand."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal

import kx_widget.compat.keras_explainable as ke
from kx_widget.engine.errors import ParameterError
from tests import cases, models
from tests.compat import nets

UNITS = np.array([[0, 2], [3, 1], [2, 2]])
RAW = {"postprocessing": None, "resizing": False, "verbose": 0}
SHORTCUTS = ("cam", "gradcam", "gradcampp", "scorecam", "gradients", "full_gradients")
METHOD = "model inputs indices indices_axis indices_batch_dims spatial_axis"
SIGNATURES = {
    "explain": "method model x y batch_size verbose steps callbacks max_queue_size workers use_multiprocessing force "
    "method_params",
    "partial_explain": "method default_params",
    "explaining.explain_step": "model method data spatial_axis postprocessing resizing params",
    "methods.cams.cam": f"{METHOD} logits_layer",
    "methods.cams.gradcam": METHOD,
    "methods.cams.gradcampp": METHOD,
    "methods.cams.scorecam": METHOD,
    "methods.gradient.gradients": f"{METHOD} gradient_filter",
    "methods.gradient.full_gradients": f"{METHOD} psi biases",
    "methods.gradient.transpose_jacobian": "x spatial_rank",
    "methods.meta.smooth": "method repetitions noise",
    "methods.meta.tta": "method scales hflip resize_method",
    **{
        f"filters.{f}": "x axis"
        for f in ["normalize", "positive", "negative", "positive_normalize", "absolute_normalize"]
    },
    "filters.negative_normalize": "x axis",
    "inspection.get_nested_layer": "model name",
    "inspection.get_logits_layer": "model name",
    "inspection.get_global_pooling_layer": "model name",
    "inspection.find_layer_with": "model name properties klass search_reversed",
    "inspection.endpoints": "model endpoints",
    "inspection.expose": "model arguments outputs",
    "inspection.gather_units": "tensor indices axis batch_dims",
    "inspection.layers_with_biases": "model exclude return_biases",
    "inspection.biases": "layers",
    "utils.tolist": "item",
    "utils.get_dims": "image",
    "utils.visualize": "images titles overlays overlay_alpha rows cols figsize cmap overlay_cmap to_file to_buffer "
    "subplots_ws subplots_hs",
}
DEFAULTS = {
    "explain": {"y": None, "batch_size": None, "verbose": "auto", "steps": None, "callbacks": None, "force": True},
    "methods.cams.gradcam": {"indices": None, "indices_axis": -1, "indices_batch_dims": -1, "spatial_axis": (-3, -2)},
    "methods.gradient.gradients": {"gradient_filter": tf.abs},
    "methods.gradient.full_gradients": {"psi": ke.filters.absolute_normalize, "biases": None},
    "methods.meta.smooth": {"repetitions": 20, "noise": 0.1},
    "methods.meta.tta": {"scales": (0.5, 1.5, 2.0), "hflip": True, "resize_method": "bilinear"},
    "inspection.gather_units": {"axis": -1, "batch_dims": -1},
    "explaining.explain_step": {"postprocessing": None, "resizing": True},
}


def found(name):
    value = ke
    for part in name.split("."):
        value = getattr(value, part)
    return value


@pytest.fixture(scope="module")
def x():
    return cases.photos()


@pytest.fixture(scope="module")
def model():
    return nets.hidden()


@pytest.mark.parametrize("name", SIGNATURES)
def test_arguments_have_the_originals_names_and_order(name):
    parameters = inspect.signature(found(name)).parameters
    assert " ".join(parameters) == SIGNATURES[name]
    for parameter, default in DEFAULTS.get(name, {}).items():
        assert parameters[parameter].default == default


def test_tables_of_methods_hold_the_methods():
    assert [m.__name__ for m in ke.methods.cams.METHODS] == ["cam", "gradcam", "gradcampp", "scorecam"]
    assert [m.__name__ for m in ke.methods.gradient.METHODS] == ["gradients", "full_gradients"]
    assert ke.gradcam.__name__ == "gradcam_explain"
    assert ke.methods.meta.tta(ke.methods.cams.cam).__name__ == "cam_tta"
    assert set(SHORTCUTS) < set(ke.__all__)


def by_hand(model, layer, x, units):
    """Logits, activations (N, h, w, K) and their gradients (N, T, h, w, K), as keras-explainable takes them."""
    taps = keras.Model(model.inputs[0], [model.output, model.get_layer(layer).output])
    with tf.GradientTape(persistent=True) as tape:
        image = tf.constant(x)
        tape.watch(image)
        logits, a = taps(image)
        scores = [tf.gather(logits, units[:, t], axis=1, batch_dims=1) for t in range(units.shape[1])]
    logits = np.take_along_axis(logits.numpy(), units, 1)
    return logits, a.numpy(), np.stack([tape.gradient(s, a).numpy() for s in scores], 1)


def close(ours, theirs):
    assert ours.shape == theirs.shape
    assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4 * np.abs(theirs).max())


def test_gradcam_is_the_originals_formula(model, x):
    logits, a, g = by_hand(model, "post_relu", x, UNITS)
    scores, maps = ke.gradcam(ke.inspection.expose(model), x, UNITS, **RAW)
    close(scores, logits)
    close(maps, np.einsum("nhwk,ntk->nhwt", a, g.mean((2, 3))))


def test_gradcampp_is_the_originals_formula_without_its_positive_factor(model, x):
    logits, a, g = by_hand(model, "post_relu", x, UNITS)
    d = g.astype(np.float64)
    below = 2 * d**2 + a.sum((1, 2))[:, None, None, None] * d**3
    alpha = np.divide(d**2, below, out=np.zeros_like(d), where=below != 0)
    factor = np.exp(logits)[:, :, None, None, None]
    theirs = np.einsum("nhwk,ntk->nhwt", a, (alpha * np.maximum(factor * d, 0)).sum((2, 3)))
    _, maps = ke.gradcampp(ke.inspection.expose(model), x, UNITS, **RAW)
    close(maps, theirs / np.exp(logits)[:, None, None])
    _, drawn = ke.gradcampp(ke.inspection.expose(model), x, UNITS, resizing=False, verbose=0)
    close(drawn, ke.filters.positive_normalize(theirs).numpy())


def test_cam_is_the_originals_formula_with_the_heads_kernel_or_a_given_one(x):
    model = nets.sequential()
    a = keras.Model(model.inputs[0], model.get_layer("late").output)(x).numpy()
    kernel = model.get_layer("logits").kernel.numpy()
    theirs = np.einsum("nhwk,knt->nhwt", a, kernel[:, UNITS])
    exposed = ke.inspection.expose(model)
    for layer in (None, "logits", model.get_layer("logits")):
        close(ke.cam(exposed, x, UNITS, logits_layer=layer, **RAW)[1], theirs)
    other = keras.layers.Dense(4)
    other.build((None, 5))
    theirs = np.einsum("nhwk,knt->nhwt", a, other.kernel.numpy()[:, UNITS])
    close(ke.cam(exposed, x, UNITS, logits_layer=other, **RAW)[1], theirs)
    wrong = keras.layers.Dense(4)
    wrong.build((None, 6))
    with pytest.raises(ParameterError, match="not for 5 channels"):
        ke.cam(exposed, x, UNITS, logits_layer=wrong, **RAW)


def test_scorecam_is_the_originals_formula_where_interpolation_meets_the_cells(model, x):
    taps = keras.Model(model.inputs[0], [model.output, model.get_layer("post_relu").output])
    a = taps(x)[1].numpy()
    assert a.shape[1:3] == (4, 4)  # of 12: three pixels a cell, so that scaling before or after is the same
    theirs = 0
    for k in range(a.shape[-1]):
        mask = tf.image.resize(ke.filters.normalize(a[..., k : k + 1]), (12, 12)).numpy()
        theirs = theirs + np.take_along_axis(model(x * mask).numpy(), UNITS, 1)[:, None, None] * mask
    scores, maps = ke.scorecam(ke.inspection.expose(model), x, UNITS, **RAW)
    close(maps, theirs)
    close(scores, by_hand(model, "post_relu", x, UNITS)[0])


def test_gradients_are_the_originals_formula(model, x):
    with tf.GradientTape() as tape:
        image = tf.constant(x)
        tape.watch(image)
        logits = tf.gather(model(image), UNITS, axis=1, batch_dims=1)
    jacobian = tape.batch_jacobian(logits, image)
    for choose in (tf.abs, tf.nn.relu):
        theirs = ke.methods.gradient.transpose_jacobian(tf.reduce_mean(choose(jacobian), -1)).numpy()
        close(ke.gradients(model, x, UNITS, gradient_filter=choose, **RAW)[1], theirs)


DOCUMENTED = (
    nets.hidden,
    nets.sequential,
    nets.nested,
    lambda: nets.nested(False),
    nets.nested_sequential,
    nets.twice_nested,
    models.subclassed,
    models.residual,
)


@pytest.mark.parametrize("make", DOCUMENTED)
def test_documented_example_runs_and_leaves_the_model_as_it_was(make, x):
    model = make()
    before = [w.copy() for w in model.get_weights()]
    attributes, nodes = set(vars(model)), [len(layer._inbound_nodes) for layer in model.layers]
    y = UNITS
    exposed = ke.inspection.expose(model)
    scores, cams = ke.gradcam(exposed, x, y, batch_size=32)
    assert isinstance(scores, np.ndarray)
    assert isinstance(cams, np.ndarray)
    assert scores.shape == (3, 2)
    assert cams.shape == (3, 12, 12, 2)
    assert np.ptp(cams, axis=(1, 2)).max() > 0
    assert cams.min() >= 0
    assert cams.max() <= 1
    assert set(vars(model)) == attributes
    assert [len(layer._inbound_nodes) for layer in model.layers] == nodes
    for ours, theirs in zip(model.get_weights(), before, strict=True):
        assert_array_equal(ours, theirs)
