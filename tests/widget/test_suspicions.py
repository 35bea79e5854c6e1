"""What a search for shortcuts has found is shown with a store, and its images are chosen by it."""

import base64
import json
from pathlib import Path

import numpy as np
import pytest

import kx_widget as kx
from kx_widget.bulk.kept_shortcuts import KEPT
from kx_widget.bulk.store import Store
from kx_widget.engine.errors import KxError, ParameterError
from kx_widget.widget.store_page import MapChoice, write_page
from tests.bulk.synthetic import synthetic

IMAGES, ROWS = 40, [4, 6, 30, 78]


@pytest.fixture
def store(tmp_path):
    synthetic(tmp_path / "maps.parquet", np.random.default_rng(0).normal(size=(IMAGES, 2, 3, 3)).astype(np.float32))
    return Store(tmp_path / "maps.parquet")


def facts(**fields):
    one = {
        **{"target_name": "a", "verdict": "confirmed", "why": "Because.", "share": 0.1, "wrong": [0.5, 0.1]},
        **{"rows": ROWS, "map": "", "pictures": [{"name": "x.jpg", "url": "data:,", "box": [0, 0, 0.5, 1]}]},
    }
    return {
        **{"rows": 2 * IMAGES, "headline": "Not always.", "summary": "", "limits": ["More."]},
        **{"suspicions": [one, {**one, "rows": [0], "verdict": "not confirmed", "wrong": None}]},
        **fields,
    }


@pytest.fixture
def searched(store):
    (Path(store.path) / KEPT).write_text(json.dumps(facts()), encoding="utf-8")
    return store


def numbers(record):
    return np.frombuffer(base64.b64decode(record["images"]), "<u4").tolist()


def greeting(browser, widget):
    browser.open(widget)
    browser.wait(widget)
    return next(m for m in browser.messages if m["kind"] == "welcome")["suspicions"]


def test_what_is_kept_comes_with_the_welcome_by_the_numbers_of_images(browser, searched):
    with kx.KxWidget.from_store(searched) as widget:
        found = greeting(browser, widget)
        assert (found["headline"], found["limits"]) == ("Not always.", ["More."])
        assert [numbers(each) for each in found["items"]] == [[row // 2 for row in ROWS], [0]]
        assert [each["size"] for each in found["items"]] == [len(ROWS), 1]
        widget.show = "suspicion 2"
        with pytest.raises(KxError, match="'suspicion 1' to 'suspicion 2'"):
            widget.show = "suspicion 3"


def test_images_that_are_not_shown_are_left_out_and_others_counted_anew(browser, searched):
    rows = searched.select(sort="score", descending=True)
    order = list(dict.fromkeys(int(row) // 2 for row in rows))
    with kx.KxWidget.from_store(searched, sort="score", descending=True) as widget:
        first = greeting(browser, widget)["items"][0]
        assert numbers(first) == sorted(order.index(row // 2) for row in ROWS)


def test_a_store_that_nobody_searched_has_none_and_none_can_be_asked_for(browser, store, searched):
    with kx.KxWidget.from_store(searched, suspicions=False) as widget:
        assert greeting(browser, widget) is None
    (Path(store.path) / KEPT).unlink()
    browser.messages.clear()
    with kx.KxWidget.from_store(store) as widget:
        assert greeting(browser, widget) is None
        with pytest.raises(KxError, match="no choice of images"):
            widget.show = "suspicion 1"


def test_what_is_passed_takes_the_place_of_what_is_kept(browser, searched):
    class Found:
        def facts(self):
            return facts(headline="Nobody knows.")

    with kx.KxWidget.from_store(searched, suspicions=Found()) as widget:
        assert greeting(browser, widget)["headline"] == "Nobody knows."
    with pytest.raises(ParameterError, match="suspicions=3: pass what"):
        kx.KxWidget.from_store(searched, suspicions=3)


def test_suspicions_of_another_state_of_the_store_are_told_and_left_out(browser, store):
    (Path(store.path) / KEPT).write_text(json.dumps(facts(rows=7)), encoding="utf-8")
    with pytest.warns(RuntimeWarning, match="run kx shortcuts again"):
        widget = kx.KxWidget.from_store(store)
    with widget:
        assert greeting(browser, widget) is None


def test_a_page_keeps_those_of_its_images(searched, tmp_path, monkeypatch):
    seen = []
    pack = "kx_widget.widget.store_page.pack"
    monkeypatch.setattr(pack, lambda welcome, *_, **__: (seen.append(welcome), b"")[1])
    write_page(searched, tmp_path / "page.html", MapChoice(limit=10))
    first = seen[0]["suspicions"]["items"][0]
    assert (numbers(first), first["size"]) == ([2, 3], len(ROWS))
