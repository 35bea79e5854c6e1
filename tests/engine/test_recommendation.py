"""Which methods stand where in lists, which to begin with, and which beside each other."""

from dataclasses import replace

import pytest

import kx_widget as kx
from kx_widget.engine.recommendation import methods_beside, recommended_methods
from kx_widget.engine.registry import by_purpose
from tests import cases, models


@pytest.fixture(scope="module")
def cnn():
    return kx.Explainer(models.residual())


@pytest.fixture(scope="module")
def transformer():
    return kx.Explainer(models.transformer())


def own(name, **about):
    return replace(kx.METHODS["occlusion"], id=name, why_first="", **about)


def test_every_method_answers_one_of_the_questions():
    groups = by_purpose(kx.METHODS.values())
    assert list(groups)[:3] == ["Where does it look?", "Which pixels?", "What if it were gone?"]
    assert sorted(row.id for rows in groups.values() for row in rows) == sorted(kx.METHODS)
    for name, purpose in (
        ("gradcam", "Where does it look?"),
        ("attention_rollout", "Where does it look?"),
        ("integrated_gradients", "Which pixels?"),
        ("rise", "What if it were gone?"),
    ):
        assert kx.METHODS[name] in groups[purpose]


def test_a_family_of_ones_own_is_a_heading_and_controls_come_last():
    rows = [
        own("edges", family="Controls"),
        own("mine", family="Mine"),
        *kx.METHODS.values(),
        own("cover", family="Masking"),
    ]
    groups = by_purpose(rows)
    assert [row.id for row in groups["Mine"]] == ["mine"]
    assert groups["What if it were gone?"][-1].id == "cover"
    assert list(groups)[-2:] == ["Mine", "Controls"]


def test_three_to_begin_with_answer_three_questions(cnn, transformer):
    for explainer in (cnn, transformer):
        inspection = explainer.inspection
        first = recommended_methods(explainer.methods, inspection)
        assert len(first) == 3
        assert next(iter(first.items())) == (inspection.recommended_method, inspection.why_method)
        assert len({kx.METHODS[name].purpose for name in first}) == 3
        assert all(reason.endswith(".") for reason in first.values())


def test_a_method_that_has_no_place_in_the_model_is_not_recommended(cnn):
    methods = {
        name: replace(row, why_first="Best." if row.sees == "attention" else "") for name, row in kx.METHODS.items()
    }
    masking = {"mask": own("mask", family="Masking", sees="attention")}
    masking["mask"] = replace(masking["mask"], why_first="Best.")
    assert list(recommended_methods({**methods, **masking}, cnn.inspection)) == ["gradcam"]


def test_what_something_is_known_against_comes_after_what_is_not(cnn):
    inspection = replace(cnn.inspection, cautions={"integrated_gradients": "Bad here."})
    assert list(recommended_methods(kx.METHODS, inspection)) == ["gradcam", "occlusion", "integrated_gradients"]


def test_beside_a_method_stand_others_of_other_families(cnn, transformer):
    for explainer in (cnn, transformer):
        for current in ("gradcam", "layercam", "gradients", "rise"):
            row = kx.METHODS[current]
            beside = methods_beside(explainer.methods, row, explainer.inspection, 3000)
            families = [kx.METHODS[name].family for name in beside]
            assert beside[0] == current
            assert len(beside) >= 3
            assert len(set(families)) == len(families)
            recommended = explainer.inspection.recommended_method
            assert recommended in beside or kx.METHODS[recommended].family == row.family


def test_what_takes_too_many_passes_stands_beside_nothing(cnn):
    gradcam = kx.METHODS["gradcam"]
    assert methods_beside(cnn.methods, gradcam, cnn.inspection, 20) == ["gradcam", "gradients"]
    assert methods_beside(cnn.methods, gradcam, cnn.inspection, 1) == ["gradcam"]
    slow = own("slow", family="Mine", cost="many passes", passes=None)
    quick = own("quick", family="Mine", cost="1 pass", passes=None)
    methods = {**cnn.methods, "slow": slow, "quick": quick}
    assert methods_beside(methods, gradcam, cnn.inspection, 20) == ["gradcam", "gradients", "quick"]


def test_the_widget_compares_them(cnn):
    with kx.KxWidget(cnn, cases.photos(), compare="methods") as w:
        w.wait(600)
        assert [e.method for e in w.results] == methods_beside(cnn.methods, kx.METHODS["gradcam"], cnn.inspection, 1000)
