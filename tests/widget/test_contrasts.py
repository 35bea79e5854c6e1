"""A class less the mean of several others in the widget and in stores: a text that means the same everywhere."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

import kx_widget as kx
from tests import cases
from tests.widget.page import rest

SEVERAL = kx.contrast("top", ["top-2", "top-3"], weight=0.6)
TEXT = "top − 0.6 mean(top-2; top-3)"


@pytest.fixture
def widget(browser, explainer):
    with browser.open(kx.KxWidget(explainer, cases.photos(), SEVERAL)) as w:
        browser.wait(w)
        yield w


def test_it_is_a_text_that_asks_for_the_same(widget, browser, explainer):
    assert widget.target == TEXT
    expected = explainer.explain(cases.photos(), SEVERAL)
    assert_array_equal(widget.result.maps, expected.maps)
    item, values = browser.maps[1, 0]
    assert (item["target_name"], item["target"]) == (expected.target_names[1][0], -1)
    assert_array_equal(values, expected.maps[1, 0])
    widget.target = "top"
    browser.wait(widget)
    widget.set_state({"target": item["target_name"]})
    assert_allclose(browser.wait(widget).maps[1], expected.maps[1], rtol=1e-5)


def test_it_is_compared_with_others(widget, browser, explainer):
    widget.compare, widget.compare_with = "targets", ["top", SEVERAL, kx.contrast("top", "top-2")]
    browser.wait(widget)
    rest(widget)
    assert widget.compare_with == ["top", TEXT, "top − top-2"]
    expected = explainer.explain(cases.photos(), ["top", SEVERAL, kx.contrast("top", "top-2")])
    assert_array_equal(np.concatenate([e.maps for e in widget.results], 1), expected.maps)


def test_stores_keep_it(browser, explainer, tmp_path):
    for i, photo in enumerate(cases.photos()):
        Image.fromarray(np.uint8(127 * (photo + 1))).save(tmp_path / f"{i}.png")
    store = explainer.explain_to(tmp_path / "s", str(tmp_path / "*.png"), ["top", SEVERAL])
    names = store.column("target_name").to_pylist()
    assert all("− 0.6 mean(" in name for name in names[1::2])
    with browser.open(kx.KxWidget.from_store(store, target=TEXT)) as w:
        browser.wait(w)
        assert w.target == TEXT
        assert w.result.target_names == ((names[1],),)
        stored, *_ = store.maps([1])
        assert_array_equal(w.result.maps[0, 0], stored)
