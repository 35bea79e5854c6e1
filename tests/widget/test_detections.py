"""Detections in the widget: what a page draws, and what a click on it asks."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose

import kx_widget as kx
from tests.detectors import boxes_of, detect, plain
from tests.segmenters import photographs
from tests.widget.page import Page

NAMES = ["cat", "dog", "owl"]


@pytest.fixture(scope="module")
def photos():
    return photographs(3, 96)[:, :64]


@pytest.fixture(scope="module")
def net():
    return plain()


@pytest.fixture(scope="module")
def explainer(net):
    return kx.Explainer(net, preprocess=None, class_names=NAMES, detect=detect)


@pytest.fixture
def page(monkeypatch):
    return Page(monkeypatch)


@pytest.fixture
def widget(explainer, photos, page):
    widget = page.open(kx.KxWidget(explainer, photos))
    page.wait(widget)
    yield widget
    widget.close()


def test_a_page_is_told_what_is_detected(widget, explainer, photos):
    told = widget.get_state()["_detections"]
    listed = explainer.detections(photos, threshold=0.05, most=40)
    assert [len(each) for each in told] == [len(each) for each in listed]
    for records, detections in zip(told, listed, strict=True):
        for record, detection in zip(records, detections, strict=True):
            assert record == {"box": list(detection.box), "target": detection.target, "score": detection.score}


def test_a_click_on_a_detection_explains_it(widget, page, explainer, photos):
    box, target = (widget._detections[1][0][name] for name in ("box", "target"))
    # As the page has it: what JSON makes of the numbers.
    region = json.loads(json.dumps({"kind": "box", "at": box, "winner": target}))
    widget.set_state({"target": "top", "regions": {"1": region}})
    page.wait(widget)
    alone = explainer.explain(photos[1:2], target, region=kx.region(box=tuple(box)))
    assert widget.result.targets[1, 0] == target
    assert_allclose(widget.result.maps[1], alone.maps[0], atol=1e-6)
    assert page.maps[1, 0][0]["region"]["kind"] == "box"
    assert page.maps[1, 0][0]["region"]["at"] == box


def test_an_image_with_nothing_probable_shows_its_best(net, photos, page):
    widget = page.open(kx.KxWidget(net, photos, preprocess=None, detect=lambda y: (boxes_of(y), y["what"] - 20)))
    page.wait(widget)
    assert [len(each) for each in widget._detections] == [1, 1, 1]
    assert max(each[0]["score"] for each in widget._detections) < 0.05
    assert np.isfinite(widget.result.maps).all()
    widget.close()


def test_other_models_detect_nothing(photos, page):
    widget = page.open(kx.KxWidget(plain(), photos, preprocess=None, output="what"))
    page.wait(widget)
    assert widget._detections == []
    widget.close()


def test_saved_pages_keep_them(widget, tmp_path):
    widget.save(tmp_path / "view.html")
    text = (tmp_path / "view.html").read_text("utf-8")
    assert json.dumps(widget._detections[0][0]["box"][0]) in text
