"""Every family of keras.applications, and the shapes that people give their own models."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose

from kx_widget.engine.answer import AnswerBuilder
from kx_widget.engine.cache import Cache
from tests import hub, zoo
from tools import models_page

pytestmark = pytest.mark.slow

# Fused ReLUs and hidden Dense layers; batch norms with γ; batch norms without.
PIECEWISE_LINEAR = ("VGG16", "ResNet50", "InceptionV3")


@pytest.fixture(scope="module")
def page():
    return models_page.read()


def noise(shape, n=2):
    return np.random.default_rng(0).uniform(-1, 1, (n, *shape)).astype(np.float32)


def textbook(model, tensor, x, target):
    """Grad-CAM as textbooks have it: a second model that also returns the layer, and a tape."""
    both = keras.Model(model.inputs[0], [tensor, model.output])
    with tf.GradientTape() as tape:
        a, scores = both(tf.constant(x), training=False)
        chosen = scores[:, target]
    g = tape.gradient(chosen, a)
    return tf.einsum("bhwk,bk->bhw", a, tf.reduce_mean(g, (1, 2))).numpy(), chosen.numpy()


def assert_frozen_is_the_same(explainer, x, found, tolerance=1e-4):
    """With frozen weights: other functions, the same maps and scores."""
    asked = explainer.ask(x, found.targets, method=found.method)
    frozen = asked.model.functions.frozen(1)
    assert frozen is not asked.model.functions
    asked = replace(asked, model=replace(asked.model, functions=frozen), cache=Cache(2**30))
    explanation = AnswerBuilder(asked).add_all(asked.stream()).explanation(0)
    assert_allclose(explanation.maps, found.maps, rtol=tolerance, atol=tolerance * np.abs(found.maps).max())
    assert_allclose(explanation.scores, found.scores, rtol=tolerance, atol=tolerance * np.abs(found.scores).max())


def test_the_page_tells_of_these_nets(page):
    assert list(page) == list(zoo.NAMES)


@pytest.mark.parametrize("family", zoo.FAMILIES)
def test_family(family, page):
    explainer = zoo.explainer_of(family)
    model, inspection = explainer.model, explainer.inspection
    x = noise(inspection.input_shape)
    info = next(li for li in inspection.layers if li.path == inspection.recommended)
    kind, name, channels = zoo.FAMILIES[family]
    assert (info.type, info.shape[-1]) == (kind, channels)
    assert name in (None, info.path)
    assert min(info.spatial) > 1
    e = explainer.explain(x, [3])
    tensor = next(op for op in model.operations if op.name == info.path).output
    maps, scores = textbook(model, tensor, x, 3)
    assert_allclose(e.scores[:, 0], scores, rtol=1e-3, atol=1e-4 * np.abs(scores).max())
    assert_allclose(e.maps[:, 0], maps, rtol=1e-2, atol=1e-3 * np.abs(maps).max())
    if model.count_params() * 4 < 2**25:
        assert_frozen_is_the_same(explainer, x, e)
    if family in PIECEWISE_LINEAR:
        e = explainer.explain(x, ["top", 3], method="full_gradients")
        assert e.checks["completeness_gap"].max() < 1e-3
        assert e.maps.min() >= 0
        assert np.ptp(e.maps, axis=(2, 3)).min() > 0
    assert page[family] == models_page.facts(family, inspection)


def layer_at(model, path):
    for name in path.split("/"):
        inside = [*model._flatten_layers(include_self=False, recursive=False), *getattr(model, "operations", ())]
        model = next(layer for layer in inside if layer.name == name)
    return model


def watched(model, path, x, target, monkeypatch):
    """What the layer returns to Keras run eagerly, and the score's gradient there, from a tape that watches it."""
    layer, seen = layer_at(model, path), []
    call = type(layer).call

    def watching(self, *args, **kwargs):
        out = call(self, *args, **kwargs)
        if self is layer:
            seen.append(out)
            tape.watch(out)
        return out

    monkeypatch.setattr(type(layer), "call", watching)
    with tf.GradientTape() as tape:
        scores = model({model.inputs[0].name: x} if isinstance(model.input, dict) else x, training=False)
        score = tf.reduce_sum(scores[:, target])
    return seen[0].numpy(), tape.gradient(score, seen[0]).numpy(), scores.numpy()


# Keras says of keras-hub's own windowed attention that it does not pass a mask on.
@pytest.mark.filterwarnings("ignore:Layer 'attn' .of type WindowAttention. was passed an input with a mask")
@pytest.mark.parametrize("name", hub.NETS)
def test_hub(name, page, monkeypatch):
    """Every candidate gives a map of the image's aspect, the recommended one what Keras and a tape give."""
    _, grid, first = hub.NETS[name]
    explainer = zoo.explainer_of(name)
    model, inspection = explainer.model, explainer.inspection
    info = next(li for li in inspection.layers if li.path == inspection.recommended)
    assert (info.spatial, info.first) == (grid, first or 0)
    x = noise(inspection.input_shape)
    e = explainer.explain(x, [3])
    a, g, scores = watched(model, info.path, x, 3, monkeypatch)
    if first is not None:
        cells = slice(first, first + grid[0] * grid[1])
        a, g = (v[:, cells].reshape(len(x), *grid, -1) for v in (a, g))
    maps = np.einsum("bhwk,bk->bhw", a, g.mean((1, 2)))
    assert_allclose(e.scores[:, 0], scores[:, 3], rtol=1e-4, atol=1e-4 * np.abs(scores).max())
    assert_allclose(e.maps[:, 0], maps, rtol=1e-4, atol=1e-4 * np.abs(maps).max())
    assert np.ptp(maps, axis=(1, 2)).min() > 0
    height, width, _ = inspection.input_shape
    for path, answer in explainer.explain_layers(x, [3], layers=inspection.candidates).items():
        h, w = answer.maps.shape[2:]
        assert np.isfinite(answer.maps).all(), path
        assert abs(h * width - w * height) <= max(width, height), path
    begin = explainer.explain(x, [3], method=None)
    assert begin.method == inspection.recommended_method
    assert np.ptp(begin.maps, axis=(2, 3)).min() > 0
    assert page[name] == models_page.facts(name, inspection)


@pytest.mark.parametrize("name", zoo.OWN)
def test_own(name, page):
    """The gradient at the layer is that of the whole model: a step along it changes the score as promised."""
    expected = zoo.OWN[name][1]
    explainer = zoo.explainer_of(name)
    inspection = explainer.inspection
    assert inspection.recommended == expected
    x = noise(inspection.input_shape, 3)
    method = "gradcam" if expected else "gradients"
    e = explainer.explain(x, [0, 1], method=method)
    assert np.isfinite(e.maps).all()
    assert np.abs(e.maps).max() > 0
    if name != "mixed_float16":
        _, probe = next(explainer.ask(x, [1], method="gradients").probes())
        g = probe.input_gradient(np.eye(inspection.classes, dtype=np.float32)[[1] * len(x)])
        step = np.random.default_rng(2).normal(0, 1e-3, x.shape).astype(np.float32)
        change = explainer.predict(x + step)[0][:, 1] - explainer.predict(x - step)[0][:, 1]
        assert_allclose(change, 2 * (g * step).sum((1, 2, 3)), rtol=0.05, atol=2e-5)
    assert_frozen_is_the_same(explainer, x, e, 2e-2 if name == "mixed_float16" else 1e-4)
    assert page[name] == models_page.facts(name, inspection)
