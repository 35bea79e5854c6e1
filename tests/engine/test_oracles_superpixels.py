"""Values of superpixels against what they are defined by, and against other libraries; `make oracles` asks these."""

import sys
from functools import partial
from itertools import permutations
from math import factorial

import keras
import numpy as np
import pytest
from keras import layers
from numpy.testing import assert_allclose, assert_array_equal

import kx_widget as kx
from kx_widget.engine.methods.kernel_shap import drawn_coalitions, fitted
from kx_widget.engine.methods.lime import ridge
from kx_widget.engine.superpixels import Superpixels, every_coalition, grid, grid_shape, merged, slic
from tests import cases, models
from tests.oracles.case import SIDE, answers_of, case, covered_cells
from tests.oracles.keras_model import keras_model

EIGHT = {"number": 8, "baseline": "black"}


@pytest.fixture(scope="module")
def asked():
    of_case = case()
    return of_case, kx.Explainer(keras_model(of_case))


def of_cells(maps):
    """The values (N, 8) of the cells in maps (N, 1, SIDE, SIDE) that are constant within them."""
    rows, columns = np.arange(2) * SIDE // 2, np.arange(4) * SIDE // 4
    values = maps[:, 0, rows][:, :, columns]
    assert_array_equal(values.repeat(SIDE // 2, 1).repeat(SIDE // 4, 2), maps[:, 0])
    return values.reshape(len(maps), 8)


def change(of_case):
    """S(x) − S(x') of the targets (N,)."""
    scores = of_case.logits(of_case.images) - of_case.logits(0 * of_case.images)
    return scores[np.arange(len(scores)), of_case.targets]


@pytest.mark.oracle("shapley", "kernel_shap")
@pytest.mark.parametrize("method", ["shapley", "kernel_shap"])
def test_of_8_cells_are_those_of_every_order_and_of_shap(method, asked):
    of_case, explainer = asked
    values = of_cells(explainer.explain(of_case.images, of_case.targets[:, None], method=method, **EIGHT).maps)
    shown = (np.arange(256)[:, None] >> np.arange(8)) % 2 > 0
    orders = np.array(list(permutations(range(8))))
    # The pictures on the way from none shown to all, of each order.
    codes = np.concatenate([np.zeros((len(orders), 1), int), (1 << orders).cumsum(1)], 1)
    for image, target, of_image in zip(of_case.images, of_case.targets, values, strict=True):
        gains = np.diff(of_case.logits(covered_cells(image, shown))[:, target][codes], axis=1)
        expected = np.bincount(orders.ravel(), gains.ravel()) / factorial(8)
        assert_allclose(of_image, expected, atol=1e-5)
    assert_allclose(values, answers_of("shap")["exact"], atol=1e-5)


@pytest.mark.parametrize("masks", [255, 254, 100])
def test_they_sum_to_the_change_of_the_score(masks, asked):
    of_case, explainer = asked
    e = explainer.explain(of_case.images, of_case.targets[:, None], method="kernel_shap", masks=masks, seed=3, **EIGHT)
    blank = explainer.predict(0 * of_case.images)[0][np.arange(4), of_case.targets]
    assert_allclose(of_cells(e.maps).astype(np.float64).sum(1), e.scores[:, 0] - blank, rtol=1e-6, atol=1e-6)
    assert_allclose(e.scores[:, 0] - blank, change(of_case), rtol=1e-4)
    exact = of_cells(explainer.explain(of_case.images, of_case.targets[:, None], method="shapley", **EIGHT).maps)
    assert np.abs(of_cells(e.maps) - exact).max() <= (1e-5 if masks == 255 else 0.1 * np.abs(exact).max())


def given(of_case, explainer, shown, estimate):
    """The values (N, 8) of the cells, and the checks, by these pictures (N, passes, 8)."""
    question = explainer.ask(of_case.images, of_case.targets[:, None], method="lime")
    _, probe = next(question.probes())
    target = np.eye(4, dtype=np.float32)[of_case.targets]
    parts = Superpixels(probe, "grid", **EIGHT)
    *_, last = parts.explained(target, shown, [(str(shown.shape),)] * 4, [estimate] * 4)
    return of_cells(last.maps[:, None]), last.checks


@pytest.mark.oracle("kernel_shap")
def test_kernel_shap_is_captums_for_the_same_pictures(asked):
    answers = answers_of("captum_shap")
    # It has the picture of nothing apart.
    shown = np.pad(answers["shown"], ((0, 0), (1, 0), (0, 0)))
    values, _ = given(*asked, shown, partial(fitted, weights=np.ones(9)))
    assert_allclose(values, answers["values"], atol=1e-5)


@pytest.mark.oracle("lime")
def test_lime_is_limes_for_the_same_pictures(asked):
    answers = answers_of("lime")
    # The first shows the image itself.
    assert answers["shown"][:, 0].all()
    values, checks = given(*asked, answers["shown"][:, 1:], partial(ridge, kernel_width=0.25))
    assert_allclose(values, answers["values"], atol=1e-4)
    assert_allclose(checks["surrogate_r2"], answers["r2"], atol=1e-4)


def additive():
    """A net whose score is a sum over pixels, so that any fair share of a superpixel is the sum over its own."""
    image = keras.Input((models.SIDE, models.SIDE, 3))
    return keras.Model(image, layers.Dense(3)(layers.Flatten()(image)))


@pytest.mark.parametrize("superpixels", ["grid", "slic"])
@pytest.mark.parametrize("method", ["shapley", "kernel_shap"])
def test_of_a_sum_each_has_its_own_terms(method, superpixels):
    pytest.importorskip("skimage")
    model, x = additive(), np.sort(cases.photos(), 1)
    fewer = {} if method == "shapley" else {"number": 30, "masks": 200}
    e = kx.explain(model, x, [1], method=method, superpixels=superpixels, baseline="black", **fewer)
    terms = ((x + 1) * model.layers[-1].kernel.numpy()[:, 1].reshape(x.shape[1:])).sum(-1)
    for values, of_image in zip(e.maps[:, 0], terms, strict=True):
        assert len(np.unique(values)) >= 4
        for value in np.unique(values):
            assert value == pytest.approx(of_image[values == value].sum(), rel=1e-3, abs=1e-4)
    if method == "kernel_shap":
        assert e.checks["surrogate_r2"] == pytest.approx(1, abs=1e-5)


def test_the_model_sees_each_picture_once_whatever_is_asked_about_it():
    sizes, x = [], cases.photos(1)
    explainer = kx.Explainer(models.gated(sizes))
    explainer.predict(x)

    def pictures(**question):
        before = len(sizes)
        explainer.explain(x, [question.pop("target", 0)], **question)
        # Each passes two gates.
        return sum(sizes[before:]) / 2

    assert pictures(method="shapley", number=6) == 63
    assert pictures(method="shapley", number=6, target=kx.contrast(1, 2)) == 0
    assert pictures(method="kernel_shap", number=6, masks=70) == 0
    assert pictures(method="kernel_shap", number=9, masks=70) == 70
    assert pictures(method="kernel_shap", number=9, masks=90, target=1) == 20
    assert pictures(method="lime", number=9, masks=70) == 70
    assert pictures(method="lime", number=9, masks=70, kernel_width=1, target=2) == 0


def test_noise_that_covers_follows_from_the_seed(asked):
    """What an earlier seed's noise gave is not taken for another's."""
    of_case, explainer = asked
    settings = {"method": "shapley", "number": 4, "baseline": "noise"}
    first, second = (explainer.explain(of_case.images, 0, seed=seed, **settings) for seed in (1, 2))
    alone = kx.Explainer(explainer.model).explain(of_case.images, 0, seed=2, **settings)
    assert_array_equal(second.maps, alone.maps)
    assert np.abs(first.maps - second.maps).max() > 0.01


def test_each_size_is_drawn_as_often_as_its_weight_says():
    shown = drawn_coalitions(np.random.default_rng(0), 5, 20001)
    assert not shown[0].any()
    assert_array_equal(shown[1::2], ~shown[2::2])
    sizes = np.bincount(shown[1:].sum(1), minlength=6) / 20000
    expected = np.array([0, 1 / 4, 1 / 6, 1 / 6, 1 / 4, 0])
    assert_allclose(sizes, expected / expected.sum(), atol=0.01)
    assert_allclose(shown[1:].mean(0), 0.5, atol=0.01)


def test_every_coalition_comes_once_and_smaller_ones_first():
    shown = every_coalition(5)
    assert len(np.unique(shown, axis=0)) == len(shown) == 31
    sizes = np.minimum(shown.sum(1), 5 - shown.sum(1))
    assert_array_equal(sizes, sorted(sizes))
    assert_array_equal(shown[1::2], ~shown[2::2])


@pytest.mark.parametrize("size", [(12, 12), (20, 40), (224, 224), (7, 300), (3, 2)])
def test_a_grid_has_as_many_cells_as_fit_and_no_more(size):
    for number in range(1, 60):
        rows, columns = grid_shape(number, *size)
        labels = grid(number, *size)
        assert_array_equal(np.unique(labels), np.arange(rows * columns))
        assert 0.6 * min(number, size[0] * size[1]) <= rows * columns <= number or min(size) < 8
        if min(size) > 100:
            assert 1 / 3 <= size[0] / rows / (size[1] / columns) <= 3


def test_areas_of_one_colour_are_found():
    pytest.importorskip("skimage")
    image = np.zeros((40, 60, 3), np.float32)
    image[:, 20:], image[25:, 20:] = (5, -3, 2), (-4, 9, 1)
    labels = slic(image, 12)
    assert_array_equal(np.unique(labels), np.arange(12))
    for label in range(labels.max() + 1):
        assert len(np.unique(image[labels == label], axis=0)) == 1
    assert_array_equal(slic(image * 2 - 1, 12), labels)
    assert slic(np.ones((9, 9, 1), np.float32), 4).max() < 4


def test_small_areas_go_over_to_the_neighbour_of_most_alike_colour():
    labels = np.array([[0, 0, 1, 2, 2], [0, 0, 3, 2, 2]])
    pixels = np.array([1.0, 5.0, 6.0, 2.0])[labels][..., None]
    assert_array_equal(merged(labels, pixels, 4), labels)
    assert_array_equal(merged(labels, pixels, 2), [[0, 0, 1, 1, 1], [0, 0, 0, 1, 1]])
    assert_array_equal(merged(labels, pixels, 1), np.zeros((2, 5)))


@pytest.mark.parametrize("settings", [{}, {"smooth": True}, {"tta": True}])
def test_borders_are_drawn_where_each_superpixel_has_one_value(settings):
    pytest.importorskip("skimage")
    explainer = kx.Explainer(models.residual())
    e = explainer.explain(cases.photos(1), [0], method="lime", superpixels="slic", number=4, masks=10, **settings)
    assert e.display.borders == (not settings)
    assert e.display.borders == (len(np.unique(e.maps)) <= 4)
    tiled = kx.Explainer(models.residual(), tile=True).ask(cases.photos(1), [0], method="lime")
    assert not any(display.borders for display in tiled.displays)


def test_without_scikit_image_a_sentence_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage", None)
    with pytest.raises(kx.UnsupportedMethodError, match=r"pip install 'scikit-image>=.*superpixels='grid'"):
        kx.explain(models.pooled(), cases.photos(1), [0], method="lime", superpixels="slic")
