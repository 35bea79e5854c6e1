"""The widget among others: linked, observed, driven from asyncio, interrupted."""

import _thread
import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import ipywidgets
import pytest
import traitlets
from numpy.testing import assert_array_equal

import kx_widget as kx
from kx_widget.widget import session
from kx_widget.widget.answer_sources import Part
from tests import cases
from tests.widget.page import PATIENCE, rest, stalled

NAMES = ["cat", "dog", "cup", "sky"]


def test_a_dropdown_drives_the_layer_and_a_label_shows_the_status(widget, browser, explainer):
    dropdown = ipywidgets.Dropdown(options=["after_add", "stem"])
    label = ipywidgets.Label()
    with_layer = traitlets.link((dropdown, "value"), (widget, "layer"))
    with_status = traitlets.dlink((widget, "status"), (label, "value"))
    assert label.value == "done"
    dropdown.value = "stem"
    assert_array_equal(browser.wait(widget).maps, explainer.explain(cases.photos(), layer="stem").maps)
    assert label.value == "done"
    widget.layer = "after_add"
    assert dropdown.value == "after_add"
    browser.wait(widget)
    with_layer.unlink()
    with_status.unlink()


def test_two_widgets_linked_by_their_target(widget, explainer):
    with kx.KxWidget(explainer, cases.photos(), method="layercam") as other:
        link = traitlets.link((widget, "target"), (other, "target"))
        other.target = "cup"
        assert widget.target == "cup"
        for w, method in ((widget, "gradcam"), (other, "layercam")):
            assert_array_equal(w.wait().maps, explainer.explain(cases.photos(), "cup", method=method).maps)
        link.unlink()


def test_observers_hear_each_status_once_and_in_order(widget):
    rest(widget)
    heard = []
    widget.observe(lambda change: heard.append(change["new"]), "status")
    widget.params = {"smooth": {"repetitions": 3}}
    widget.wait()
    assert heard == ["running", "done"]


def test_an_observer_may_ask_anew(widget, explainer):
    widget.observe(lambda _: setattr(widget, "target", "sky"), "layer")
    widget.layer = "stem"
    assert_array_equal(widget.wait().maps, explainer.explain(cases.photos(), "sky", layer="stem").maps)
    widget.unobserve_all("layer")


def test_from_asyncio(widget, explainer):
    async def main():
        for name in NAMES:
            widget.target = name
            await asyncio.sleep(0)
        return await asyncio.to_thread(widget.wait)

    # A thread of its own: Playwright's loop lives in the main one for as long as a browser test has it open.
    with ThreadPoolExecutor() as pool:
        found = pool.submit(lambda: asyncio.run(main())).result()
    assert_array_equal(found.maps, explainer.explain(cases.photos(), "sky").maps)


def test_an_interrupted_wait_cancels_and_leaves_everything_usable(
    widget, browser, explainer, heeded_interrupts, monkeypatch
):
    rest(widget)
    # Kept maps, the first frames, and then none until it was interrupted.
    _, waits, goes_on = stalled(monkeypatch, Part, "tiles", 3)
    widget.params = {"smooth": {"repetitions": 1000}}
    assert waits.wait(PATIENCE)
    wait_for = session.wait_for

    def interrupted(*arguments):
        threading.Timer(0.1, _thread.interrupt_main).start()
        return wait_for(*arguments)

    monkeypatch.setattr(session, "wait_for", interrupted)
    with pytest.raises(KeyboardInterrupt):
        widget.wait()
    monkeypatch.setattr(session, "wait_for", wait_for)
    assert widget.status == "cancelled"
    goes_on.set()
    widget.params = {}
    assert_array_equal(browser.wait(widget).maps, explainer.explain(cases.photos()).maps)
