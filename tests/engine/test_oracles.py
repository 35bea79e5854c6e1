"""Maps against independent truths: closed forms, finite differences, another implementation."""

import importlib
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose

from kx_widget.engine.explainer import Explainer
from kx_widget.engine.methods import METHODS
from kx_widget.engine.registry import Method
from kx_widget.engine.types import Partial
from tests import cases, models


def linear(make):
    """A model of one level without its softmax."""
    model = make()
    model.layers[-1].activation = keras.activations.linear
    return model


def both_ways(model, layer, x, target):
    """Activation and its gradient by the textbook: two models and a tape; only for models of one level."""
    inside = keras.Model(model.inputs[0], model.get_layer(layer).output)
    with tf.GradientTape() as tape:
        a = inside(x)
        tape.watch(a)
        y = a
        for part in model.layers[model.layers.index(model.get_layer(layer)) + 1 :]:
            y = part(y)
        score = y[:, target]
    return a.numpy(), tape.gradient(score, a).numpy()


@pytest.fixture(scope="module")
def pair():
    """A chain of layers with a hidden Dense, so that gradients differ from cell to cell."""
    bare, x = linear(models.flattened), cases.photos()
    a, g = both_ways(bare, "late", x, 2)
    return Explainer(bare), x, a.astype(np.float64), g.astype(np.float64)


TEXTBOOK = {
    "gradcam": lambda a, g: (g.mean((1, 2), keepdims=True) * a).sum(-1),
    "layercam": lambda a, g: (np.maximum(g, 0) * a).sum(-1),
    "hirescam": lambda a, g: (g * a).sum(-1),
    "xgradcam": lambda a, g: ((g * a).sum((1, 2), keepdims=True) / textbook_sum(a) * a).sum(-1),
    "gradcampp": lambda a, g: ((textbook_alpha(a, g) * np.maximum(g, 0)).sum((1, 2), keepdims=True) * a).sum(-1),
}


def textbook_sum(a):
    total = a.sum((1, 2), keepdims=True)
    return np.where(total != 0, total, 1)


def textbook_alpha(a, g):
    below = 2 * g**2 + a.sum((1, 2), keepdims=True) * g**3
    return np.where(below != 0, g**2 / np.where(below != 0, below, 1), 0)


@pytest.mark.oracle(*TEXTBOOK)
@pytest.mark.parametrize("method", TEXTBOOK)
def test_map_equals_the_textbook_formula_on_a_taped_gradient(method, pair):
    explainer, x, a, g = pair
    expected = TEXTBOOK[method](a, g)
    maps = explainer.explain(x, [2], method=method, layer="late").maps[:, 0]
    assert_allclose(maps, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


@pytest.mark.oracle("cam", "gradcam", "hirescam")
@pytest.mark.parametrize("make", [models.pooled, models.pointwise, models.nested, models.subclassed, models.residual])
def test_pooled_linear_head_makes_three_methods_one(make):
    explainer, x = Explainer(make()), cases.photos()
    maps = {m: explainer.explain(x, [0, 1, 2], method=m).maps for m in ("cam", "gradcam", "hirescam")}
    cells = maps["cam"].shape[-1] * maps["cam"].shape[-2]
    tolerance = 1e-5 * np.abs(maps["cam"]).max() / cells
    assert_allclose(maps["gradcam"], maps["cam"] / cells, rtol=1e-4, atol=tolerance)
    assert_allclose(maps["hirescam"], maps["cam"] / cells, rtol=1e-4, atol=tolerance)


def test_mean_of_cam_and_bias_is_the_score():
    model, x = models.pooled(), cases.photos()
    e = Explainer(model).explain(x, [0, 1, 2, 3], method="cam")
    assert_allclose(e.maps.mean((2, 3)) + model.layers[-1].bias.numpy(), e.scores, rtol=1e-4, atol=1e-6)


def test_cam_refuses_other_heads_and_says_what_it_found():
    from kx_widget.engine.errors import UnsupportedMethodError

    with pytest.raises(UnsupportedMethodError, match=r"after 'late' come .*MatMul.*Tanh"):
        Explainer(models.flattened()).explain(cases.photos(), method="cam")
    with pytest.raises(UnsupportedMethodError, match=r"after 'early' come .*Conv2D"):
        Explainer(models.pooled()).explain(cases.photos(), method="cam", layer="early")


@pytest.mark.oracle("gradients")
def test_gradients_agree_with_finite_differences_in_float64():
    model, x = models.flattened(), cases.photos(1)
    e = Explainer(model).explain(x, [3], method="gradients", channels="sum")
    kernel, bias, w1, b1, w2, b2 = (v.numpy().astype(np.float64) for v in model.variables)

    def score(image):
        windows = np.lib.stride_tricks.sliding_window_view(image, (3, 3), axis=(0, 1))[::2, ::2]
        a = np.maximum(np.einsum("hwcij,ijck->hwk", windows, kernel) + bias, 0)
        return (np.tanh(a.reshape(-1) @ w1 + b1) @ w2 + b2)[3]

    image, step = x[0].astype(np.float64), 1e-6
    assert score(image) == pytest.approx(float(e.scores[0, 0]), rel=1e-4, abs=1e-6)
    numeric = np.zeros(image.shape[:2])
    for at in np.ndindex(image.shape):
        moved = np.zeros_like(image)
        moved[at] = step
        numeric[at[:2]] += (score(image + moved) - score(image - moved)) / (2 * step)
    assert_allclose(e.maps[0, 0], numeric, rtol=1e-3, atol=1e-4 * np.abs(numeric).max())


def test_gradients_channels_are_three_readings_of_one_gradient():
    explainer, x = Explainer(models.residual()), cases.photos()
    _, probe = next(explainer.ask(x, [1], method="gradients").probes())
    g = probe.input_gradient(np.eye(models.CLASSES, dtype=np.float32)[[1] * len(x)])
    expected = {"max_abs": np.abs(g).max(-1), "mean_abs": np.abs(g).mean(-1), "sum": g.sum(-1)}
    for channels, value in expected.items():
        e = explainer.explain(x, [1], method="gradients", channels=channels)
        assert_allclose(e.maps[:, 0], value, rtol=1e-5, atol=1e-7)
        assert e.signed == (channels == "sum")


def test_smoothgrad_keeps_the_sign_until_the_mean_is_taken():
    """The absolute value of a mean is at most the mean of absolute values, and here it is less."""
    model, x = linear(models.flattened), cases.photos()
    smooth = {"repetitions": 6, "noise": 0.3}
    e = Explainer(model).explain(x, [1], method="gradients", smooth=smooth, seed=5)
    assert_allclose(e.scores[:, 0], model(x).numpy()[:, 1], rtol=1e-4, atol=1e-6)
    for image, found in zip(x, e.maps[:, 0], strict=True):
        copies = cases.copies(model, image, seed=5, smooth=smooth)
        noise = (copies - image) / np.ptp(image)
        assert len(copies) == 6
        assert noise.std() == pytest.approx(0.3, rel=0.1)
        assert np.abs(noise.mean((0, 1, 2))).max() < 0.06
        assert len({row.tobytes() for row in noise}) == 6
        with tf.GradientTape() as tape:
            tape.watch(copies := tf.constant(copies))
            score = model(copies)[:, 1]
        g = tape.gradient(score, copies).numpy()
        assert_allclose(found, np.abs(g.mean(0)).max(-1), rtol=1e-3, atol=1e-6)
        assert found.sum() < 0.98 * np.abs(g).mean(0).max(-1).sum()


def test_tta_is_the_mean_of_undone_passes():
    """Flips only: the map of a mirrored image, mirrored back, weighs as much as the image itself."""
    explainer, x = Explainer(models.pooled()), cases.photos()

    def base(images):
        return explainer.explain(images, [1]).maps

    expected = (base(x) + base(x) + base(x[:, :, ::-1])[..., ::-1]) / 3
    found = explainer.explain(x, [1], tta={"scales": (1.0,), "hflip": True}).maps
    assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_single_sigmoid_unit_is_two_classes_of_opposite_score():
    model, x = models.single_unit(), cases.photos()
    explainer = Explainer(model)
    e = explainer.explain(x, [0, 1], method="hirescam")
    assert explainer.inspection.classes == 2
    assert_allclose(e.scores[:, 0], -e.scores[:, 1], rtol=1e-6)
    assert_allclose(e.maps[:, 0], -e.maps[:, 1], rtol=1e-5)
    assert_allclose(e.probabilities[:, 1], model(x)[:, 0], rtol=1e-4)
    assert_allclose(e.probabilities.sum(1), 1, rtol=1e-5)


@pytest.mark.parametrize("layer", ["stem", "branch", "norm", "inside", "branch_end", "after_add"])
def test_a_cut_inside_a_residual_block_gives_the_whole_models_gradient(layer, monkeypatch):
    """Moving one cell of the activation by hand moves the score by what the gradient says."""
    model, x, gradients = linear(models.residual), cases.photos(2), []

    def note(probe, target):
        gradients.append(probe.head_gradient(target))
        yield Partial(gradients[-1].sum(-1))

    noting = Method("note", "Note", note, "My own", "layer", True, "instant", "…", "…")
    Explainer(model, methods=[noting]).explain(x, [1], layer=layer, method="note")
    moved, step, call = model.get_layer(layer), [0.0], type(model.get_layer(layer)).call
    monkeypatch.setattr(
        type(moved), "call", lambda self, *a, **k: call(self, *a, **k) + (step[0] if self is moved else 0)
    )
    for at in [(0, 0, 0), (5, 7, 3), (11, 11, 4)]:
        scores = []
        for sign in (1, -1):
            step[0] = np.zeros((1, *gradients[0].shape[1:]), np.float32)
            step[0][(0, *at)] = sign * 0.01
            scores.append(model(x).numpy()[:, 1])
        slope = (scores[0] - scores[1]) / 0.02
        assert_allclose(slope, gradients[0][(slice(None), *at)], rtol=0.05, atol=2e-5)


@pytest.mark.oracle("eigencam")
@pytest.mark.parametrize(("make", "layer"), [(models.flattened, "late"), (models.pooled, "late"),
                                             (models.residual, "norm"), (models.tokens, "block")])  # fmt: skip
def test_eigencam_is_the_first_singular_vector_with_the_mean_s_sign(make, layer):
    explainer, x = Explainer(make()), cases.photos()
    e = explainer.explain(x, [0, 1], method="eigencam", layer=layer)
    _, probe = next(explainer.ask(x, [0], method="eigencam", layer=layer).probes())
    for a, found in zip(probe.activations().astype(np.float64), e.maps, strict=True):
        _, _, v = np.linalg.svd(a.reshape(-1, a.shape[-1]), full_matrices=False)
        expected = a @ v[0]
        expected *= np.sign((expected * a.mean(-1)).sum())
        assert_allclose(found[0], expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())
    assert_allclose(e.maps[:, 0], e.maps[:, 1])


def test_each_method_has_an_oracle():
    """A test that is marked with a method compares its maps with a truth of another origin."""
    marked = [
        method
        for path in sorted(Path(__file__).parent.glob("test_oracles*.py"))
        for test in vars(importlib.import_module(f"tests.engine.{path.stem}")).values()
        for mark in getattr(test, "pytestmark", ())
        if mark.name == "oracle"
        for method in mark.args
    ]
    assert set(marked) == set(METHODS)
