"""Layers found, named and exposed as keras-explainable's documents do."""

import io
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose

import kx_widget.compat.keras_explainable as ke
from kx_widget.engine.errors import ImageError, KxError, ModelError, ParameterError, UnknownTargetError
from tests import cases, models
from tests.compat import nets

UNITS = np.array([[0, 2], [3, 1], [2, 2]])
RAW = {"postprocessing": None, "resizing": False, "verbose": 0}


@pytest.fixture(scope="module")
def x():
    return cases.photos()


@pytest.mark.parametrize(
    ("arguments", "outputs"),
    [
        ("post_relu", "logits"),
        ({"name": "post_relu", "link": "output"}, {"name": "logits"}),
        ({"name": "post_relu", "link": "output", "node": 0}, {"name": "logits", "link": "output", "node": 0}),
        ({"name": "flat", "link": "input"}, "logits"),
        (5, -1),
        (["post_relu"], ["logits"]),
        (None, None),
    ],
)
def test_documented_ways_to_expose_a_layer_are_equivalent(arguments, outputs, x):
    exposed = ke.inspection.expose(nets.hidden(), arguments, outputs)
    assert exposed.paths == ("post_relu",)
    assert [tuple(t.shape) for t in exposed.outputs] == [(None, 4), (None, 4, 4, 5)]
    assert_allclose(exposed(x)[0], nets.hidden()(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("make", [nets.nested, nets.nested_sequential])
@pytest.mark.parametrize(
    "arguments",
    [
        ("backbone", "post_relu"),
        {"name": ("backbone", "post_relu"), "node": 1},
        {"name": ("backbone", "avg_pool"), "link": "input"},
        {"name": ("backbone", "avg_pool"), "link": "input", "node": 1},
    ],
)
def test_documented_ways_into_a_nested_backbone_run(make, arguments, x):
    exposed = ke.inspection.expose(make(), arguments, "predictions")
    assert exposed.paths == ("backbone/post_relu",)
    assert np.ptp(ke.gradcam(exposed, x, UNITS, **RAW)[1]) > 0


def test_a_model_that_returns_activations_is_explained_there(x):
    model = nets.hidden()
    made = keras.Model(model.inputs[0], [model.output, model.get_layer("relu").output])
    by_name = ke.gradcam(ke.inspection.expose(model, "relu"), x, UNITS, **RAW)[1]
    assert by_name.shape == (3, 10, 10, 2)
    assert_allclose(ke.gradcam(made, x, UNITS, **RAW)[1], by_name, rtol=1e-5, atol=1e-7)
    assert_allclose(ke.methods.cams.gradcam(made, x, UNITS)[1], by_name, rtol=1e-5, atol=1e-7)


def test_layers_inside_nested_models_are_found(x):
    model = nets.twice_nested()
    inner = model.get_layer("nested").get_layer("backbone")
    for m in (model, ke.inspection.expose(model)):
        assert ke.inspection.get_nested_layer(m, ("nested", "backbone", "avg_pool")) is inner.get_layer("avg_pool")
        assert ke.inspection.get_global_pooling_layer(m) is inner.get_layer("avg_pool")
        assert ke.inspection.get_logits_layer(m) is model.get_layer("nested").get_layer("logits")
        assert ke.inspection.get_logits_layer(m, ("nested", "backbone", "conv")) is inner.get_layer("conv")
        assert [layer.name for layer in ke.inspection.layers_with_biases(m, return_biases=False)] == [
            *("conv", "norm", "logits")
        ]
    assert ke.inspection.find_layer_with(model, properties=("kernel",), search_reversed=False) is inner.get_layer(
        "conv"
    )
    with pytest.raises(ValueError, match="Say what to look for"):
        ke.inspection.find_layer_with(model)
    with pytest.raises(ValueError, match=r"no layer with Flatten or .*GlobalMaxPooling3D"):
        ke.inspection.get_global_pooling_layer(models.subclassed())


def test_endpoints_are_kerass_tensors():
    model = nets.hidden()
    late, given = ke.inspection.endpoints(model, ["late", {"name": "flat", "link": "input", "node": 0}])
    assert late is model.get_layer("late").output
    assert given is model.get_layer("post_relu").output
    assert ke.inspection.endpoints(model, [-1, model.get_layer("relu")])[0].shape == (None, 4)
    with pytest.raises(ValueError, match="is not an endpoint"):
        ke.inspection.endpoints(model, [3.5])
    with pytest.raises(ValueError, match="no symbolic tensors"):
        ke.inspection.endpoints(models.subclassed(), [{"name": "late"}])


def test_gather_units_takes_units_image_by_image():
    scores = np.arange(12.0).reshape(3, 4)
    assert_allclose(ke.inspection.gather_units(scores, UNITS), np.take_along_axis(scores, UNITS, 1))
    assert ke.inspection.gather_units(scores, None) is scores
    assert ke.inspection.gather_units(scores, [1, 3]).shape == (3, 2)


def test_units_for_all_images_are_gathered_as_the_original_does(x):
    exposed = ke.inspection.expose(nets.hidden())
    shared = ke.methods.cams.gradcam(exposed, x, [1, 3])[1]
    each = ke.methods.cams.gradcam(exposed, x, np.tile([1, 3], (3, 1)))[1]
    assert_allclose(shared, each)


def test_a_single_sigmoid_unit_is_one_unit(x):
    model = models.single_unit()
    logits, maps = ke.cam(ke.inspection.expose(model), x, **RAW)
    assert maps.shape == (3, 10, 10, 1)
    assert_allclose(tf.sigmoid(logits), model(x), rtol=1e-4, atol=1e-6)
    kernel = model.layers[-1].kernel.numpy()
    a = keras.Model(model.inputs[0], model.get_layer("late").output)(x).numpy()
    assert_allclose(maps, a @ kernel, rtol=1e-3, atol=1e-6)
    assert_allclose(ke.cam(model, x, logits_layer=model.layers[-1], **RAW)[1], maps, rtol=1e-4, atol=1e-6)


def test_an_inner_layer_or_another_output_can_be_the_one_explained(x):
    model = nets.hidden()
    scores, maps = ke.gradcam(ke.inspection.expose(model, "post_relu", "hidden"), x, **RAW)
    assert maps.shape == (3, 4, 4, 7)
    assert_allclose(scores, keras.Model(model.inputs[0], model.get_layer("hidden").output)(x), rtol=1e-4, atol=1e-5)
    two = models.two_outputs()
    assert ke.gradcam(ke.inspection.expose(two, None, "size"), x, **RAW)[0].shape == (3, 2)
    assert ke.gradcam(ke.inspection.expose(two, "late", "kind"), x, **RAW)[0].shape == (3, 4)
    with pytest.raises(ModelError, match="lies inside another model"):
        ke.inspection.expose(nets.nested(), None, ("backbone", "conv"))


def test_an_exposed_model_predicts_and_follows_training(x):
    model = nets.nested()
    exposed = ke.inspection.expose(model)
    before = exposed.predict(x, verbose=0)
    assert [o.shape for o in before] == [(3, 4), (3, 5, 5, 5)]
    old = ke.gradcam(exposed, x, UNITS, **RAW)[1]
    model.get_layer("logits").kernel.assign(2 * model.get_layer("logits").kernel)
    assert_allclose(ke.gradcam(exposed, x, UNITS, **RAW)[1], 2 * old, rtol=1e-4, atol=1e-6)
    assert exposed.get_layer("logits") is model.get_layer("logits")
    assert exposed.inputs[0] is model.inputs[0]
    assert len(exposed.layers) == len(model.layers)


@pytest.mark.parametrize(
    ("error", "text", "ask"),
    [
        (UnknownTargetError, "no unit 4: the model has units 0 to 3", lambda m, x: ke.gradcam(m, x, UNITS + 1)),
        (UnknownTargetError, "no unit -1", lambda m, x: ke.gradcam(m, x, UNITS - 1)),
        (UnknownTargetError, "whole numbers, not float64", lambda m, x: ke.gradcam(m, x, UNITS / 2)),
        (UnknownTargetError, "2 rows for 3 images", lambda m, x: ke.gradcam(m, x, UNITS[:2])),
        (UnknownTargetError, r"got \(2, 2\) for 3", lambda m, x: ke.methods.cams.gradcam(m, x, UNITS[:2])),
        (ParameterError, "only images", lambda m, x: ke.gradcam(m, x, UNITS, spatial_axis=(1, 2, 3))),
        (ParameterError, "psi", lambda m, x: ke.full_gradients(m, x, UNITS, psi=tf.abs)),
        (ParameterError, "yields the units", lambda m, x: ke.gradcam(m, iter([(x, UNITS)]), UNITS)),
        (ImageError, "no images", lambda m, x: ke.gradcam(m, iter([]))),
        (ImageError, r"got \(12, 12, 3\)", lambda m, x: ke.gradcam(m, x[0])),
        (ModelError, "given the image itself", lambda m, x: ke.inspection.expose(m, {"name": "conv", "link": "input"})),
        (ModelError, "link='both'", lambda m, x: ke.inspection.expose(m, {"name": "conv", "link": "both"})),
        (ModelError, "not called", lambda m, x: ke.inspection.expose(m, keras.layers.Dense(2, name="stranger"))),
    ],
)
def test_refusals_say_what_is_wrong(error, text, ask, x):
    assert issubclass(error, KxError)
    with pytest.raises(error, match=text):
        ask(nets.hidden(), x)


def test_pictures_are_drawn_as_documented(x, tmp_path):
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("agg")
    overlays = [None, *ke.gradients(nets.hidden(), x[:1], UNITS[:1, :1], verbose=0)[1]]
    picture = ke.utils.visualize((x + 1) / 2, ["one", "two"], overlays, cols=2, to_buffer=io.BytesIO())
    assert picture.size == (800, 800)
    ke.utils.visualize((x[0] + 1) / 2, figsize=(2, 1), to_file=tmp_path / "one.png")
    assert (tmp_path / "one.png").stat().st_size > 0
    plt.close("all")
    assert ke.utils.tolist((1, 2)) == [1, 2]
    assert ke.utils.tolist("ab") == ["ab"]
    assert ke.utils.get_dims([x, x]) == (2, 3, 12, 12, 3)


def test_the_rest_of_the_package_knows_nothing_of_it():
    code = "import sys, kx_widget.engine.explainer; print([m for m in sys.modules if m.startswith('kx_widget.compat')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "[]"
    root = Path(ke.__file__).parents[2]
    others = [p for p in root.rglob("*.py") if "compat" not in p.relative_to(root).parts]
    assert len(others) > 30
    assert not [p for p in others if "kx_widget.compat" in p.read_text(encoding="utf-8")]
