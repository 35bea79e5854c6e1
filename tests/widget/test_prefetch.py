"""What is one click away is answered before it is asked."""

import threading

from numpy.testing import assert_allclose

import kx_widget as kx
from kx_widget.widget import prefetch
from tests import cases, models
from tests.engine.test_own_methods import energy
from tests.widget.page import PATIENCE, rest, until


def test_other_classes_are_there_under_the_names_by_which_the_page_asks(widget, browser, explainer, monkeypatch):
    # However busy the machine is.
    monkeypatch.setattr(prefetch, "SECONDS_A_QUESTION", 60)
    widget.target = "dog"
    browser.wait(widget)
    # The page is heard, also where it had the answer and acknowledges nothing.
    browser.say(widget, "seen", view="view", visible=True)
    rest(widget)
    for name in ("cat", "cup", "sky"):
        widget.target = name
        browser.wait(widget)
        running = [m for m in browser.messages if m["kind"] == "running"][-1]
        assert (running["asked"]["target"], running["held"]) == (name, True)
        expected = explainer.explain(cases.photos(), name).maps
        for (image, column), (_, values) in browser.maps.items():
            assert_allclose(values, expected[image, column], atol=1e-5)


def test_each_answer_is_sent_as_it_is_there_and_thumbnails_do_not_end_the_others(browser, monkeypatch):
    monkeypatch.setattr(prefetch, "SECONDS_A_QUESTION", 60)
    begun, go_on, targets = threading.Event(), threading.Event(), []

    def slowly(probe, target):
        targets.append(target)
        if len(targets) == 3:
            begun.set()
            assert go_on.wait(PATIENCE)
        yield from energy(probe, target)

    method = kx.Method("mine", "Mine", slowly, "My own", "layer", True, "instant", "…", "…")
    explainer = kx.Explainer(models.residual(), class_names=["cat", "dog", "cup", "sky"], methods=[method])
    with browser.open(kx.KxWidget(explainer, cases.photos(), target="dog", method="mine")) as w:
        browser.wait(w)
        assert begun.wait(PATIENCE)
        until(lambda: browser.answers.keys() - {browser.key})
        browser.say(w, "want", gen=browser.gen, image=0, column=0, have="")
        go_on.set()
        rest(w)
        assert "thumbnails" in browser.kinds()
        prefetched = [a["asked"]["target"] for m in browser.messages if m["kind"] == "ahead" for a in m["answers"]]
        assert {"cat", "cup", "sky"} <= set(prefetched)
