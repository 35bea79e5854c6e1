"""What methods will cost is told before they are chosen."""

import threading
import time

import numpy as np
import pytest

import kx_widget as kx
from tests import cases, models
from tests.widget.page import rest, until

PASSES = 4


def told(browser):
    return [message["seconds"] for message in browser.messages if message["kind"] == "costs"]


def test_each_method_has_its_seconds_for_these_images_and_this_layer(widget, browser, explainer):
    until(lambda: told(browser))
    first = told(browser)[-1]
    fitting = {name for name, method in explainer.methods.items() if method.sees != "attention"}
    assert set(first) == fitting
    assert first["gradcam"] < first["gradients"] < first["integrated_gradients"] < first["rise"]
    widget.layer = "stem"
    browser.wait(widget)
    until(lambda: any(m["kind"] == "costs" and m["gen"] == browser.gen for m in list(browser.messages)))
    early = told(browser)[-1]
    channels = {layer.path: layer.shape[-1] for layer in explainer.inspection.layers}
    ratio = channels["stem"] / channels["after_add"]
    assert abs(early["scorecam"] / first["scorecam"] - ratio) < 1e-6
    assert early["rise"] == first["rise"]


def test_parameters_and_wrappers_count(widget, browser, monkeypatch):
    # What an answer took does not count here.
    monkeypatch.setattr("kx_widget.widget.estimates.SHORT", float("inf"))
    widget.method = "rise"
    for params, factor in (({"masks": 50}, 1), ({"masks": 100}, 2), ({"masks": 50, "smooth": {"repetitions": 4}}, 4)):
        widget.params = params
        browser.wait(widget)
        rest(widget)
        if factor == 1:
            alone = told(browser)[-1]["rise"]
        assert abs(told(browser)[-1]["rise"] / alone - factor) < 1e-6


def test_a_view_that_comes_later_is_told_too(widget, browser):
    until(lambda: told(browser))
    rest(widget)
    before = told(browser)[-1]
    browser.messages.clear()
    browser.open(widget)
    until(lambda: told(browser))
    assert told(browser) == [before]


def refused(browser):
    return [message["refused"] for message in browser.messages if message["kind"] == "costs"][-1]


def test_methods_that_cannot_be_asked_are_told_with_what_an_answer_would_say(widget, browser, explainer):
    until(lambda: told(browser))
    attention = {name for name, method in explainer.methods.items() if method.sees == "attention"}
    assert set(refused(browser)) == attention
    for name in attention:
        with pytest.raises(kx.UnsupportedMethodError) as error:
            explainer.explain(cases.photos(), method=name)
        assert refused(browser)[name] == str(error.value)


def test_cam_is_refused_where_no_pooling_follows(browser):
    model = models.flattened()
    with browser.open(kx.KxWidget(model, cases.photos())) as widget:
        browser.wait(widget)
        until(lambda: told(browser))
        with pytest.raises(kx.UnsupportedMethodError) as error:
            kx.explain(model, cases.photos(), method="cam")
        assert refused(browser)["cam"] == str(error.value)
        assert "cam" not in told(browser)[-1]


def test_once_a_method_was_asked_what_it_took_counts(browser, monkeypatch):
    """Each of its passes takes a quarter of a second, of which the network knows nothing, and the second time none."""
    monkeypatch.setattr("kx_widget.widget.estimates.seconds_a_pass", lambda *_: 0.001)
    known, most = set(), 0

    def slow(probe, target):
        for done in range(1, PASSES + 1):
            key = target.tobytes()
            threading.Event().wait(0 if key in known else 0.25)
            yield kx.Partial(np.ones(probe.x.shape[:3], np.float32), done, PASSES)
        known.add(key)

    passes = {"passes": lambda params, load: PASSES}
    methods = [
        kx.Method(name, name, slow, "Mine", "input", True, "4 passes", "…", "…", **about)
        for name, about in (("tells", passes), ("silent", {}))
    ]
    photos = cases.photos()
    with browser.open(kx.KxWidget(models.residual(), photos, methods=methods)) as widget:
        rest(widget)
        until(lambda: told(browser))
        assert told(browser)[-1]["tells"] < 0.5
        assert "silent" not in told(browser)[-1]
        for name in ("tells", "silent"):
            known.clear()
            start = time.monotonic()
            widget.method = name
            browser.wait(widget)
            # Its first pass is none of the three that were timed.
            most = (time.monotonic() - start) * PASSES / (PASSES - 1)
            until(lambda name=name, most=most: 0.9 <= told(browser)[-1].get(name, 0) <= most)
        rise = told(browser)[-1]["rise"]
        # An answer that was known is there at once, and says nothing of the next one.
        widget.refresh()
        browser.wait(widget)
        rest(widget)
        assert 0.9 <= told(browser)[-1]["silent"] <= most
        assert told(browser)[-1]["rise"] == rise
