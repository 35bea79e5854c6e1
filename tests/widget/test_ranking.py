"""Methods beside each other: as `Explainer.compare` says, piece by piece, after anything else, and kept."""

import json
from dataclasses import replace

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose

import kx_widget as kx
from kx_widget.engine.covering import Covering
from kx_widget.engine.explainer import Explainer
from kx_widget.widget.model_answers import ModelQuery
from tests import models
from tests.widget.decisive import NAMES, ready
from tests.widget.decisive import explainer as explainer
from tests.widget.decisive import pictures as pictures
from tests.widget.decisive import widget as widget
from tests.widget.page import PATIENCE, rest, stalled, until

METRICS = ("srg", "single_deletion", "random_logit")
METHODS = ["gradcam", "eigencam", "gradient_x_input", "occlusion"]


def told(browser, gen=None):
    """The last message about rankings."""
    gen = browser.gen if gen is None else gen
    return [m for m in browser.messages if m["kind"] == "rankings" and m["gen"] == gen][-1]


def rank(widget, browser, images, methods=METHODS, cover="blur", column=0):
    browser.say(widget, "rank", gen=browser.gen, column=column, images=images, methods=methods, cover=cover)
    rest(widget)
    return told(browser)["items"][0]


def compared(explainer, pictures, target="top", **settings):
    """What the comparison says that nobody but Python asked for, by method."""
    fresh = Explainer(explainer.model, preprocess=ready, class_names=NAMES)
    table = fresh.compare(pictures, target, methods=METHODS, **settings)
    return {
        contender.method: {name: (table.means[name][row], table.told[name][row]) for name in METRICS}
        for row, contender in enumerate(table.contenders)
    }


@pytest.mark.parametrize(("images", "cover"), [([1], "blur"), ([0, 1, 2], "black")])
def test_it_is_what_compare_says(widget, browser, explainer, pictures, images, cover):
    record = rank(widget, browser, images, cover=cover)
    truth = compared(explainer, pictures[images], cover=cover)
    assert (record["done"], record["total"], record["images"]) == (len(images) * 4, len(images) * 4, images)
    assert [row["method"] for row in record["methods"]] == METHODS
    for row in record["methods"]:
        for name, cell in zip(METRICS, row["cells"], strict=True):
            (mean, low, high), count = truth[row["method"]][name]
            if row["method"] == "occlusion" and name == "random_logit":  # would take its many passes again
                assert cell["value"] is None
                assert "not measured" in cell["note"]
                continue
            assert cell["images"] == count
            if not count:
                assert cell["value"] is None
                continue
            assert_allclose(cell["value"], mean, rtol=1e-3, atol=1e-5)
            if len(images) > 1 and count > 1:
                assert_allclose([cell["low"], cell["high"]], [low, high], rtol=1e-3, atol=1e-5)
            else:
                assert cell["low"] is cell["high"] is None
    json.dumps(browser.messages, allow_nan=False)


def test_a_control_is_told_as_one_and_never_the_best(widget, browser):
    methods = ["gradcam", "eigencam", "randomcam", "edges"]
    for images in ([1], [0, 1, 2]):
        record = rank(widget, browser, images, methods=methods)
        controls = record["methods"][2:]
        assert [row["state"] for row in controls] == ["unknown"] * 2
        assert all(row["headline"].startswith("Control: ") for row in controls)
        assert {cell["place"] for row in controls for cell in row["cells"]} == {""}
        assert any(cell["value"] is not None for row in controls for cell in row["cells"])
        assert not any(kx.METHODS[name].title in record["sentence"] for name in methods[2:])


def test_the_best_is_marked(widget, browser):
    record = rank(widget, browser, [0, 1, 2])
    for number, metric in enumerate(record["metrics"]):
        cells = [row["cells"][number] for row in record["methods"]]
        known = [cell for cell in cells if cell["value"] is not None]
        (best,) = [cell for cell in known if cell["place"] == "best"]
        sign = 1 if metric["better"] == "higher" else -1
        assert sign * best["value"] == max(sign * cell["value"] for cell in known)
    values = [row["cells"][0]["value"] for row in record["methods"]]
    assert values.index(max(values)) == [row["cells"][0]["place"] for row in record["methods"]].index("best")


@pytest.mark.parametrize("images", [[0], [0, 2]])
def test_what_cannot_be_told_from_the_best_is_marked_and_what_is_worse_everywhere_is_not(
    browser, explainer, pictures, images
):
    method = explainer.methods["gradient_x_input"]

    def turned(probe, target):
        for each in method.fn(probe, target):
            yield replace(each, maps=-each.maps)

    twin, opposite = replace(method, id="twin", title="Twin"), replace(method, id="opposite", title="Opposite")
    methods = [twin, replace(opposite, fn=turned)]
    x = kx.Explainer(explainer.model, methods=methods, preprocess=ready, class_names=NAMES)
    with browser.open(kx.KxWidget(x, pictures)) as w:
        browser.wait(w)
        rest(w)
        record = rank(w, browser, images, ["opposite", "gradient_x_input", "twin"])
        assert [row["cells"][0]["place"] for row in record["methods"]] == ["", "best", "tied"]


def test_words_begin_with_the_bad_news_and_name_relatives(widget, browser):
    record = rank(widget, browser, [1], ["gradcam", "eigencam", "occlusion"])
    rows = {row["method"]: row for row in record["methods"]}
    assert rows["eigencam"]["state"] == "weak"
    assert rows["eigencam"]["relatives"] == ["Grad-CAM"]
    assert rows["occlusion"]["relatives"] == []
    assert "2 are relatives" in record["sentence"]
    holding = [row for row in rows.values() if row["state"] == "holds"]
    assert record["sentence"].startswith("No map here holds.") == (not holding)
    if holding:
        assert record["sentence"].index("Eigen-CAM") < record["sentence"].index("hold")


def test_a_row_says_the_same_as_the_line_under_its_tile(widget, browser):
    record = rank(widget, browser, [0], ["gradcam", "gradient_x_input"])
    browser.say(widget, "measure", gen=browser.gen, images=[0], cover="blur")
    rest(widget)
    evidence = [m for m in browser.messages if m["kind"] == "evidence"][-1]["items"]
    (item,) = [each for each in evidence if each["image"] == 0]
    assert (item["state"], item["headline"]) == (record["methods"][0]["state"], record["methods"][0]["headline"])


def test_what_can_be_compared_and_what_it_takes_is_told_before(widget, browser):
    until(lambda: "rankings" in browser.kinds())
    message = told(browser)
    records = {each["method"]: each for each in message["rankable"]}
    assert set(records) == set(widget.explainer.methods)
    assert "attention" in records["attention_rollout"]["problem"]
    chosen = [name for name, each in records.items() if each["chosen"]]
    families = {widget.explainer.methods[name].family for name in chosen}
    assert len(families) >= 3
    assert "gradcam" in chosen
    assert records["rise"]["seconds"] > records["gradcam"]["seconds"] > 0
    assert message["size_seconds"] > message["image_seconds"] > 0


def test_a_method_that_the_model_cannot_do_says_why(widget, browser):
    record = rank(widget, browser, [0], ["gradcam", "attention_rollout"])
    assert record["done"] == record["total"] == 1
    bad = record["methods"][1]
    assert "attention" in bad["problem"]
    assert [cell["value"] for cell in bad["cells"]] == [None] * len(record["metrics"])
    assert widget.status == "done"


def test_pieces_come_as_they_are_measured_all_methods_of_an_image_first(widget, browser):
    rank(widget, browser, [2, 0], ["gradcam", "eigencam"])
    seen = [m["items"][0]["done"] for m in browser.messages if m["kind"] == "rankings" and m["items"]]
    assert seen == sorted(seen)
    assert seen[-1] == 4


def test_a_question_ends_it_within_a_call(widget, browser, monkeypatch):
    with monkeypatch.context() as patched:
        calls, asked, goes_on = stalled(patched, Covering, "_covered")
        browser.say(widget, "rank", gen=browser.gen, column=0, images=[1], methods=METHODS, cover="mean")
        assert asked.wait(PATIENCE)
        widget.target = "dog"
        goes_on.set()
        assert widget.wait(PATIENCE).target_names[0] == ("dog",)
        # What is measured of the new answer unasked has another cover.
        assert [covering.cover for covering, *_ in calls].count("mean") == 1
    browser.wait(widget)
    browser.say(widget, "seen", view="view", visible=True)
    rest(widget)
    assert told(browser)["items"] == []


def test_what_runs_as_it_is_asked_for_goes_on_and_is_followed_by_it(widget, browser, monkeypatch):
    rest(widget)
    with monkeypatch.context() as patched:
        calls, waits, goes_on = stalled(patched, ModelQuery, "parts")
        widget.layer = "stem"
        assert waits.wait(PATIENCE)
        until(lambda: browser.gen == widget._session.gen)
        browser.say(widget, "rank", gen=browser.gen, column=0, images=[1], methods=METHODS, cover="mean")
        goes_on.set()
        browser.wait(widget)
        until(lambda: told(browser)["items"])
        rest(widget)
        # Others are of what is one click away.
        assert sum(query is calls[0][0] for query, *_ in calls) == 1
    assert [(item["images"], item["done"]) for item in told(browser)["items"]] == [([1], len(METHODS))]


def test_it_can_be_stopped_and_what_is_measured_stays(widget, browser, monkeypatch):
    rank(widget, browser, [0], ["gradcam"])
    with monkeypatch.context() as patched:
        calls, asked, goes_on = stalled(patched, Covering, "_covered")
        browser.say(widget, "rank", gen=browser.gen, column=0, images=[0, 1], methods=["gradcam"], cover="blur")
        assert asked.wait(PATIENCE)
        browser.say(widget, "rank", gen=browser.gen, column=0, images=[], methods=[], cover="blur")
        goes_on.set()
        rest(widget)
    assert len(calls) == 1
    assert told(browser)["items"][0]["done"] == 1
    passes = widget.explainer.counts["predict"]
    record = rank(widget, browser, [0], ["gradcam"])
    assert record["done"] == 1
    assert widget.explainer.counts["predict"] == passes


def test_fewer_methods_than_are_measured_are_told_at_once(widget, browser):
    rank(widget, browser, [0], ["gradcam", "eigencam"])
    passes = widget.explainer.counts["predict"]
    record = rank(widget, browser, [0], ["eigencam"])
    assert [row["method"] for row in record["methods"]] == ["eigencam"]
    assert record["done"] == record["total"] == 1
    assert widget.explainer.counts["predict"] == passes


def test_another_method_has_the_same_table_and_another_target_its_own(widget, browser):
    record = rank(widget, browser, [0], ["gradcam", "occlusion"])
    first = browser.gen
    widget.method = "occlusion"
    browser.wait(widget)
    rest(widget)
    assert browser.gen > first
    assert told(browser)["items"] == [record]
    widget.target = "dog"
    browser.wait(widget)
    rest(widget)
    assert told(browser)["items"] == []
    widget.target = "top"
    browser.wait(widget)
    rest(widget)
    assert told(browser)["items"] == [record]


def test_pages_keep_it(widget, browser):
    widget.method = "occlusion"
    browser.wait(widget)
    rest(widget)
    widget.method = "gradcam"
    browser.wait(widget)
    rest(widget)
    record = rank(widget, browser, [0, 1], ["gradcam", "occlusion"])
    answers = widget._exporter._archive.answers()
    kept = [answer for answer in answers if answer.traits["method"] in ("gradcam", "occlusion")]
    assert len(kept) >= 2
    for answer in kept:
        assert [ranking.record() for ranking in answer.rankings] == [record]
    widget.to_html()


@pytest.mark.parametrize(
    ("request_", "words"),
    [({"methods": ["crystal"]}, "crystal"), ({"cover": "fog"}, "fog"), ({"images": [99]}, "no image")],
)
def test_bad_requests_say_why_and_lose_nothing(widget, browser, request_, words):
    fields = {"column": 0, "images": [0], "methods": ["gradcam"], "cover": "blur", **request_}
    browser.say(widget, "rank", gen=browser.gen, **fields)
    rest(widget)
    (error,) = [m for m in browser.messages if m["kind"] == "error"]
    assert words in error["message"]
    assert widget.status == "done"


def test_a_model_without_probabilities_is_compared_by_its_score(browser, pictures):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((models.SIDE, models.SIDE, 3))
    conv = keras.layers.Conv2D(8, 3, activation="relu", padding="same")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(4)(keras.layers.GlobalAveragePooling2D()(conv)))
    with browser.open(kx.KxWidget(kx.Explainer(model, preprocess=ready), pictures[:1])) as w:
        browser.wait(w)
        rest(w)
        assert np.isnan(w.result.probabilities).all()
        record = rank(w, browser, [0], ["gradcam", "occlusion"])
        assert record["done"] == 2
        fresh = Explainer(model, preprocess=ready)
        for row in record["methods"]:
            truth = fresh.evaluate(fresh.explain(pictures[:1], method=row["method"]), "srg", images=pictures[:1])
            value = row["cells"][0]["value"]
            assert_allclose(np.nan if value is None else value, truth.scores["srg"][0, 0], rtol=1e-3, atol=1e-5)
