"""What a map fails to say goes with it: to the page, ahead of questions, into pages and pictures, out of stores."""

import json

import numpy as np
import pytest

import kx_widget as kx
from kx_widget.widget.static_preview import static_preview
from tests import cases, models
from tests.engine.test_notes import dead
from tests.widget.page import rest, until
from tests.widget.saved import Parsed, block_of, unpack

FLAT = "Flat: the map is 0 everywhere, no evidence for 'class {}'. Try Integrated gradients."


@pytest.fixture
def silent(browser):
    with browser.open(kx.KxWidget(dead(), cases.photos(), target=1)) as widget:
        browser.wait(widget)
        yield widget


@pytest.mark.usefixtures("patient_prefetch")
def test_the_page_hears_of_it_with_the_map(browser, silent):
    assert len(browser.maps) == 3
    for item, values in browser.maps.values():
        assert not values.any()
        assert (item["notes"], item["evidence"]) == ([FLAT.format(1)], "none")
    assert silent.wait().notes == (((FLAT.format(1),),),) * 3
    rest(silent)
    assert len(browser.answers) > 1
    for tiles in browser.answers.values():
        assert all(item["notes"][0].startswith("Flat: ") for item, _ in tiles.values())


def test_nothing_is_said_of_maps_that_speak(browser, widget):
    assert all((item["notes"], item["evidence"]) == ([], "some") for item, _ in browser.maps.values())


def test_a_map_that_is_not_finished_has_no_notes(browser):
    def slowly(probe, target):
        maps = np.zeros((len(probe.x), 2, 2), np.float32)
        yield kx.Partial(np.where(np.eye(2) > 0, np.nan, maps).astype(np.float32), 1, 2)
        yield kx.Partial(maps, 2, 2)

    own = kx.Method("slowly", "Slowly", slowly, "My own", "input", True, "long", "…", "…")
    with browser.open(kx.KxWidget(models.residual(), cases.photos(1), methods=[own], method="slowly")) as widget:
        browser.wait(widget)
        told = [item for m in browser.messages if m["kind"] == "maps" for item in m["items"]]
        assert [bool(item["notes"]) for item in told] == [not item["partial"] for item in told]
        assert told[-1]["notes"][0].startswith("Flat: ")


def test_pages_and_pictures_keep_it(silent):
    header, _ = unpack(block_of(json.loads(Parsed(silent.to_html()).data)))
    assert [item["notes"] for item in header["answers"][-1]["items"]] == [[FLAT.format(1)]] * 3
    look = {"colormap": "viridis", "alpha": 0.5, "sign": "positive", "scale": "map"}
    html = static_preview(silent.results, {method.id: method.title for method in kx.METHODS.values()}, look)[
        "text/html"
    ]
    assert html.count("<br>Flat: the map is 0 everywhere, no evidence for &#x27;class 1&#x27;. Try") == 1
    assert html.count("(flat)") == 3


@pytest.mark.parametrize("has_model", [False, True])
def test_a_store_s_tiles_bring_theirs(browser, folder, tmp_path, has_model):
    explainer = kx.Explainer(dead())
    store = explainer.explain_to(tmp_path / "s", folder, [1, 2])
    with browser.open(kx.KxWidget.from_store(store, explainer if has_model else None)) as widget:
        browser.wait(widget)
        browser.say(widget, "look", gen=browser.gen, pictures=[0, 1], maps=[0, 1])
        until(lambda: (1, 0) in browser.maps)
        for item, _ in browser.maps.values():
            assert (item["notes"], item["evidence"]) == ([FLAT.format(1)], "none")
        assert widget.wait().notes == (((FLAT.format(1),),),)
        widget.compare = "targets"
        assert widget.wait().notes == (((FLAT.format(1),), (FLAT.format(2),)),)
