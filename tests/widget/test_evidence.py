"""Evidence is measured when nothing else is to be done, told piece by piece, and kept with the answer."""

import io
import itertools
import json
from dataclasses import replace

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

import kx_widget as kx
from kx_widget.engine.covering import Covering
from kx_widget.engine.explainer import Explainer
from kx_widget.widget.archive import pack
from tests.engine.test_metric_laws import decisive
from tests.widget.decisive import NAMES, ready
from tests.widget.decisive import explainer as explainer
from tests.widget.decisive import pictures as pictures
from tests.widget.decisive import widget as widget
from tests.widget.page import PATIENCE, rest, stalled, until
from tests.widget.saved import buffer_of, read_page, unpack

WHOLE = ["sparseness", "effective_area", "random_logit", "single_deletion", "srg"]


def told(browser, gen=None):
    """The evidence that a page would show of a question, by image and column."""
    gen = browser.gen if gen is None else gen
    messages = [m for m in browser.messages if m["kind"] == "evidence" and m["gen"] == gen]
    return {(item["image"], item["column"]): item for message in messages for item in message["items"]}


def measure(widget, browser, images, cover="blur"):
    browser.say(widget, "measure", gen=browser.gen, images=images, cover=cover)
    rest(widget)
    return told(browser)


def cover(widget, browser, **place):
    count = len(browser.covered)
    asked = {"image": 0, "column": 0, "curve": "deletion", "step": 3, "cover": "blur", **place}
    browser.say(widget, "cover", gen=browser.gen, **asked)
    until(lambda: len(browser.covered) > count)
    return browser.covered[-1]


def test_what_is_free_is_told_of_all_and_the_rest_of_the_image_in_focus(widget, browser, explainer, pictures):
    found = told(browser)
    assert set(found) == {(0, 0), (1, 0), (2, 0)}
    assert [len(found[image, 0]["metrics"]) for image in range(3)] == [5, 3, 3]
    assert found[1, 0]["curves"] is None
    assert found[1, 0]["headline"] == "Not measured yet."
    widget.selected = [2]
    rest(widget)
    assert [len(told(browser)[image, 0]["metrics"]) for image in range(3)] == [5, 3, 5]


@pytest.mark.parametrize("image", range(3))
def test_it_is_what_the_explainer_says(widget, browser, pictures, image):
    item = measure(widget, browser, [image])[image, 0]
    fresh = Explainer(widget.explainer.model, preprocess=ready, class_names=NAMES)
    ev = fresh.evaluate(fresh.explain(pictures), WHOLE, images=pictures)
    assert item["verdict"] == ev.verdict(image, 0)
    assert (item["state"], item["headline"]) == (ev.state(image, 0), ev.headline(image, 0))
    for name, record in zip(ev.metrics, item["metrics"], strict=True):
        assert record["title"] == ev.metrics[name].title
        assert_allclose(np.float64(record["value"]), ev.scores[name][image, 0], rtol=1e-4)
        assert record["sentence"] == ev.sentence(name, image, 0)
    for name in ("deletion", "insertion", "random_low", "random_high"):
        values = ev.curves[name][image, 0]
        assert_allclose(item["curves"][name], values[np.isfinite(values)], rtol=1e-3, atol=1e-5)
    assert_allclose(item["curves"]["covered"], ev.fractions)
    assert_allclose(item["cells"]["losses"], ev.cells["losses"][image, 0], rtol=1e-3, atol=1e-5)
    assert_allclose(item["cells"]["sums"], ev.cells["sums"][image, 0], rtol=1e-4, atol=1e-5)
    assert item["cells"]["grid"] == 4
    flips, keeps = (ev.smallest_share(curve, image, 0) for curve in ("deletion", "insertion"))
    assert (item["curves"]["flips_at"] is None) == np.isnan(flips)
    first, second = item["curves"]["shares"]
    assert first == ("Covering it to the end never takes" if np.isnan(flips) else f"Covering {flips:.0%} takes") + (
        " the prediction."
    )
    is_blank = ev.tops["insertion"][image, 0, 0] == ev.tops["deletion"][image, 0, 0]
    assert ("all of it covered" in second) == is_blank
    assert ("keeps it" in second) == (not np.isnan(keeps))
    json.dumps(browser.messages, allow_nan=False)


def test_columns_are_measured_side_by_side_and_told_piece_by_piece(widget, browser):
    widget.compare, widget.compare_with = "methods", ["gradcam", "eigencam"]
    browser.wait(widget)
    rest(widget)
    pieces = [m["items"] for m in browser.messages if m["kind"] == "evidence" and m["gen"] == browser.gen]
    seen = [item for items in pieces for item in items if item["image"] == 0]
    assert {item["column"] for item in seen if item["curves"]} == {0, 1}
    assert "the maps of other classes look the same" in told(browser)[2, 1]["verdict"].lower()
    assert told(browser)[2, 1]["state"] == "weak"


@pytest.mark.usefixtures("patient_prefetch")
def test_a_question_ends_the_measuring_within_a_call(widget, browser, monkeypatch):
    with monkeypatch.context() as patched:
        calls, asked, goes_on = stalled(patched, Covering, "_covered")
        browser.say(widget, "measure", gen=browser.gen, images=[1], cover="mean")
        assert asked.wait(PATIENCE)
        widget.target = "dog"
        goes_on.set()
        assert widget.wait(PATIENCE).target_names[0] == ("dog",)
        assert len(calls) == 1
    browser.wait(widget)
    browser.say(widget, "seen", view="view", visible=True)  # What came ahead is not acknowledged.
    rest(widget)
    assert told(browser)[0, 0]["curves"]


def test_of_two_covers_an_image_has_what_was_asked_last(widget, browser, monkeypatch):
    rest(widget)
    before = told(browser)[0, 0]
    with monkeypatch.context() as patched:
        _, asked, goes_on = stalled(patched, Covering, "_covered", 3)
        browser.say(widget, "measure", gen=browser.gen, images=[0], cover="mean")
        assert asked.wait(PATIENCE)
        until(lambda: told(browser)[0, 0]["cover"] == "mean")
        rest_of = told(browser)[0, 0]
        browser.say(widget, "measure", gen=browser.gen, images=[0], cover="blur")
        goes_on.set()
        rest(widget)
    assert (rest_of["cover"], rest_of["curves"]) == ("mean", None)
    assert told(browser)[0, 0] == before


def test_who_comes_back_sees_it_at_once(widget, browser, explainer):
    before, first = told(browser), browser.gen
    widget.target = "dog"
    browser.wait(widget)
    rest(widget)
    passes = explainer.counts["predict"]
    widget.target = "top"
    browser.wait(widget)
    rest(widget)
    assert browser.gen > first
    assert told(browser) == before
    assert explainer.counts["predict"] == passes
    browser.messages.clear()
    browser.open(widget)
    until(lambda: told(browser) == before)


def test_nothing_is_measured_while_nobody_looks(browser, explainer, pictures):
    with kx.KxWidget(explainer, pictures) as w:
        w.wait()
        rest(w)
        assert not w._session._latest.current.evidence.records
        browser.open(w)
        until(lambda: 0 in {image for image, _ in told(browser, 1)})


def test_what_takes_long_is_measured_once_it_is_asked_for(browser, explainer, pictures, monkeypatch):
    monkeypatch.setattr("kx_widget.widget.evidence_requests.MOST_SECONDS", 0)
    with browser.open(kx.KxWidget(explainer, pictures)) as w:
        browser.wait(w)
        rest(w)
        assert {each["curves"] for each in told(browser).values()} == {None}
        browser.say(w, "measure", gen=browser.gen, images=[1], cover="blur")
        until(lambda: told(browser)[1, 0]["curves"] is not None)
        rest(w)
        assert [image for (image, _), each in told(browser).items() if each["curves"] is not None] == [1]


def test_what_it_takes_is_told_before(widget, browser):
    until(lambda: "costs" in browser.kinds())
    costs = [m for m in browser.messages if m["kind"] == "costs"][-1]
    assert costs["measuring"] > 0
    widget.compare = "targets"
    browser.wait(widget)
    rest(widget)
    more = [m for m in browser.messages if m["kind"] == "costs"][-1]["measuring"]
    assert_allclose(more / costs["measuring"], (17 + 3 * 18 + 72) / (17 + 18 + 72))


def test_the_picture_is_the_one_that_was_scored(widget, browser, pictures, monkeypatch):
    given, predict = [], type(widget.explainer._models.last.functions).predict
    patch = "kx_widget.engine.graph.compiled.Functions.predict"
    monkeypatch.setattr(patch, lambda self, x: (given.extend(np.array(x)), predict(self, x))[1])
    measure(widget, browser, [1], "black")
    seen = {row.tobytes() for row in given}
    curves = told(browser)[1, 0]["curves"]
    target = int(widget.result.targets[1, 0])
    for curve, shares in (("deletion", "covered"), ("insertion", "shown")):
        for step in range(1, 10):
            message, data = cover(widget, browser, image=1, curve=curve, step=step, cover="black")
            pixels = np.asarray(Image.open(io.BytesIO(data)))
            assert ready(pixels).tobytes() in seen
            assert message["share"] == pytest.approx(curves[shares][step])
            shown = {each["index"]: each["probability"] for each in message["classes"]}
            assert shown[target] == pytest.approx(curves[curve][step], rel=1e-4)
            assert list(shown.values()) == sorted(shown.values(), reverse=True)
    message, data = cover(widget, browser, image=1, step=0, cover="black")
    assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), pictures[1])


@pytest.mark.parametrize(
    ("place", "words"),
    [({"image": 7}, "image 7"), ({"step": 99}, "step=99"), ({"cover": "fog"}, "fog"), ({"curve": "x"}, "curve='x'")],
)
def test_a_picture_that_there_is_not_says_why(widget, browser, place, words):
    message, data = cover(widget, browser, **place)
    assert words in message["problem"]
    assert data == b""
    assert widget.status == "done"


def test_what_cannot_be_measured_is_said_and_nothing_is_lost(widget, browser):
    before = told(browser)
    measure(widget, browser, [1], "fog")
    (error,) = [m for m in browser.messages if m["kind"] == "error"]
    assert (error["gen"], "fog" in error["message"]) == (0, True)
    assert told(browser) == before
    assert widget.status == "done"


def test_a_flat_map_says_so(browser, pictures):
    keras.utils.set_random_seed(0)
    model = decisive()
    model.layers[-1].set_weights([0 * model.layers[-1].get_weights()[0], np.zeros(4, np.float32)])
    with browser.open(kx.KxWidget(kx.Explainer(model, preprocess=ready), pictures)) as w:
        browser.wait(w)
        rest(w)
        item = told(browser)[0, 0]
        assert item["state"] == "unknown"
        assert item["verdict"].startswith("Flat:")
        json.dumps(browser.messages, allow_nan=False)


def test_other_weights_are_not_measured_with_these_maps(widget, browser, explainer):
    kernel = explainer.model.layers[-1].kernel
    kernel.assign(0.5 * kernel)
    assert measure(widget, browser, [1])[1, 0]["curves"] is None
    widget.refresh()
    browser.wait(widget)
    rest(widget)
    assert told(browser)[0, 0]["curves"]
    assert widget.status == "done"


def test_pages_keep_it(widget, browser, tmp_path):
    widget.save(tmp_path / "page.html")
    _, header, _ = read_page(tmp_path / "page.html")
    assert header["answers"][-1]["evidence"] == json.loads(json.dumps(list(told(browser).values())))


def test_a_page_keeps_every_picture_that_was_scored_of_the_image_in_focus(widget, browser, pictures, tmp_path):
    widget.compare, widget.compare_with = "methods", ["gradcam", "gradient_x_input"]
    browser.wait(widget)
    rest(widget)
    widget.save(tmp_path / "page.html")
    _, header, _ = read_page(tmp_path / "page.html")
    buffer = buffer_of(tmp_path / "page.html")
    curves = header["answers"][-1]["curves"]
    assert [(each["image"], each["column"], each["cover"]) for each in curves] == [(0, 0, "blur"), (0, 1, "blur")]
    assert curves[0]["parts"][:2] == curves[1]["parts"][:2], "what is the same is there once"
    for column, each in enumerate(curves):
        picture, covering, levels = (
            np.asarray(Image.open(io.BytesIO(buffer[at : at + size]))) for at, size in each["parts"]
        )
        assert_array_equal(picture, pictures[0])
        for curve, step in itertools.product(("deletion", "insertion"), range(11)):
            scored = widget.explainer.scored_picture(
                widget.results[column], 0, 0, step=step, curve=curve, images=pictures
            )
            is_covered = (levels < step) == (curve == "deletion")
            assert_array_equal(np.where(is_covered[..., None], covering, picture), scored.pixels)
            classes = each["classes"][curve][step]
            assert [one["index"] for one in classes] == (-scored.scores).argsort(kind="stable")[:5].tolist()
            assert [one["score"] for one in classes] == pytest.approx(-np.sort(-scored.scores)[:5])


def test_a_page_with_little_room_leaves_them_out_first(widget, browser):
    answers = widget._exporter._archive.answers()
    (curves,) = answers[-1].curves
    large = replace(curves, picture=np.random.default_rng(0).bytes(100_000))
    answers[-1] = replace(answers[-1], curves=[large, replace(large, column=1)])

    def kept(limit, alone=True):
        header, _ = unpack(pack(widget._exporter.welcome, None, answers, limit, alone=alone))
        return [len(answer["curves"]) for answer in header["answers"]]

    assert kept(300_000)[-1] == 2, "what is the same counts once"
    assert kept(200_000)[-1] == 0
    assert kept(300_000, alone=False)[-1] == 0, "a notebook's file is not for that"
