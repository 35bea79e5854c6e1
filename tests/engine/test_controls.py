"""Controls say wherever one looks that they explain nothing."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import kx_widget as kx
from kx_widget.engine.notes import heading_of
from tests import cases, models

CONTROLS = [name for name, method in kx.METHODS.items() if method.control]


@pytest.fixture(scope="module")
def explainer():
    return kx.Explainer(models.residual())


def test_controls_are_a_family_of_their_own():
    assert [name for name, method in kx.METHODS.items() if method.family == "Controls"] == CONTROLS
    assert CONTROLS == ["randomcam", "edges"]


@pytest.mark.parametrize("method", CONTROLS)
def test_each_map_says_so(method, explainer, tmp_path):
    assert "A control, not an explanation" in kx.METHODS[method].summary
    e = explainer.explain(cases.photos(2), ["top", 1], method=method)
    for i, t in np.ndindex(2, 2):
        assert heading_of(e.notes_of(i, t)) == "Control"
        assert "explains nothing" in e.notes_of(i, t)[0] or "nothing of the model" in e.notes_of(i, t)[0]
        assert e.caption(i, t).endswith("(control)")
    e.save(tmp_path / "e.npz")
    assert kx.Explanation.load(tmp_path / "e.npz").notes == e.notes


@pytest.mark.parametrize("method", CONTROLS)
def test_whatever_is_measured_of_one_it_does_not_hold(method, explainer):
    x = cases.photos(2)
    ev = explainer.evaluate(explainer.explain(x, ["top"], method=method), ["srg", "sparseness"], images=x)
    assert np.isfinite(ev.scores["sparseness"]).all()
    for i in range(2):
        assert ev.state(i, 0) == "unknown"
        assert ev.verdict(i, 0).startswith("Control: ")
        assert ev.headline(i, 0) == ev.verdict(i, 0)


@pytest.mark.parametrize("method", CONTROLS)
def test_classes_make_no_difference(method, explainer):
    e = explainer.explain(cases.photos(2), [0, 1], method=method)
    assert_array_equal(e.maps[:, 0], e.maps[:, 1])


def test_nothing_recommends_one():
    explainers = [kx.Explainer(make()) for make in (models.residual, models.transformer)]
    for each in explainers:
        assert each.inspection.recommended_method not in CONTROLS
        notes = each.explain(np.zeros((1, models.SIDE, models.SIDE, 3), np.float32), method="randomcam").notes_of(0, 0)
        assert not any(kx.METHODS[name].title in note.partition(" Try ")[2] for note in notes for name in CONTROLS)
