"""What an answer is said to cost, against what it takes."""

from types import SimpleNamespace

import numpy as np
import pytest

import kx_widget as kx
from kx_widget.engine import costs
from kx_widget.engine.costs import seconds_a_pass, seconds_for
from tests import cases, models


@pytest.fixture(scope="module")
def explainer():
    return kx.Explainer(models.residual())


def passes(explainer, **question):
    """In forward passes of one image."""
    return seconds_for(explainer.ask(cases.photos(), **question), 1) / len(cases.photos())


def test_passes_follow_from_the_parameters(explainer):
    layer = next(layer for layer in explainer.inspection.layers if layer.path == explainer.inspection.recommended)
    assert passes(explainer, method="rise", masks=30) == pytest.approx(3 * passes(explainer, method="rise", masks=10))
    assert layer.shape[-1] <= passes(explainer, method="scorecam") <= 2 * layer.shape[-1]
    assert 2 <= passes(explainer, method="scorecam", channels=2) <= 4
    steps = [passes(explainer, method="integrated_gradients", steps=n) for n in (5, 10)]
    assert steps[1] == 2 * steps[0] > 10
    assert passes(explainer, method="gradcam") < 1 < passes(explainer, method="gradients")
    assert 0 < passes(explainer, method="ablationcam") < layer.shape[-1]


def test_a_pass_is_counted_for_each_patch(explainer):
    *_, last = explainer.stream(cases.photos(), method="occlusion", patch=0.5, stride=1.0)
    assert passes(explainer, method="occlusion", patch=0.5, stride=1.0) == last.total


def test_a_wrapper_asks_about_copies(explainer):
    alone = passes(explainer, method="gradients")
    assert passes(explainer, method="gradients", smooth={"repetitions": 7}) == pytest.approx(7 * alone)
    assert passes(explainer, method="gradients", tta=True) == pytest.approx(6 * alone)
    assert passes(explainer, method="gradcam", smooth=True) >= 20


def test_a_method_of_ones_own_may_not_tell():
    def blank(probe, target):
        yield kx.Partial(np.zeros((len(target), 2, 2), np.float32))

    method = kx.Method("blank", "Blank", blank, "Own", "input", True, "1 pass", "Nothing.", "")
    explainer = kx.Explainer(models.residual(), methods=[method])
    assert seconds_for(explainer.ask(cases.photos(), method="blank"), 1) is None


def test_measuring_compiles_nothing(explainer):
    explainer.explain(cases.photos())
    before = {name: count for name, count in explainer.counts.items() if name.startswith("trace")}
    assert seconds_a_pass(explainer.ask(cases.photos())) > 0
    assert {name: count for name, count in explainer.counts.items() if name.startswith("trace")} == before


@pytest.mark.parametrize(
    ("taken", "a_pass"),
    [([9, 0.03, 0.02, 0.8, 0.16, 5], 0.02), ([9, 5, 0.02, 0.8, 0.4, 0.16], 0.02), ([0.1, 0.5, 2], 0.5)],
)
def test_the_first_pass_is_a_warm_up_and_one_that_is_interrupted_does_not_count(explainer, monkeypatch, taken, a_pass):
    times = np.cumsum([each for seconds in taken for each in (1, seconds)])
    monkeypatch.setattr(costs, "time", SimpleNamespace(perf_counter=map(float, times).__next__))
    assert seconds_a_pass(explainer.ask(cases.photos())) == pytest.approx(a_pass)


def test_whoever_asks_next_does_not_wait_for_it(explainer):
    assert seconds_a_pass(explainer.ask(cases.photos()), iter([False, True]).__next__) is None
