"""Thumbnails: asked for after the answer, one pass for all layers, kept, and given up for the next question."""

import threading

import numpy as np
import pytest
from numpy.testing import assert_allclose

import kx_widget as kx
from kx_widget.engine.methods import METHODS
from tests import cases, models
from tests.widget.page import PATIENCE, rest, say

LAYERS = ["stem", "branch", "norm", "inside", "branch_end", "add", "after_add"]


@pytest.fixture
def widget(browser):
    w = browser.open(kx.KxWidget(models.residual(), cases.photos(), class_names=["cat", "dog", "cup", "sky"]))
    browser.wait(w)
    yield w
    w.close()


def want(widget, browser, image=0, column=0, have=""):
    """Ask, and wait until the worker has come to rest; all thumbnails told meanwhile, and their key."""
    browser.thumbnails, browser.key = {}, ""
    asked = {"kind": "want", "gen": browser.gen, "image": image, "column": column, "have": have}
    say(widget, asked)
    rest(widget)
    return browser.thumbnails


@pytest.mark.usefixtures("patient_prefetch")
@pytest.mark.parametrize("method", ["gradcam", "layercam", "eigencam"])
def test_every_layer_has_its_map_for_one_pass(widget, browser, method):
    widget.method, widget.target = method, "top-2"
    browser.wait(widget)
    rest(widget)
    before = widget.explainer.counts
    found = want(widget, browser, image=2)
    after = widget.explainer.counts
    assert [path for path in found if path in LAYERS] == LAYERS
    assert list(found) == list(widget.explainer.inspection.candidates)
    assert {name: after[name] - before[name] for name in ("layers", "trunk", "head", "predict")} == {
        **{"layers": 1, "trunk": 0, "head": 0, "predict": 0},
    }
    for path, values in found.items():
        alone = widget.explainer.explain(cases.photos()[2:], "top-2", method=method, layer=path)
        assert_allclose(values, alone.maps[0, 0], rtol=1e-4, atol=1e-6)


def test_they_are_kept_and_not_sent_to_who_has_them(widget, browser):
    first, key = want(widget, browser), browser.key
    widget.layer = "stem"
    browser.wait(widget)
    passes = widget.explainer.counts["layers"]
    assert want(widget, browser, have=key) == {}
    again = want(widget, browser)
    assert browser.key == key
    assert widget.explainer.counts["layers"] == passes
    assert all((first[path] == again[path]).all() for path in first)
    assert want(widget, browser, image=1)
    assert browser.key != key
    assert widget.explainer.counts["layers"] == passes + 1
    widget.explainer.model.layers[1].kernel.assign_add(0.1 * np.ones((3, 3, 3, 5)))
    want(widget, browser)
    assert browser.key != key


def test_what_is_kept_about_the_images_stays(widget, browser):
    want(widget, browser)
    ran = widget.explainer.counts["trunk"]
    widget.target = "dog"
    browser.wait(widget)
    assert widget.explainer.counts["trunk"] == ran


@pytest.mark.parametrize(
    ("traits", "title"),
    [
        ({"method": "scorecam"}, "Grad-CAM"),
        ({"method": "gradients"}, "Grad-CAM"),
        ({"params": {"smooth": {"repetitions": 2}}}, "Grad-CAM"),
        ({"method": "hirescam"}, "HiResCAM"),
        ({"compare": "methods", "compare_with": ["gradcam", "xgradcam"]}, "XGrad-CAM"),
    ],
)
def test_a_slow_method_leaves_them_to_a_quick_one(widget, browser, traits, title):
    for name, value in traits.items():
        setattr(widget, name, value)
    browser.wait(widget)
    assert len(want(widget, browser, column=len(widget.results) - 1)) == len(widget.explainer.inspection.candidates)
    assert [m for m in browser.messages if m["kind"] == "thumbnails"][-1]["method_title"] == title


def test_a_method_for_some_layers_shows_which(widget, browser):
    widget.method = "cam"
    browser.wait(widget)
    assert list(want(widget, browser))[-1] == "after_add"
    assert "stem" not in browser.thumbnails


@pytest.mark.parametrize("asked", [{"gen": 0}, {"image": 3}, {"image": -1}, {"column": 1}, {"gen": None}])
def test_what_cannot_be_answered_is_not(widget, browser, asked):
    say(widget, {"kind": "want", "gen": browser.gen, "image": 0, "column": 0, "have": "", **asked})
    rest(widget)
    assert "thumbnails" not in browser.kinds()


def test_another_question_interrupts_them(widget, browser, monkeypatch):
    asked, goes_on = threading.Event(), threading.Event()
    compile_layers = type(widget.explainer._models.last.functions).warm_layers

    def slowly(*arguments):
        asked.set()
        assert goes_on.wait(PATIENCE)
        compile_layers(*arguments)

    monkeypatch.setattr("kx_widget.engine.graph.compiled.Functions.warm_layers", slowly)
    say(widget, {"kind": "want", "gen": browser.gen, "image": 0, "column": 0, "have": ""})
    assert asked.wait(PATIENCE)
    widget.target = "dog"
    assert widget.wait().target_names[0] == ("dog",)
    goes_on.set()
    rest(widget)
    assert "thumbnails" not in browser.kinds()
    assert len(want(widget, browser)) == len(widget.explainer.inspection.candidates)


def test_every_method_has_thumbnails(widget, browser):
    for method in METHODS:
        if METHODS[method].cost == "instant" and METHODS[method].sees != "attention":
            widget.method = method
            browser.wait(widget)
            assert want(widget, browser), method


@pytest.fixture
def transformer(browser):
    net = models.transformer()
    w = browser.open(kx.KxWidget(net, cases.photos(), preprocess=None))
    browser.wait(w)
    yield w
    w.close()


def test_every_head_shows_where_it_looks(transformer, browser):
    """From the class token, as Keras returns it; the answer's own pass is all that it takes."""
    welcome = next(message for message in browser.messages if message["kind"] == "welcome")
    tree = [layer for layer in welcome["inspection"]["layers"] if layer["type"] == "AttentionHead"]
    assert [layer["path"] for layer in tree] == [f"block{b}/attention/head {h}" for b in range(3) for h in (1, 2)]
    assert not any(layer["is_candidate"] for layer in tree)
    rest(transformer)
    before = transformer.explainer.counts
    maps = want(transformer, browser, image=1)
    assert not [name for name in transformer.explainer.counts - before if not name.startswith("cache")]
    assert list(maps) == [layer["path"] for layer in tree]
    net = transformer.explainer.model
    y = cases.photos()
    for layer in net.layers[1:4]:
        y = layer(y)
    norm = net.get_layer("block0").norm1(y)
    attention = net.get_layer("block0").attention(norm, norm, return_attention_scores=True)[1].numpy()
    for head in (1, 2):
        expected = attention[1, head - 1, 0, 1:].reshape(4, 4)
        assert_allclose(maps[f"block0/attention/head {head}"], expected, rtol=1e-4, atol=1e-6)


def test_a_transformer_begins_with_its_attention_and_its_layers_follow_the_method(transformer, browser):
    inspection = transformer.explainer.inspection
    assert (transformer.method, transformer.layer) == ("attention_gradient", inspection.attention_start)
    transformer.method = "gradcam"
    assert transformer.layer == inspection.recommended
    assert transformer.wait().layer == inspection.recommended
    transformer.layer = "patches"
    transformer.method = "legrad"
    assert transformer.layer == "patches"
    transformer.layer = inspection.attention_start
    transformer.set_state({"method": "attention_rollout"})
    transformer.set_state({"params": {"fusion": "max"}})
    assert transformer.wait().params == {"fusion": "max", "discard": 0}
    transformer.method = "layercam"
    assert (transformer.layer, transformer.params) == (inspection.recommended, {})
    transformer.compare = "methods"
    transformer.compare_with = ["gradcam", "attention_gradient"]
    transformer.wait()
    assert [e.layer for e in transformer.results] == [inspection.recommended, inspection.attention_start]


def test_a_failure_is_said(widget, browser, monkeypatch):
    monkeypatch.setattr("kx_widget.engine.probe.Probe.cache_layers", lambda *_: 1 / 0)
    want(widget, browser)
    (message,) = [m for m in browser.messages if m["kind"] == "error"]
    assert (message["gen"], widget.status) == (0, "done")
