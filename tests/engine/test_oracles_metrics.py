"""Metrics against what other libraries say of the same maps; `make oracles` asks these anew."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from kx_widget.engine.explainer import Explainer
from kx_widget.engine.imputation import impute
from kx_widget.engine.statistics import gini
from tests.oracles.case import FOLDER, STEPS, case


@pytest.fixture(scope="module")
def evaluated():
    asked = case()
    explainer = Explainer(asked.model)
    e = explainer.explain(asked.images, asked.targets[:, None], method="gradients")
    e = replace(e, maps=asked.maps[:, None], signed=True)
    metrics = {"deletion": {}, "insertion": {}, "srg": {}, "pointing_game": {"tolerance": 0}}
    metrics |= {"relevance_mass_accuracy": {}, "relevance_rank_accuracy": {}}
    settings = {"images": asked.images, "masks": asked.masks, "cover": "black", "steps": STEPS, "controls": 0}
    ev = explainer.evaluate(e, metrics, **settings)
    assert np.isfinite(ev.scores["srg"]).all()
    return asked, ev


@pytest.fixture(params=["xplique", "quantus"])
def library(request):
    return request.param, np.load(FOLDER / f"{request.param}.npz")


def test_curves_are_theirs(evaluated, library):
    """Quantus' curves of the least relevant first are ours of insertion, seen from the other end."""
    _, ev = evaluated
    name, answers = library
    deletion = answers["deletion"] if name == "xplique" else answers["morf"]
    insertion = answers["insertion"] if name == "xplique" else answers["lerf"][:, ::-1]
    assert_allclose(ev.curves["deletion"][:, 0], deletion, atol=1e-5)
    assert_allclose(ev.curves["insertion"][:, 0], insertion, atol=1e-5)
    for metric, curve in (("deletion", deletion), ("insertion", insertion)):
        assert_allclose(ev.scores[metric][:, 0], (curve[:, 1:] + curve[:, :-1]).mean(1) / 2, atol=1e-5)


def test_evenness_is_theirs(evaluated, library):
    """Quantus adds 1e-7 to each value."""
    asked, _ = evaluated
    assert_allclose(gini(np.abs(asked.maps).reshape(len(asked.maps), -1)), library[1]["gini"], atol=1e-5)


@pytest.mark.parametrize("metric", ["pointing_game", "relevance_mass_accuracy", "relevance_rank_accuracy"])
def test_places_are_those_of_quantus(evaluated, metric):
    answers = np.load(FOLDER / "quantus.npz")
    assert_allclose(evaluated[1].scores[metric][:, 0], answers[metric], atol=1e-6)


def test_imputed_pixels_are_those_of_quantus(evaluated):
    asked, _ = evaluated
    found = [impute(image, mask) for image, mask in zip(asked.images, asked.masks, strict=True)]
    assert_allclose(found, np.load(FOLDER / "quantus.npz")["imputed"], atol=1e-5)
