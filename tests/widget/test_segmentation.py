"""What a segmenter sees is told to pages that show it, once, and kept in saved ones."""

import base64
import gzip
import json
import re

import keras
import numpy as np
import pytest
from keras import layers
from numpy.testing import assert_array_equal

import kx_widget as kx
from kx_widget.engine import segmentation
from kx_widget.engine.errors import KxError
from kx_widget.widget.archive import Asides, pack
from kx_widget.widget.segmentations import PackedLabels
from tests import models, segmenters
from tests.fixtures.make import kept
from tests.widget.page import rest, until

IMAGES = segmenters.photographs()


@pytest.fixture(scope="module")
def net():
    return segmenters.unet("softmax")


def opened(browser, net, images=IMAGES, **keywords):
    widget = browser.open(kx.KxWidget(net, images, preprocess=None, **keywords))
    browser.wait(widget)
    return widget


def unpacked(item, buffer):
    """The classes (h, w) of an item of a message."""
    data = gzip.decompress(buffer[item["byte_offset"] :][: item["byte_length"]])
    return np.frombuffer(data, "<u2" if item["dtype"] == "uint16" else np.uint8).reshape(item["shape"])


def told(browser, widget, images):
    """What the kernel answers a page that asks for these images, by image."""
    before = len(browser.segmentations)
    browser.say(widget, "segment", images=images)
    until(lambda: sum(len(m["items"]) for m, _ in browser.segmentations[before:]) >= len(set(images)))
    sent = browser.segmentations[before:]
    return {item["image"]: (item, buffer) for message, buffer in sent for item in message["items"]}


def labels(browser, widget, images):
    return {image: unpacked(*each) for image, each in told(browser, widget, images).items()}


def keras_labels(net, images=IMAGES):
    return np.asarray(net(images)).argmax(-1)


def test_it_is_the_argmax_of_the_output_as_keras_gives_it(browser, net):
    with opened(browser, net) as widget:
        assert not browser.segmentations
        for image, seen in labels(browser, widget, [2, 0]).items():
            assert_array_equal(seen, keras_labels(net)[image])


@pytest.mark.usefixtures("patient_prefetch")
def test_no_pass_is_made_of_it_and_it_is_told_again_as_it_was(browser, net):
    with opened(browser, net) as widget:
        rest(widget)
        counts = dict(widget.explainer.counts)
        first = labels(browser, widget, [0, 1, 2])
        assert_array_equal([first[i] for i in range(3)], keras_labels(net))
        again = labels(browser, widget, [1])
        assert_array_equal(again[1], first[1])
        rest(widget)
        passes = {name: count for name, count in widget.explainer.counts.items() if not name.startswith("cache")}
        assert passes == {name: count for name, count in counts.items() if not name.startswith("cache")}


def test_other_weights_see_something_else(browser):
    net = segmenters.unet("softmax")
    with opened(browser, net) as widget:
        first = labels(browser, widget, [0])[0]
        net.layers[-1].bias.assign(np.float32([0, 0, 50, 0, 0]))
        widget.refresh()
        browser.wait(widget)
        second = labels(browser, widget, [0])[0]
        assert_array_equal(second, keras_labels(net)[0])
        assert not np.array_equal(second, first)


def test_more_classes_than_a_byte_holds(browser):
    net = segmenters.unet("softmax", classes=300)
    with opened(browser, net) as widget:
        item, buffer = told(browser, widget, [1])[1]
        assert item["dtype"] == "uint16"
        assert_array_equal(unpacked(item, buffer), keras_labels(net)[1])


def test_where_no_class_is_probable_there_is_the_number_behind_the_last(browser):
    image = keras.Input((8, 8, 3))
    scores = layers.Conv2D(2, 1, activation="sigmoid", bias_initializer=keras.initializers.Constant(-100))(image)
    with opened(browser, keras.Model(image, scores), IMAGES[:, :8, :8]) as widget:
        assert (labels(browser, widget, [0])[0] == 2).all()


def test_numbers_that_are_no_images_are_left_out(browser, net):
    with opened(browser, net) as widget:
        browser.say(widget, "segment", images=[7, -1])
        assert set(labels(browser, widget, [1])) == {1}


def test_a_failure_is_told_and_nothing_else_is_lost(browser, net, monkeypatch):
    def broken(*_):
        raise ValueError("no room")

    with opened(browser, net) as widget:
        with monkeypatch.context() as patch:
            patch.setattr(segmentation, "segmented", broken)
            item, _ = told(browser, widget, [0])[0]
            assert "no room" in item["problem"]
        assert_array_equal(labels(browser, widget, [0])[0], keras_labels(net)[0])
        assert widget.status == "done"


def test_the_page_is_told_what_the_model_predicts_by(browser, net):
    with opened(browser, net):
        welcome = next(m for m in browser.messages if m["kind"] == "welcome")
        assert welcome["places"] == [segmenters.SIDE, segmenters.SIDE]
        assert (welcome["predicts"], welcome["units"]) == ("share", [])


def header_of(html):
    """The header and the buffer of a saved page."""
    block = gzip.decompress(base64.b64decode(re.findall(r'"_snapshot": \{"base64": "([^"]*)"', html)[0]))
    length = int.from_bytes(block[:4], "little")
    return json.loads(block[4 : 4 + length]), block[-(-(4 + length) // 4) * 4 :]


def test_saved_pages_keep_it_whether_or_not_it_was_shown(browser, net):
    with opened(browser, net) as widget:
        widget.overlay = "both"
        html = widget.to_html()
    header, buffer = header_of(html)
    assert '"overlay": "both"' in html
    assert [item["image"] for item in header["segmentations"]] == [0, 1, 2]
    for item in header["segmentations"]:
        assert_array_equal(unpacked(item, buffer), keras_labels(net)[item["image"]])


def test_a_page_leaves_out_what_would_take_a_quarter_of_its_room():
    rng = np.random.default_rng(0)
    large = {image: PackedLabels.of(rng.integers(0, 255, (64, 64), np.uint8)) for image in range(5)}
    welcome = {"predicts": "share"}
    one = len(large[0].data)
    block = gzip.decompress(pack(welcome, None, [kept([("blobs", "conv", "top")])], 10 * one, asides=Asides(large)))
    header = json.loads(block[4 : 4 + int.from_bytes(block[:4], "little")])
    assert [item["image"] for item in header["segmentations"]] == [0, 1]


def test_a_classifier_has_no_prediction_to_lie_over_a_picture():
    with (
        kx.KxWidget(models.residual(), np.zeros((1, 32, 32, 3), np.uint8)) as widget,
        pytest.raises(KxError, match="Only segmenters do"),
    ):
        widget.overlay = "prediction"
