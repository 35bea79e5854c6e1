"""Where there are many images, weights are frozen: the same answers, sooner."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import kx_widget as kx
from kx_widget.bulk import pipeline
from kx_widget.engine.graph.compiled import Functions
from tests import models
from tests.cases import fitting, photos


@pytest.fixture(autouse=True)
def many(monkeypatch):
    monkeypatch.setattr(pipeline, "MANY", 4)


@pytest.fixture
def asked(monkeypatch):
    """The versions of weights that were frozen."""
    versions, frozen = [], Functions.frozen
    monkeypatch.setattr(Functions, "frozen", lambda self, version: versions.append(version) or frozen(self, version))
    return versions


def maps_of(run):
    return np.concatenate([e.maps for e in run])


@pytest.mark.parametrize("method", kx.METHODS)
def test_every_method_answers_the_same(method):
    model = models.pooled() if method == "cam" else fitting(method, models.residual)()
    x, images = kx.Explainer(model), photos(6)
    expected = x.explain(images, ["top", 1], method=method).maps
    found = maps_of(x.explain_dataset([images[:3], images[3:]], ["top", 1], method=method))
    # Occlusion's maps are differences between scores, which are rounded.
    assert_allclose(found, expected, rtol=1e-4, atol=1e-6 + 1e-5 * np.abs(expected).max())


def test_where_the_number_is_not_known_it_begins_after_that_many(asked):
    x, images = kx.Explainer(models.residual()), photos(9)
    list(x.explain_dataset([images[:2], images[2:4], images[4:6], images[6:]]))
    assert asked == [1, 1]


def test_where_the_number_is_known_it_begins_at_once(asked, folder):
    list(kx.Explainer(models.residual()).explain_dataset([*sorted(folder.rglob("0[4-9].png"))], batch_size=2))
    assert asked == [1, 1, 1]
    list(kx.Explainer(models.residual()).explain_dataset([*sorted(folder.rglob("0[4-6].png"))], batch_size=2))
    assert asked == [1, 1, 1]


def test_weights_that_change_on_the_way_are_noticed():
    x, images = kx.Explainer(models.residual()), photos(9)
    run = x.explain_dataset([images[:5], images[5:7], images[7:]])
    found = [next(run)]
    for variable in x.model.weights:
        variable.assign(variable * 1.5)
    found += run
    fresh = kx.Explainer(x.model)
    assert_allclose(found[-1].maps, fresh.explain(images[7:]).maps, rtol=1e-4)
    x.model.weights[0].assign(x.model.weights[0] * 0)
    (again,) = x.explain_dataset([images[:5]])
    assert_allclose(again.maps, fresh.explain(images[:5]).maps, rtol=1e-4)


def test_questions_beside_it_see_the_model_itself():
    x, images = kx.Explainer(models.residual()), photos(5)
    list(x.explain_dataset([images]))
    x.model.weights[0].assign(x.model.weights[0] * 2)
    assert_array_equal(x.explain(images).maps, kx.Explainer(x.model).explain(images).maps)


def test_a_model_that_takes_more_than_the_budget_stays_as_it_is():
    x = kx.Explainer(models.residual(), memory_mib=0.01)
    functions = x.ask(photos(1)).model.functions
    assert functions.frozen(1) is functions
