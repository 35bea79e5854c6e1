"""An answer that is not finished says so wherever it goes."""

import json

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import kx_widget as kx
from tests import cases, models
from tests.engine.test_own_methods import energy
from tests.widget.conftest import NAMES
from tests.widget.page import rationed, rest, until
from tests.widget.saved import Parsed, block_of, unpack

LONG = {"method": "rise", "params": {"masks": 8000}}


@pytest.fixture
def permits(monkeypatch, widget):
    with rationed(monkeypatch, widget, "predict", 20) as permits:
        yield permits


@pytest.fixture
def begun(widget, browser, permits):
    """Some hundred of its passes are made."""
    with widget.hold_trait_notifications():
        widget.method, widget.params = LONG["method"], LONG["params"]

    def has_some():
        maps = [item for item, _ in list(browser.maps.values())]
        return maps and all(0 < item["done"] < 1 for item in maps) and widget.result

    until(has_some)
    return widget


def test_while_it_runs_python_has_what_has_come(begun, permits):
    first = begun.result
    assert 0 < first.progress < 1
    assert (first.method, first.maps.shape) == ("rise", (3, 1, 12, 12))
    until(lambda: permits.release(20) or begun.result.progress > first.progress)
    assert first.progress < begun.result.progress
    assert begun.status == "running"


def test_after_a_cancel_everything_that_is_kept_is_marked(begun, browser, permits, tmp_path):
    begun.cancel()
    permits.release(10**4)
    until(lambda: browser.over)
    e = begun.result
    assert 0 < e.progress < 1
    assert begun.result is e
    assert begun.progress == pytest.approx(e.progress)
    assert "partial" in repr(e)
    assert all("(partial" in e.caption(i, 0) for i in range(3) if e.target_names[i][0])
    with pytest.raises(kx.CancelledError):
        begun.wait()
    for (image, column), (item, values) in browser.maps.items():
        assert item["partial"]
        assert_array_equal(values, e.maps[image, column])
        assert item["done"] == pytest.approx(float(e.done[image, column]))

    begun.save(tmp_path / "e.npz")
    assert kx.Explanation.load(tmp_path / "e.npz").progress == e.progress
    begun.save(tmp_path / "e.png")
    begun.save(tmp_path / "e.html")
    page = Parsed((tmp_path / "e.html").read_text("utf-8"))
    state = json.loads(page.data)
    answer = unpack(block_of(state))[0]["answers"][-1]
    assert (state["method"], answer["asked"]["method"]) == ("rise", "rise")
    assert 0 < answer["seconds"] == pytest.approx(e.seconds, rel=0.5)
    assert page.title.startswith("RISE")
    assert {(item["partial"], item["done"]) for item in answer["items"]} == {
        (True, item["done"]) for item, _ in browser.maps.values()
    }

    begun.method, begun.params = "gradcam", {}
    assert browser.wait(begun).progress == 1


def test_a_page_asked_for_while_it_runs_holds_what_has_come(begun, browser):
    page = begun._exporter._html_file(0).decode()
    answer = unpack(block_of(json.loads(Parsed(page).data)))[0]["answers"][-1]
    assert answer["asked"]["method"] == "rise"
    assert all(item["partial"] for item in answer["items"])
    assert begun.status == "running"


def test_a_whole_answer_is_not_kept_in_parts(widget, browser):
    model = models.residual()
    with browser.open(kx.KxWidget(model, cases.photos(), class_names=NAMES, cache_mib=0)) as w:
        browser.wait(w)
        w.refresh()
        w.cancel()
        (answer,) = w._exporter._archive.answers()
        assert answer.is_whole
        assert not any(item["partial"] for item, _ in answer.tiles)


def test_before_its_first_map_there_is_no_answer_and_none_to_save(browser, tmp_path):
    waits = []

    def slowly(probe, target):
        until(lambda: waits)
        yield from energy(probe, target)

    method = kx.Method("mine", "Mine", slowly, "My own", "layer", True, "instant", "…", "…")
    with browser.open(kx.KxWidget(models.residual(), cases.photos(), method="mine", methods=[method])) as w:
        assert w.result is None
        w.cancel()
        assert w.result is None
        with pytest.raises(kx.CancelledError):
            w.save(tmp_path / "e.npz")
        waits.append(True)
        rest(w)
        assert w.result is None


@pytest.mark.usefixtures("permits")
def test_of_methods_side_by_side_those_that_have_maps(widget):
    with widget.hold_trait_notifications():
        widget.compare, widget.compare_with = "methods", ["gradcam", "rise"]
        widget.method, widget.params = LONG["method"], LONG["params"]
    until(lambda: len(widget.results) == 2)
    widget.cancel()
    first, second = widget.results
    assert (first.method, first.progress, second.method) == ("gradcam", 1, "rise")
    assert 0 < second.progress < 1
    assert np.isfinite(first.maps).all()
