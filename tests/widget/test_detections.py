"""Detections in the widget: what a page draws, and what a click on it asks."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose
from PIL import Image

import kx_widget as kx
from tests.detectors import boxes_of, detect, plain
from tests.segmenters import photographs
from tests.widget.page import rest

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


def test_a_page_is_told_what_is_detected(widget, explainer, photos):
    told = widget.get_state()["_detections"]
    listed = explainer.detections(photos, threshold=0.05, most=40)
    assert [len(each) for each in told] == [len(each) for each in listed]
    for records, detections in zip(told, listed, strict=True):
        for record, detection in zip(records, detections, strict=True):
            assert record == {"box": list(detection.box), "target": detection.target, "score": detection.score}


def test_a_click_on_a_detection_explains_it(widget, browser, explainer, photos):
    box, target = (widget._detections[1][0][name] for name in ("box", "target"))
    # As the page has it: what JSON makes of the numbers.
    region = json.loads(json.dumps({"kind": "box", "at": box, "winner": target}))
    widget.set_state({"target": "top", "regions": {"1": region}})
    browser.wait(widget)
    alone = explainer.explain(photos[1:2], target, region=kx.region(box=tuple(box)))
    assert widget.result.targets[1, 0] == target
    assert_allclose(widget.result.maps[1], alone.maps[0], atol=1e-6)
    assert browser.maps[1, 0][0]["region"]["kind"] == "box"
    assert browser.maps[1, 0][0]["region"]["at"] == box


def test_an_image_with_nothing_probable_shows_its_best(net, photos, browser):
    widget = browser.open(kx.KxWidget(net, photos, preprocess=None, detect=lambda y: (boxes_of(y), y["what"] - 20)))
    browser.wait(widget)
    assert [len(each) for each in widget._detections] == [1, 1, 1]
    assert max(each[0]["score"] for each in widget._detections) < 0.05
    assert np.isfinite(widget.result.maps).all()
    widget.close()


def test_other_models_detect_nothing(photos, browser):
    widget = browser.open(kx.KxWidget(plain(), photos, preprocess=None, output="what"))
    browser.wait(widget)
    assert widget._detections == []
    widget.close()


@pytest.fixture(scope="module")
def pictures(photos):
    return (255 * photos).astype(np.uint8)


@pytest.fixture(scope="module")
def kept(explainer, pictures, tmp_path_factory):
    """A store of three pictures from files, of which one is not there any more."""
    folder = tmp_path_factory.mktemp("photos")
    paths = [folder / f"{number}.png" for number in range(len(pictures))]
    for path, picture in zip(paths, pictures, strict=True):
        Image.fromarray(picture).save(path)
    store = explainer.explain_to(folder / "s", [str(path) for path in paths], "top")
    paths[1].unlink()
    return store


def look(browser, widget, *images):
    browser.say(widget, "look", gen=browser.gen, pictures=list(images), maps=list(images))
    rest(widget)


def test_a_store_with_its_model_shows_what_is_looked_at(kept, explainer, pictures, browser):
    with kx.KxWidget.from_store(kept, explainer) as widget:
        browser.open(widget)
        browser.wait(widget)
        rest(widget)
        assert browser.detected == {}
        look(browser, widget, 2)
        look(browser, widget, 1, 0)
        assert list(browser.detected) == [2, 0]
        listed = explainer.detections(pictures, threshold=0.05, most=40)
        for image, told in browser.detected.items():
            assert [each["box"] for each in told] == [list(detection.box) for detection in listed[image]]
        assert widget._detections == []

        first = browser.detected[0][0]
        region = json.loads(json.dumps({"kind": "box", "at": first["box"], "winner": first["target"]}))
        widget.set_state({"target": "top", "regions": {"0": region}})
        browser.wait(widget)
        alone = explainer.explain(pictures[:1], first["target"], region=kx.region(box=tuple(first["box"])))
        assert_allclose(widget.result.maps[0], alone.maps[0], atol=1e-6)


def test_a_store_without_its_model_detects_nothing(kept, browser):
    with kx.KxWidget.from_store(kept) as widget:
        browser.open(widget)
        browser.wait(widget)
        look(browser, widget, 0, 2)
        assert "detected" not in browser.kinds()


def test_other_weights_detect_anew_what_was_looked_at(kept, pictures, browser):
    net = plain()
    explainer = kx.Explainer(net, preprocess=None, class_names=NAMES, detect=detect)
    with kx.KxWidget.from_store(kept, explainer) as widget:
        browser.open(widget)
        browser.wait(widget)
        widget.method = "gradients"
        browser.wait(widget)
        look(browser, widget, 0, 2)
        before = dict(browser.detected)
        net.get_layer("fine").kernel.assign(-net.get_layer("fine").kernel)
        widget.refresh()
        browser.wait(widget)
        rest(widget)
        assert sorted(browser.detected) == [0, 2]
        assert all(browser.detected[image] != before[image] for image in before)
        listed = explainer.detections(pictures, threshold=0.05, most=40)
        assert browser.detected[2][0]["box"] == list(listed[2][0].box)


def test_saved_pages_keep_them(widget, tmp_path):
    widget.save(tmp_path / "view.html")
    text = (tmp_path / "view.html").read_text("utf-8")
    assert json.dumps(widget._detections[0][0]["box"][0]) in text
