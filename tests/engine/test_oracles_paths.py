"""Gradients of many points, and of noisy copies, against what other libraries and numpy make of the same ones."""

import importlib
import sys

import keras
import numpy as np
import pytest
from keras import layers
from numpy.testing import assert_allclose, assert_array_equal
from scipy.ndimage import binary_dilation, gaussian_filter

from kx_widget.engine.errors import UnsupportedMethodError
from kx_widget.engine.explainer import Explainer
from kx_widget.engine.methods.xrai import filled
from kx_widget.engine.oversegmentation import widened
from kx_widget.engine.probe import Probe
from tests import cases, models
from tests.oracles.ask_saliency import BLUR, STEPS
from tests.oracles.case import COPIES, SEGMENT_LEAST, SIDE, answers_of, background, case, rng_of, segments_of
from tests.oracles.keras_model import keras_model


@pytest.fixture(scope="module")
def explainer():
    return Explainer(keras_model(case()), preprocess=None)


@pytest.fixture
def asked(explainer, monkeypatch):
    """The case, and an explainer of its net that draws what other libraries were given."""
    monkeypatch.setattr(Probe, "rng", lambda probe, i, *_: rng_of(i))
    return case(), explainer


def explained(asked, method, **params):
    of_case, explainer = asked
    return explainer.explain(of_case.images, of_case.targets[:, None], method=method, channels="each", **params)


def close(maps, expected, part=1e-4):
    """Maps of each channel (N, channels, h, w) against Captum's (N, h, w, channels)."""
    expected = np.moveaxis(expected, -1, 1)
    assert_allclose(maps, expected, atol=part * np.abs(expected).max())
    assert np.abs(expected).max() > 0


@pytest.mark.parametrize(
    ("statistic", "name"), [("mean", "smoothgrad"), ("variance", "vargrad"), ("square", "squaregrad")]
)
def test_statistics_of_copies_are_those_of_captum(asked, statistic, name):
    settings = {"repetitions": COPIES, "noise": 0.2, "statistic": statistic}
    e = explained(asked, "gradients", smooth=settings)
    close(e.maps, answers_of("captum_gradients")[name])
    assert e.signed == (statistic == "mean")


@pytest.mark.parametrize("method", ["gradcam", "gradients", "occlusion"])
def test_statistics_of_copies_are_those_of_numpy(method):
    """Of maps of each copy by itself, to float64, also where they come in parts and some are far from zero."""
    explainer, x = Explainer(models.residual()), cases.photos()
    params = {**cases.asked(method), **({"channels": "sum"} if method == "gradients" else {})}
    each = {"channels": "each"} if method == "gradients" else {}
    copies = [cases.copies(explainer.model, image, smooth={"repetitions": 9}) for image in x]
    maps = np.stack([explainer.explain(c, [1], **(params | each)).maps for c in copies]).astype(np.float64)
    for statistic, expected in (("variance", maps.var(1)), ("square", (maps**2).mean(1))):
        found = explainer.explain(x, [1], **params, smooth={"repetitions": 9, "statistic": statistic})
        assert_allclose(found.maps[:, 0], expected.sum(1), rtol=1e-4, atol=1e-5 * expected.max())
        assert not found.signed
        assert found.maps.min() >= 0


@pytest.mark.oracle("expected_gradients")
def test_expected_gradients_are_those_of_captum(asked):
    """Of the same baselines and points."""
    e = explained(asked, "expected_gradients", draws=COPIES, background=background())
    close(e.maps, answers_of("captum_gradients")["expected_gradients"])


@pytest.mark.oracle("expected_gradients")
@pytest.mark.parametrize("draws", [2, 5, 12])
def test_expected_gradients_of_a_linear_model_are_exact(draws):
    """It is w ⊙ (x − mean of the baselines), wherever the points lie, for baselines are drawn equally often."""
    image = keras.Input((6, 8, 3))
    model = keras.Model(image, layers.Dense(2)(layers.Flatten()(image)))
    x, others = cases.photos(3, (6, 8, 3)), cases.photos(2 if draws == 2 else 1, (6, 8, 3), seed=1)
    e = Explainer(model).explain(x, [1], method="expected_gradients", draws=draws, background=others)
    weights = model.layers[-1].kernel.numpy()[:, 1].reshape(6, 8, 3)
    assert_allclose(e.maps[:, 0], ((x - others.mean(0)) * weights).sum(-1), rtol=1e-4, atol=1e-5)
    assert e.checks["completeness_gap"].max() < 1e-4


def test_expected_gradients_have_baselines_of_their_own(asked):
    """Black, the mean colour and a blur, equally often; what they sum to tends to the mean change of the score."""
    of_case, explainer = asked
    x, target = of_case.images, int(of_case.targets[0])
    e = explainer.explain(x, [target], method="expected_gradients", draws=600)
    each = [
        explainer.explain(x, [target], method="integrated_gradients", baseline=kind, steps=200).maps.sum((2, 3))
        for kind in ("black", "mean", "blur")
    ]
    assert_allclose(e.maps.sum((2, 3)), np.mean(each, 0), atol=0.05 * np.abs(each).max())
    assert e.checks["completeness_gap"].max() < 0.2


@pytest.mark.oracle("guided_gradcam")
def test_guided_gradcam_is_that_of_captum(asked):
    close(explained(asked, "guided_gradcam").maps, answers_of("captum_gradients")["guided_gradcam"])


@pytest.mark.oracle("guided_ig")
@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("guided_ig", {}),
        ("guided_ig_far", {"fraction": 0.1, "max_distance": 0.3}),
        ("guided_ig_straight", {"fraction": 0.5, "max_distance": 0}),
    ],
)
def test_guided_integrated_gradients_are_those_of_saliency(asked, name, params):
    e = explained(asked, "guided_ig", steps=STEPS, **params)
    close(e.maps, answers_of("saliency")[name])


@pytest.mark.oracle("blur_ig")
def test_blur_integrated_gradients_are_those_of_saliency(asked):
    """On the same way; it is the way's own steps that tell what the blur changes."""
    e = explained(asked, "blur_ig", steps=STEPS, blur=BLUR)
    close(e.maps, answers_of("saliency")["blur_ig"])


@pytest.mark.oracle("blur_ig")
def test_blur_integrated_gradients_tend_to_the_change_of_the_score(asked):
    """From the image under scipy's blur."""
    of_case, _ = asked
    ends = np.stack([gaussian_filter(image, (4, 4, 0), mode="constant") for image in of_case.images])
    change = of_case.logits(of_case.images) - of_case.logits(ends)
    e = explained(asked, "blur_ig", steps=1000, blur=0.2)
    assert_allclose(e.maps.sum((1, 2, 3)), change[np.arange(4), of_case.targets], rtol=0.01)
    assert e.checks["completeness_gap"].max() < 0.01


@pytest.mark.oracle("xrai")
def test_areas_of_xrai_are_those_of_saliency(monkeypatch):
    """Of the same attributions and segments."""
    module = importlib.import_module("kx_widget.engine.methods.xrai")
    monkeypatch.setattr(module, "LEAST", SEGMENT_LEAST * module.SIDE**2 / SIDE**2)
    maps = np.stack([filled(m, segments_of(i)) for i, m in enumerate(case().maps)])
    assert_allclose(maps, answers_of("saliency")["xrai"], rtol=1e-4, atol=1e-6)
    assert all(len(np.unique(m)) > 5 for m in maps)


@pytest.mark.parametrize("reach", [0, 1, 4, 5])
def test_segments_of_xrai_are_widened_by_a_disk(reach):
    rng = np.random.default_rng(0)
    disk = np.hypot(*np.mgrid[-reach : reach + 1, -reach : reach + 1]) <= reach
    for mask in (rng.random((30, 20)) < 0.03, np.eye(12, 17, dtype=bool), np.ones((4, 5), bool)):
        assert_array_equal(widened(mask, reach), binary_dilation(mask, disk))


def test_xrai_says_what_is_missing(explainer, monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage", None)
    with pytest.raises(UnsupportedMethodError, match=r"XRAI needs scikit-image.*pip install 'scikit-image>="):
        explainer.explain(case().images, method="xrai")


def test_xrai_finds_the_segment_that_counts():
    """Of a picture of four squares, of which one alone counts."""
    image = keras.Input((64, 64, 3))
    model = keras.Model(image, layers.Dense(2)(layers.Flatten()(image)))
    weights = np.zeros((64, 64, 3, 2), np.float32)
    weights[:32, 32:, :, 1] = 1
    model.layers[-1].set_weights([weights.reshape(-1, 2), np.zeros(2)])
    squares = np.zeros((1, 64, 64, 3), np.float32)
    squares[0, :32, 32:], squares[0, 32:, :32], squares[0, 32:, 32:] = 1, (0.2, 0.6, 0.1), (0.1, 0.2, 0.9)
    e = Explainer(model, preprocess=None).explain(squares, 1, method="xrai")
    inner = e.maps[0, 0][3:29, 35:61]
    assert_allclose(inner, inner[0, 0])
    outside = e.maps[0, 0].copy()
    # Segments are widened by a pixel.
    outside[:34, 30:] = 0
    assert inner[0, 0] > 2 * np.abs(outside).max()
