"""What was computed is not computed again, whichever way it comes back."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import kx_widget as kx
from kx_widget.widget.image_sources import LoadedImages
from kx_widget.widget.model_answers import ModelAnswers
from tests import cases, models
from tests.widget.conftest import NAMES
from tests.widget.page import follow_streams, rest, until

PLAIN = {
    "layer": "after_add",
    "method": "gradcam",
    "target": "top",
    "params": {},
    "compare": "none",
    "compare_with": [],
    "regions": {},
}
STEPS = {"method": "integrated_gradients", "params": {"steps": 8}}


def calls(explainer):
    """How often any part of the model was run."""
    return sum(count for name, count in explainer.counts.items() if not name.startswith(("trace", "cache")))


def assert_the_same(found, expected):
    """Everything but the time that it took."""
    for name in ("maps", "scores", "probabilities", "targets", "images"):
        assert_array_equal(getattr(found, name), getattr(expected, name))
    for name in ("target_names", "method", "layer", "params", "signed", "names", "notes", "done"):
        assert getattr(found, name) == getattr(expected, name)
    assert found.checks.keys() == expected.checks.keys()
    for name, values in expected.checks.items():
        assert_array_equal(found.checks[name], values)


def ask(widget, browser, **traits):
    with widget.hold_trait_notifications():
        for name, value in traits.items():
            setattr(widget, name, value)
    result = browser.wait(widget)
    rest(widget)
    return result


def test_there_and_back_takes_no_model_call_even_for_a_page_that_lost_its_cache(widget, browser):
    first = ask(widget, browser, **STEPS)
    assert first.checks
    ask(widget, browser, method="gradcam", params={})
    widget._session.outbox._sent_keys.clear()
    before = calls(widget.explainer)
    browser.messages.clear()
    with widget.hold_trait_notifications():
        widget.method, widget.params = "integrated_gradients", {"steps": 8}
    until(lambda: "maps" in browser.kinds())
    assert_the_same(browser.wait(widget), first)
    assert calls(widget.explainer) == before
    assert "progress" not in browser.kinds()
    for (image, column), (item, values) in browser.maps.items():
        assert (item["partial"], item["done"]) == (False, 1)
        assert_array_equal(values, first.maps[image, column])


@pytest.mark.parametrize(
    ("traits", "fewer", "more"),
    [
        ({"compare": "methods"}, ["gradients", "hirescam"], ["gradients", "hirescam", "layercam"]),
        ({"compare": "targets", "method": "gradients"}, ["top", "cat"], ["top", "cat", "cup"]),
        ({"compare": "layers"}, ["after_add", "stem"], ["after_add", "stem", "branch"]),
    ],
)
def test_a_column_removed_takes_no_model_call_and_one_added_only_its_own(browser, traits, fewer, more):
    with browser.open(kx.KxWidget(models.residual(), cases.photos(), class_names=NAMES)) as w:
        ask(w, browser, **traits)
        ask(w, browser, compare_with=fewer)
        streamed = follow_streams(w)
        ask(w, browser, compare_with=more)
        assert streamed == [(3, 1)]
        expected = w.results
        before = calls(w.explainer)
        ask(w, browser, compare_with=fewer)
        ask(w, browser, compare_with=more)
        assert calls(w.explainer) == before
        for found, other in zip(w.results, expected, strict=True):
            assert_the_same(found, other)


def test_another_layer_beside_a_method_that_has_none(widget, browser):
    ask(widget, browser, compare="methods", compare_with=["gradcam", "integrated_gradients"], params={})
    expected = widget.results[1]
    streamed = follow_streams(widget)
    ask(widget, browser, layer="stem")
    assert streamed == [(3, 1)]
    assert widget.results[0].layer == "stem"
    assert_the_same(widget.results[1], expected)


def test_the_best_class_asked_by_its_name(widget, browser):
    result = ask(widget, browser, **STEPS)
    for image, name in enumerate(row[0] for row in result.target_names):
        assert_array_equal(ask(widget, browser, target=name).maps[image], result.maps[image])
    before = calls(widget.explainer)
    assert_the_same(ask(widget, browser, target="top"), result)
    assert calls(widget.explainer) == before


def test_other_weights_other_maps(browser):
    model = models.residual()
    with browser.open(kx.KxWidget(model, cases.photos(), **STEPS)) as w:
        first = browser.wait(w)
        model.layers[-1].kernel.assign(model.layers[-1].kernel * -1)
        w.refresh()
        second = browser.wait(w)
        assert (first.maps != second.maps).any()
        expected = w.explainer.explain(cases.photos(), method="integrated_gradients", steps=8)
        assert_array_equal(second.maps, expected.maps)


def test_what_was_finished_before_a_cancel_is_not_computed_again(browser):
    explainer = kx.Explainer(models.residual(), class_names=NAMES)
    asked = {**PLAIN, "method": "occlusion", "params": {"batch_size": 1}}
    loaded = explainer.load(cases.photos())
    answers = ModelAnswers(explainer, LoadedImages(loaded), loaded)
    (part,) = answers.ask(asked).parts(range(3))
    for frames in part.stream(True):
        if frames.frames and frames.frames[0].image == 1:
            break
    (part,) = answers.ask(asked).parts(range(3))
    assert [(frame.image, frame.column) for frame in part.kept] == [(0, 0)]
    rest_of_it = [frame for frames in part.stream(False) for frame in frames.frames]
    assert [frame.image for frame in rest_of_it] == [1, 2]
    assert_the_same(
        part.explanation([*part.kept, *rest_of_it], 0),
        explainer.explain(cases.photos(), method="occlusion", batch_size=1),
    )


def test_nothing_is_kept_where_nothing_may_be(browser):
    with browser.open(kx.KxWidget(models.residual(), cases.photos(), cache_mib=0, **STEPS)) as w:
        browser.wait(w)
        before = calls(w.explainer)
        w.refresh()
        browser.wait(w)
        assert calls(w.explainer) > before


def test_maps_that_were_kept_are_bounded_in_bytes():
    explainer = kx.Explainer(models.residual(), class_names=NAMES, cache_mib=0.05)
    loaded = explainer.load(cases.photos())
    answers = ModelAnswers(explainer, LoadedImages(loaded), loaded)
    for target in range(models.CLASSES):
        for method in ("gradients", "gradient_x_input", "integrated_gradients"):
            (part,) = answers.ask({**PLAIN, "method": method, "target": target}).parts(range(3))
            for _ in part.stream(True):
                pass
            assert 0 < answers._kept[""]._cache.bytes <= 0.0125 * 2**20
    assert np.prod(loaded.batch.shape[:3]) * 4 * 12 > 0.0125 * 2**20
