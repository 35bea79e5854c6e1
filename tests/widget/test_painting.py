"""What is painted is scored as `what_if` does, in one call of the model, and never mixed with anything else."""

import base64
import io
import json

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

import kx_widget as kx
from kx_widget.engine.explainer import Explainer
from kx_widget.widget import stroke_requests
from tests import models, segmenters
from tests.widget.decisive import NAMES, ready
from tests.widget.decisive import explainer as explainer
from tests.widget.decisive import widget as widget
from tests.widget.page import PATIENCE, rest, stalled, until

SIDE = models.SIDE
MASK = np.zeros((SIDE, SIDE), bool)
MASK[3:11, 2:9] = True


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(3).integers(0, 256, (10, SIDE, SIDE, 3), np.uint8)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """What comes after a stroke is not put off."""
    monkeypatch.setattr(stroke_requests, "SECONDS_AFTER_STROKE", 0.0)


def packed(mask):
    return base64.b64encode(np.packbits(mask).tobytes()).decode()


def stroke(browser, pixels=MASK, **fields):
    about = {"gen": browser.gen, "view": "view", "serial": 1, "images": [0], "column": 0, "cover": "blur"}
    return about | {"keep": False, "size": list(pixels.shape), "mask": packed(pixels)} | fields


def paint(widget, browser, pixels=MASK, **fields):
    """The last answer to a stroke."""
    message = stroke(browser, pixels, **fields)

    def answers():
        return [each for each in browser.painted if each[0]["serial"] == message["serial"]]

    def is_answered():
        return any(each["problem"] or len(each["images"]) == each["asked"] for each, _ in answers())

    browser.painted.clear()
    browser.say(widget, "paint", **message)
    until(is_answered)
    return answers()[-1]


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("cover", ["blur", "mean", "black"])
def test_it_is_what_the_explainer_says_and_a_picture_made_by_hand(widget, browser, pictures, cover, keep):
    message, data = paint(widget, browser, images=[1], cover=cover, keep=keep)
    x = Explainer(widget.explainer.model, preprocess=ready, class_names=NAMES)
    probabilities = x.what_if(pictures, MASK[None], cover=cover, keep=keep)[1][1, 0]
    before = x.predict(pictures)[1][1]
    assert message["value"] == "probability"
    assert message["share"] == pytest.approx(56 / SIDE**2)
    assert {each["index"] for each in message["classes"]} == set(range(4))
    for each in message["classes"]:
        assert_allclose(each["after"], probabilities[each["index"]], rtol=1e-4)
        assert_allclose(each["before"], before[each["index"]], rtol=1e-4)
    (record,) = message["images"]
    target = int(widget.result.targets[1, 0])
    assert_allclose([record["before"], record["after"]], [before[target], probabilities[target]], rtol=1e-4)
    assert_allclose(record["lost"], 1 - probabilities[target] / before[target], rtol=1e-3, atol=1e-5)
    assert (record["image"], record["best_before"]) == (1, before.argmax())
    assert record["best_after"] == probabilities.argmax()
    picture = np.asarray(Image.open(io.BytesIO(data)))
    shown = MASK if keep else ~MASK
    assert_array_equal(picture[shown], pictures[1][shown])
    covers = {"mean": np.rint(pictures[1].mean((0, 1))), "black": np.zeros(3)}
    if cover in covers:
        assert_array_equal(picture[~shown], np.broadcast_to(covers[cover], (int((~shown).sum()), 3)))
    scores = np.asarray(widget.explainer.model(ready(picture[None])))[0]
    assert_allclose(scores, probabilities, rtol=1e-4)
    json.dumps(browser.messages, allow_nan=False)


@pytest.mark.usefixtures("patient_prefetch")
def test_a_stroke_is_one_call_of_the_model_and_none_where_it_was_there(widget, browser, explainer):
    paint(widget, browser)
    rest(widget)
    before = dict(explainer.counts)
    other = np.roll(MASK, 3)
    paint(widget, browser, other, serial=2)
    rest(widget)
    calls = {name: count - before.get(name, 0) for name, count in explainer.counts.items() if "cache" not in name}
    assert {name for name, count in calls.items() if count} == {"predict"}
    assert calls["predict"] == 1
    paint(widget, browser, serial=3)
    widget.target = "dog"
    browser.wait(widget)
    paint(widget, browser, other, serial=4)
    rest(widget)
    assert explainer.counts["predict"] == before["predict"] + 1


def test_of_strokes_meanwhile_the_latest_is_answered(widget, browser, monkeypatch):
    _, begun, goes_on = stalled(monkeypatch, Explainer, "what_if")
    for serial in range(1, 9):
        browser.say(widget, "paint", **stroke(browser, np.roll(MASK, serial), serial=serial))
        assert begun.wait(PATIENCE)
    goes_on.set()
    until(lambda: any(message["serial"] == 8 for message, _ in browser.painted))
    rest(widget)
    assert [message["serial"] for message, _ in browser.painted] == [8]


def test_a_question_goes_first_and_ends_the_stroke_of_the_one_before(widget, browser, monkeypatch):
    _, begun, goes_on = stalled(monkeypatch, Explainer, "what_if")
    browser.say(widget, "paint", **stroke(browser))
    assert begun.wait(PATIENCE)
    widget.target = "dog"
    goes_on.set()
    browser.wait(widget)
    rest(widget)
    assert browser.painted == []
    assert paint(widget, browser)[0]["images"][0]["before"] == pytest.approx(float(widget.result.probabilities[0, 0]))


def test_all_images_are_scored_with_the_mask(widget, browser, pictures):
    message, data = paint(widget, browser, images=list(range(10)))
    x = Explainer(widget.explainer.model, preprocess=ready, class_names=NAMES)
    after, before = x.what_if(pictures, MASK[None])[1][:, 0], x.predict(pictures)[1]
    tops = before.argmax(1)
    assert_allclose([each["after"] for each in message["images"]], after[range(10), tops], rtol=1e-4)
    assert [each["best_after"] for each in message["images"]] == after.argmax(1).tolist()
    assert (message["asked"], message["classes"], data) == (10, [], b"")
    assert len(browser.painted) == 2  # Those of eight images, and all ten.


def test_a_mask_of_another_size_is_brought_to_that_of_the_input(widget, browser):
    large = MASK.repeat(3, 0).repeat(2, 1)
    fields = ("images", "classes", "share")
    small = {name: paint(widget, browser)[0][name] for name in fields}
    assert {name: paint(widget, browser, large, serial=2)[0][name] for name in fields} == small


def test_a_contrast_and_a_model_without_probabilities_lose_a_part_of_what_covering_all_takes(browser, pictures):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((SIDE, SIDE, 3))
    y = keras.layers.Conv2D(4, 3, activation="relu")(inputs)
    y = keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(y))
    x = kx.Explainer(keras.Model(inputs, y))
    values = pictures[:2] / np.float32(255)
    with browser.open(kx.KxWidget(x, values, target=1)) as w:
        browser.wait(w)
        message, _ = paint(w, browser, cover="black")
        before, after, blank = (
            float(np.asarray(x.model(picture[None]))[0, 1])
            for picture in (values[0], np.where(MASK[..., None], 0, values[0]), np.zeros_like(values[0]))
        )
    (record,) = message["images"]
    assert message["value"] == "score"
    assert_allclose([record["before"], record["after"]], [before, after], rtol=1e-4)
    if before - blank >= 0.2 * max(abs(before), abs(blank)):
        assert_allclose(record["lost"], (before - after) / (before - blank), rtol=1e-3)
    else:
        assert record["lost"] is None


def test_of_a_segmenter_the_score_where_the_class_wins_in_the_picture(browser, monkeypatch):
    monkeypatch.setattr(stroke_requests, "SECONDS_AFTER_STROKE", 0.0)
    net, images = segmenters.unet(), segmenters.photographs()
    widget = browser.open(kx.KxWidget(kx.Explainer(net, preprocess=None), images))
    target = int(browser.wait(widget).targets[0, 0])
    rest(widget)
    mask = np.zeros(images.shape[1:3], bool)
    mask[:30, :30] = True
    message, _ = paint(widget, browser, mask, cover="black")
    y, covered = (np.asarray(net(x[None]))[0] for x in (images[0], images[0] * ~mask[..., None]))
    wins = y.argmax(-1) == target
    (record,) = message["images"]
    assert (message["problem"], message["value"]) == ("", "score")
    assert_allclose(record["before"], y[wins, target].mean(), rtol=1e-4)
    assert_allclose(record["after"], covered[wins, target].mean(), rtol=1e-4)
    widget.close()


def test_other_weights_are_never_mixed_with_these_maps(widget, browser, explainer):
    kernel = explainer.model.layers[-1].kernel
    kernel.assign(0.5 * kernel)
    message, data = paint(widget, browser)
    assert "weights have changed" in message["problem"]
    assert (message["images"], data) == ([], b"")
    widget.refresh()
    browser.wait(widget)
    message, _ = paint(widget, browser, serial=2)
    assert message["images"][0]["before"] == pytest.approx(float(widget.result.probabilities[0, 0]))
    assert widget.status == "done"


def test_weights_that_change_during_the_call_are_said(widget, browser, explainer, monkeypatch):
    what_if = Explainer.what_if

    def trained(*arguments, **keywords):
        kernel = explainer.model.layers[-1].kernel
        kernel.assign(0.5 * kernel)
        return what_if(*arguments, **keywords)

    monkeypatch.setattr(Explainer, "what_if", trained)
    assert "weights have changed" in paint(widget, browser)[0]["problem"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"images": [77]}, "no image"),
        ({"cover": "fog"}, "fog"),
        ({"size": [5, 5]}, "size=[5, 5]"),
        ({"size": [0, 9]}, "size=[0, 9]"),
        ({"mask": "é"}, "mask"),
        ({"column": 9}, ""),
    ],
)
def test_what_is_no_stroke_says_why_and_nothing_is_lost(widget, browser, fields, words):
    message, _ = paint(widget, browser, **fields)
    assert words in message["problem"]
    assert bool(message["problem"]) == bool(words)
    if not words:  # Nothing is explained there, and the classes are told.
        assert message["images"][0]["before"] is None
    assert widget.status == "done"
    assert not [each for each in browser.messages if each["kind"] == "error"]


def test_a_mask_may_be_longer_than_other_texts(widget, browser):
    mask = np.zeros((512, 512), bool)
    mask[:200] = True
    assert paint(widget, browser, mask)[0]["share"] == pytest.approx(0.4, abs=0.03)
    browser.say(widget, "paint", **stroke(browser, mask="A" * (2**21 + 4)))
    until(lambda: "error" in browser.kinds())


def test_views_do_not_take_each_others_place(widget, browser, monkeypatch):
    _, begun, goes_on = stalled(monkeypatch, Explainer, "what_if")
    for view in ("one", "two"):
        browser.say(widget, "paint", **stroke(browser, view=view))
        browser.say(widget, "paint", **stroke(browser, view=view, images=[0, 1]))
    assert begun.wait(PATIENCE)
    goes_on.set()
    until(lambda: len({(each["view"], each["asked"]) for each, _ in browser.painted}) == 4)
