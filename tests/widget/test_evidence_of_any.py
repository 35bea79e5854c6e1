"""Evidence of models and images of any kind, while weights change, with stores: said in words, and nothing lost."""

import json

import keras
import numpy as np
import pytest

import kx_widget as kx
from kx_widget.engine.covering import Covering
from tests import models
from tests.engine.test_metric_laws import decisive
from tests.widget.decisive import NAMES, ready
from tests.widget.decisive import pictures as pictures
from tests.widget.page import PATIENCE, rest, stalled
from tests.widget.test_evidence import cover, measure, told


def regression():
    """A head of one number, which is no class."""
    x = keras.Input((models.SIDE, models.SIDE, 3))
    y = keras.layers.Conv2D(4, 3, activation="relu")(x)
    return keras.Model(x, keras.layers.Dense(1)(keras.layers.GlobalAveragePooling2D()(y)))


def logits():
    """A classifier without softmax, of which nobody says that it is one."""
    x = keras.Input((models.SIDE, models.SIDE, 3))
    y = keras.layers.Conv2D(4, 3, activation="relu")(x)
    return keras.Model(x, keras.layers.Dense(3)(keras.layers.Flatten()(y)))


def opened(browser, explainer, images):
    w = browser.open(kx.KxWidget(explainer, images))
    browser.wait(w)
    rest(w)
    return w


@pytest.mark.parametrize("make", [regression, logits])
def test_scores_without_probabilities(browser, pictures, make):
    keras.utils.set_random_seed(0)
    explainer = kx.Explainer(make(), preprocess=ready)
    with opened(browser, explainer, pictures) as w:
        item = told(browser)[0, 0]
        fresh = kx.Explainer(explainer.model, preprocess=ready)
        ev = fresh.evaluate(
            fresh.explain(pictures, method=w.method, layer=w.layer or None),
            ["sparseness", "effective_area", "random_logit", "single_deletion", "srg"],
            images=pictures,
        )
        assert (item["state"], item["verdict"]) == (ev.state(0, 0), ev.verdict(0, 0))
        assert all(metric["sentence"] for metric in item["metrics"])
        if item["curves"]:
            assert item["curves"]["value"] == "score"
            assert item["curves"]["ends"][1] == pytest.approx(float(fresh.predict(pictures[:1])[0].max()), rel=1e-3)
        message, _ = cover(w, browser, step=4)
        assert message["problem"] or message["classes"][0]["probability"] is None
        json.dumps(browser.messages, allow_nan=False)


def test_one_image(browser, pictures):
    with opened(browser, kx.Explainer(decisive(), preprocess=ready, class_names=NAMES), pictures[:1]):
        assert set(told(browser)) == {(0, 0)}
        assert told(browser)[0, 0]["curves"]


def test_five_hundred_images(browser):
    images = np.random.default_rng(0).integers(0, 256, (500, models.SIDE, models.SIDE, 3), np.uint8)
    with opened(browser, kx.Explainer(decisive(), preprocess=ready, class_names=NAMES), images) as w:
        found = told(browser)
        assert set(found) == {(image, 0) for image in range(500)}
        assert [image for image in range(500) if found[image, 0]["curves"]] == [0]
        w.selected = [499]
        rest(w)
        assert told(browser)[499, 0]["curves"]


def test_images_of_one_colour_say_why_nothing_can_be_told(browser):
    images = np.stack([np.full((models.SIDE, models.SIDE, 3), value, np.uint8) for value in (0, 90, 255)])
    with opened(browser, kx.Explainer(decisive(), preprocess=ready, class_names=NAMES), images) as w:
        for image in range(3):
            item = measure(w, browser, [image])[image, 0]
            # A blur of one colour is the same picture.
            assert item["state"] == "unknown"
            assert "Flat" in item["verdict"] or "cannot be told" in item["verdict"].lower()
            values = [metric for metric in item["metrics"] if metric["title"] in ("SRG", "Single deletion")]
            assert all(metric["value"] is None and metric["sentence"] for metric in values)
        assert w.status == "done"
        json.dumps(browser.messages, allow_nan=False)


def test_weights_that_change_while_it_is_measured_leave_no_mixture(browser, pictures, monkeypatch):
    explainer = kx.Explainer(decisive(), preprocess=ready, class_names=NAMES)
    with opened(browser, explainer, pictures) as w:
        before = told(browser)
        kernel = explainer.model.layers[-1].kernel
        with monkeypatch.context() as patched:
            _, asked, goes_on = stalled(patched, Covering, "_covered")
            browser.say(w, "measure", gen=browser.gen, images=[1], cover="mean")
            assert asked.wait(PATIENCE)
            kernel.assign(-kernel)
            goes_on.set()
            rest(w)
        after = told(browser)[1, 0]
        assert after["metrics"][:3] == before[1, 0]["metrics"]
        assert len(after["metrics"]) == 3, "what was measured of two models is told of neither"
        assert w.status == "done"
        w.refresh()
        browser.wait(w)
        rest(w)
        item = measure(w, browser, [1], "mean")[1, 0]
        fresh = kx.Explainer(explainer.model, preprocess=ready, class_names=NAMES)
        ev = fresh.evaluate(fresh.explain(pictures), ["single_deletion", "srg"], images=pictures, cover="mean")
        for metric, name in zip(item["metrics"][3:], ("single_deletion", "srg"), strict=True):
            np.testing.assert_allclose(np.float64(metric["value"]), ev.scores[name][1, 0], rtol=1e-3)


@pytest.mark.parametrize("has_model", [True, False])
def test_a_store_with_its_model_beside_it_and_without(browser, pictures, tmp_path, has_model):
    keras.utils.set_random_seed(0)
    explainer = kx.Explainer(decisive(), class_names=NAMES)
    for i, picture in enumerate(pictures):
        keras.utils.save_img(tmp_path / f"{i}.png", picture, scale=False)
    store = explainer.explain_to(tmp_path / "maps.parquet", str(tmp_path / "*.png"))
    with browser.open(kx.KxWidget.from_store(store, explainer if has_model else None)) as w:
        browser.wait(w)
        rest(w)
        found = told(browser)
        assert set(found) == ({(0, 0)} if has_model else set())
        message, data = cover(w, browser)
        assert bool(data) == has_model
        assert ("model" in message["problem"]) != has_model
        if has_model:
            paths = [str(tmp_path / f"{i}.png") for i in range(3)]
            ev = explainer.evaluate(explainer.explain(paths), ["srg"], images=paths)
            shown = next(metric for metric in found[0, 0]["metrics"] if metric["title"] == "SRG")
            np.testing.assert_allclose(np.float64(shown["value"]), ev.scores["srg"][0, 0], rtol=1e-3)
        assert w.status == "done"


def test_a_store_whose_picture_is_gone_is_shown_without_evidence(browser, pictures, tmp_path):
    explainer = kx.Explainer(decisive(), class_names=NAMES)
    for i, picture in enumerate(pictures):
        keras.utils.save_img(tmp_path / f"{i}.png", picture, scale=False)
    store = explainer.explain_to(tmp_path / "maps.parquet", str(tmp_path / "*.png"))
    (tmp_path / "0.png").unlink()
    with browser.open(kx.KxWidget.from_store(store, explainer)) as w:
        browser.wait(w)
        rest(w)
        assert (w.status, told(browser)) == ("done", {})
        assert "error" not in browser.kinds(), "nobody has asked for it"
        measure(w, browser, [0])
        (error,) = [m for m in browser.messages if m["kind"] == "error"]
        assert (error["gen"], error["message"]) == (0, "there is no such file")
        assert w.status == "done"
        w.selected = [1]
        browser.wait(w)
        rest(w)
        assert told(browser)[1, 0]["curves"]
