"""Metrics against what other libraries say of the same maps; `make oracles` asks these anew."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from kx_widget.engine.explainer import Explainer
from kx_widget.engine.imputation import impute
from kx_widget.engine.probe import Probe
from kx_widget.engine.statistics import gini
from tests.oracles.case import COPIES, GRID, RADIUS, SAMPLES, SHARE, STEPS, answers_of, case, rng_of
from tests.oracles.keras_model import keras_model


@pytest.fixture(scope="module")
def asked():
    """The case, an explainer of its net, and maps as an answer of it."""
    of_case = case()
    explainer = Explainer(keras_model(of_case))
    e = explainer.explain(of_case.images, of_case.targets[:, None], method="gradients")
    assert_allclose(explainer.predict(of_case.images)[0], of_case.logits(of_case.images), atol=1e-4)
    return of_case, explainer, replace(e, maps=of_case.maps[:, None], signed=True)


@pytest.fixture(scope="module")
def evaluated(asked):
    of_case, explainer, e = asked
    metrics = {"deletion": {}, "insertion": {}, "srg": {}, "pointing_game": {"tolerance": 0}}
    metrics |= {"relevance_mass_accuracy": {}, "relevance_rank_accuracy": {}}
    settings = {"images": of_case.images, "masks": of_case.masks, "cover": "black", "steps": STEPS, "controls": 0}
    ev = explainer.evaluate(e, metrics, **settings)
    assert np.isfinite(ev.scores["srg"]).all()
    return ev


@pytest.mark.parametrize("library", ["xplique", "quantus"])
def test_curves_are_theirs(evaluated, library):
    """Quantus' curves of the least relevant first are ours of insertion, seen from the other end."""
    answers = answers_of(library)
    deletion = answers["deletion"] if library == "xplique" else answers["morf"]
    insertion = answers["insertion"] if library == "xplique" else answers["lerf"][:, ::-1]
    assert_allclose(evaluated.curves["deletion"][:, 0], deletion, atol=1e-5)
    assert_allclose(evaluated.curves["insertion"][:, 0], insertion, atol=1e-5)
    for metric, curve in (("deletion", deletion), ("insertion", insertion)):
        assert_allclose(evaluated.scores[metric][:, 0], (curve[:, 1:] + curve[:, :-1]).mean(1) / 2, atol=1e-5)


def test_areas_are_those_of_torchcam(evaluated):
    answers = answers_of("torchcam")
    for metric in ("deletion", "insertion"):
        assert_allclose(evaluated.scores[metric][:, 0], answers[f"{metric}_area"], atol=1e-5)


@pytest.fixture
def drawn_alike(monkeypatch):
    """Cells and noise are drawn as what was asked elsewhere."""
    monkeypatch.setattr(Probe, "rng", lambda probe, i, purpose="": rng_of(i))


def test_infidelity_is_that_of_captum_at_its_best_scale(asked, drawn_alike):
    """Captum turns a map that says the opposite around; of a map of nothing it tells the mean of squares of drops."""
    of_case, explainer, e = asked
    answers = answers_of("captum")
    expected = answers["infidelity"] / answers["infidelity_of_nothing"]
    metric = {"infidelity": {"grid": GRID, "share": SHARE, "masks": SAMPLES}}
    there, back = (
        explainer.evaluate(
            replace(e, maps=sign * e.maps), metric, images=of_case.images, cover="black", controls=0
        ).scores["infidelity"][:, 0]
        for sign in (1, -1)
    )
    assert_allclose(np.minimum(there, back), expected, atol=1e-5)
    assert_allclose(np.maximum(there, back), 1, atol=1e-6)


def test_max_sensitivity_is_that_of_captum(asked, drawn_alike):
    of_case, explainer, _ = asked
    e = explainer.explain(of_case.images, of_case.targets[:, None], method="gradient_x_input")
    ev = explainer.evaluate(e, {"max_sensitivity": {"radius": RADIUS, "copies": COPIES}}, images=of_case.images)
    assert_allclose(ev.scores["max_sensitivity"][:, 0], answers_of("captum")["max_sensitivity"], rtol=1e-3)


@pytest.mark.parametrize("library", ["xplique", "quantus"])
def test_evenness_is_theirs(asked, library):
    """Quantus adds 1e-7 to each value."""
    maps = asked[0].maps
    assert_allclose(gini(np.abs(maps).reshape(len(maps), -1)), answers_of(library)["gini"], atol=1e-5)


@pytest.mark.parametrize("metric", ["pointing_game", "relevance_mass_accuracy", "relevance_rank_accuracy"])
def test_places_are_those_of_quantus(evaluated, metric):
    assert_allclose(evaluated.scores[metric][:, 0], answers_of("quantus")[metric], atol=1e-6)


def test_imputed_pixels_are_those_of_quantus(asked):
    of_case, _, _ = asked
    found = [impute(image, mask) for image, mask in zip(of_case.images, of_case.masks, strict=True)]
    assert_allclose(found, answers_of("quantus")["imputed"], atol=1e-5)
