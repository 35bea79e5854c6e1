"""The true class as a target of the widget: of the labels it has now, in every place that asks for it."""

import gzip
import json

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import kx_widget as kx
from tests import cases
from tests.widget.conftest import NAMES
from tests.widget.page import rest, until

LABELS = ["cup", None, 0]
INDICES = np.array([[2], [1], [0]])
NO_LABEL = "No label: the true class of this image is not known"


@pytest.fixture
def labelled(browser, explainer):
    w = browser.open(kx.KxWidget(explainer, cases.photos(), "true", labels=LABELS))
    browser.wait(w)
    yield w
    w.close()


def test_each_image_is_explained_by_its_own_label(labelled, browser, explainer):
    expected = explainer.explain(cases.photos(), INDICES)
    assert_array_equal(labelled.result.maps[[0, 2]], expected.maps[[0, 2]])
    for image, name in ((0, "cup"), (2, "cat")):
        item, values = browser.maps[image, 0]
        assert_array_equal(values, expected.maps[image, 0])
        assert (item["target_name"], item["target"], item["notes"]) == (name, INDICES[image, 0], [])
    item, values = browser.maps[1, 0]
    assert np.isnan(values).all()
    assert (item["target"], item["target_name"], item["score"], item["probability"]) == (-1, "true", None, None)
    assert (item["evidence"], item["notes"][0][: len(NO_LABEL)]) == ("none", NO_LABEL)


def test_with_other_labels_the_answer_is_another_one(labelled, browser, explainer):
    gen, key = browser.gen, browser.key
    labelled.labels = [1, 1, 1]
    assert_array_equal(browser.wait(labelled).maps, explainer.explain(cases.photos(), 1).maps)
    assert browser.gen == gen + 1
    assert browser.key != key
    # What does not ask for them stays the answer that it was.
    labelled.target = "top"
    browser.wait(labelled)
    rest(labelled)
    gen = browser.gen
    labelled.labels = [0, 1, 2]
    rest(labelled)
    assert browser.gen == gen
    labelled.target = "true"
    assert browser.wait(labelled).target_names == (("cat",), ("dog",), ("cup",))


def test_labels_cannot_go_while_they_are_asked_for(labelled):
    for gone in (None, [None, None, None]):
        with pytest.raises(kx.UnknownTargetError, match="there are no labels"):
            labelled.labels = gone
        assert labelled.labels == [2, None, 0]
    labelled.refresh()
    assert labelled.wait().target_names[0] == ("cup",)
    labelled.target = "top"
    labelled.labels = None
    assert labelled.labels == []


def test_without_labels_it_is_refused(widget, explainer):
    with pytest.raises(kx.UnknownTargetError, match=r'"true" is the label of each image, .* pass labels='):
        widget.target = "true"
    assert widget.target == "top"
    with pytest.raises(kx.UnknownTargetError, match="pass labels="):
        kx.KxWidget(explainer, cases.photos(), "true")


def test_target_and_labels_change_together_in_any_order(widget, browser):
    for names in (("labels", "target"), ("target", "labels")):
        with widget.hold_trait_notifications():
            for name in names:
                setattr(widget, name, {"labels": [0, 1, "sky"], "target": kx.contrast("sky", "true")}[name])
        assert widget.target == "sky − true"
        assert [row[0] for row in browser.wait(widget).target_names] == ["sky − cat", "sky − dog", "sky − sky"]
        assert browser.maps[2, 0][0]["notes"][0].startswith("Same class: 'sky' and true are the same class, 'sky':")
        widget.target = "top"
        widget.labels = None
        browser.wait(widget)
    with kx.KxWidget(widget.explainer, cases.photos(), "true", labels=(name for name in NAMES[:3])) as w:
        assert w.wait().target_names == (("cat",), ("dog",), ("cup",))


def test_why_not_the_truth_side_by_side(labelled, browser, explainer):
    labelled.set_state({"compare": "targets", "compare_with": ["top", "true", "top − true"]})
    result = browser.wait(labelled)
    expected = explainer.explain(cases.photos(), ["top", "true", kx.contrast("top", "true")], labels=LABELS)
    assert_array_equal(result.maps, expected.maps)
    running = [m for m in browser.messages if m["kind"] == "running"][-1]
    assert [column["target"] for column in running["columns"]] == ["top", "true", "top − true"]


def test_pages_and_files_hold_it(labelled, tmp_path):
    page = labelled.to_html()
    assert '"true"' in page
    labelled.save(tmp_path / "e.npz")
    kept = kx.Explanation.load(tmp_path / "e.npz")
    assert_array_equal(kept.maps, labelled.result.maps)
    assert kept.notes_of(1, 0)[0].startswith(NO_LABEL)
    labelled.save(tmp_path / "e.png")


def kept_answers(widget):
    widget._exporter.snapshot()
    block = gzip.decompress(widget._exporter._block(10**7))
    header = json.loads(block[4 : 4 + int.from_bytes(block[:4], "little")])
    return [(a["asked"]["target"], a["asked"]["method"]) for a in header["answers"]]


def test_answers_of_other_labels_are_not_kept(labelled, browser):
    labelled.target = "dog"
    browser.wait(labelled)
    assert kept_answers(labelled) == [("true", "gradcam"), ("dog", "gradcam")]
    labelled.labels = [0, 0, 0]
    assert kept_answers(labelled) == [("dog", "gradcam")]


def test_the_true_class_is_one_click_away(browser, explainer, monkeypatch):
    monkeypatch.setattr("kx_widget.widget.prefetch.SECONDS_A_QUESTION", 60)
    with browser.open(kx.KxWidget(explainer, cases.photos(), labels=LABELS)) as w:
        browser.wait(w)
        rest(w)
        w.target = "true"
        browser.wait(w)
        assert [m for m in browser.messages if m["kind"] == "running"][-1]["held"]
        expected = explainer.explain(cases.photos(), INDICES).maps
        assert_allclose(browser.maps[0, 0][1], expected[0, 0], atol=1e-5)


def test_thumbnails_are_of_the_true_class(labelled, browser, explainer):
    browser.say(labelled, "want", gen=browser.gen, image=0, column=0, have="")
    until(lambda: "stem" in browser.thumbnails and "after_add" in browser.thumbnails)
    key = browser.key
    expected = explainer.explain(cases.photos()[:1], "cup", layer="stem").maps[0, 0]
    assert_allclose(browser.thumbnails["stem"], expected, atol=np.ptp(expected) / 1000)
    rest(labelled)
    browser.thumbnails.clear()
    labelled.labels = ["sky", None, 0]
    browser.wait(labelled)
    browser.say(labelled, "want", gen=browser.gen, image=0, column=0, have=key)
    until(lambda: "stem" in browser.thumbnails)
    expected = explainer.explain(cases.photos()[:1], "sky", layer="stem").maps[0, 0]
    assert_allclose(browser.thumbnails["stem"], expected, atol=np.ptp(expected) / 1000)
    rest(labelled)
    browser.thumbnails.clear()
    browser.say(labelled, "want", gen=browser.gen, image=1, column=0, have="")
    rest(labelled)
    assert not browser.thumbnails
