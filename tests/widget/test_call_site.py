"""The user's own code around a widget: what it calls the arguments, and what it did to the weights."""

import json
import linecache
import sys

import numpy as np
import pytest
from PIL import Image

import kx_widget as kx
from kx_widget.widget.call_site import shared_arguments
from tests import cases, models
from tests.widget.conftest import NAMES
from tests.widget.page import until
from tests.widget.saved import Parsed, block_of, unpack

POSITIONS = pytest.mark.skipif(sys.version_info < (3, 11), reason="Python does not tell where a call is.")


@pytest.fixture
def cell(explainer):
    """Runs code as a cell of a notebook, and returns the arguments of the widget `w` in it."""
    notebook = {"__name__": "__main__", "kx": kx, "net": explainer.model, "photos": cases.photos(), "words": NAMES}
    notebook |= {"asker": explainer, "truth": ["cat", None, "dog"]}

    def run(code):
        linecache.cache["<cell>"] = (len(code), None, code.splitlines(True), "<cell>")
        exec(compile(code, "<cell>", "exec"), notebook)
        return notebook["w"]

    yield run
    notebook["w"].close()
    del linecache.cache["<cell>"]


def arguments(widget):
    return widget._exporter.welcome["arguments"]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("w = kx.KxWidget(net, photos, class_names=words)", ["net", "photos", "class_names=words"]),
        ("w = kx.KxWidget(asker, photos)", ["asker", "photos"]),
        ("def show(m):\n    return kx.KxWidget(m, photos, fit='pad')\nw = show(net)", ["net", "photos", "fit='pad'"]),
        ("w = kx.KxWidget(net, list(photos))", ["net", "images"]),
        pytest.param(
            "w = kx.KxWidget(net, photos, class_names=list(words))",
            ["net", "photos", "class_names=list(words)"],
            marks=POSITIONS,
        ),
        ("two = {'a': asker, 'b': asker}\nw = kx.KxWidget(two, photos)", ["two", "photos"]),
        pytest.param(
            "w = kx.KxWidget({'a': asker, 'b': asker}, photos)", ["{'a': asker, 'b': asker}", "photos"], marks=POSITIONS
        ),
        pytest.param("w = kx.KxWidget(net, photos[:2])", ["net", "photos[:2]"], marks=POSITIONS),
        pytest.param(
            "w = kx.KxWidget(net, [photos[0], photos[2]])", ["net", "[photos[0], photos[2]]"], marks=POSITIONS
        ),
        pytest.param("w = kx.KxWidget(\n  model=net, images=photos[0:2])", ["net", "photos[0:2]"], marks=POSITIONS),
        pytest.param(
            "a = 'é'; w = kx.KxWidget(net, photos[::-1], class_names=None)",
            ["net", "photos[::-1]", "class_names=None"],
            marks=POSITIONS,
        ),
    ],
)  # fmt: skip
def test_arguments_go_by_the_names_that_they_have_there(cell, code, expected):
    assert arguments(cell(code)) == expected


def test_labels_go_by_their_variable_until_they_are_others(cell):
    w = cell("w = kx.KxWidget(asker, photos, labels=truth)")
    assert (w.labels, w._names) == ([0, None, 1], {"labels": "truth"})
    cell("w.labels = [0, 1, 2]")
    assert w._names == {}
    cell("others = [2, 1, 0]; w.labels = others")
    assert w._names == {"labels": "others"}


def test_nobody_learns_from_a_page_where_files_lie(explainer, tmp_path):
    folder = tmp_path / "customer"
    folder.mkdir()
    paths = [str(folder / f"{n}.png") for n in range(3)]
    for path, pixels in zip(paths, cases.photos(), strict=True):
        Image.fromarray(np.uint8(255 * pixels.clip(0, 1))).save(path)
    with kx.KxWidget(explainer, paths) as w:
        w.wait()
        w.save(tmp_path / "page.html")
        w.save(tmp_path / "e.npz")
        text = (tmp_path / "page.html").read_text("utf-8")
        state = json.loads(Parsed(text).data)
        assert "customer" not in json.dumps(state)
        assert "customer" not in json.dumps(unpack(block_of(state))[0])
        assert [picture["name"] for picture in state["_images"]] == ["0.png", "1.png", "2.png"]
        assert kx.Explanation.load(tmp_path / "e.npz").names == ("0.png", "1.png", "2.png")
        assert w.result.names == tuple(paths)


def test_literals_that_tell_where_files_lie_are_left_out():
    told = ["net", "'/home/me/*.jpg'", "preprocess=scale", "class_names='~/names.txt'"]
    assert shared_arguments(told) == ["net", "images", "preprocess=scale", "class_names=class_names"]
    assert shared_arguments(["net", "['a.jpg', '/home/me/b.jpg']"]) == ["net", "images"]
    assert shared_arguments(["net", "'photos/*.jpg'"]) == ["net", "'photos/*.jpg'"]


@pytest.mark.parametrize(
    ("value", "taken"),
    [("wrong", "wrong"), ("predicted cat", "predicted 0"), ("true 3", "true 3"), ("predicted Dog", "predicted 1")],
)
def test_the_images_shown_and_their_order_are_traits(widget, browser, value, taken):
    asked = browser.gen
    widget.show, widget.sort = value, "unsure"
    assert (widget.show, widget.sort, browser.gen) == (taken, "unsure", asked)
    with pytest.raises(kx.ParameterError, match=r"show='predicted horse' is no choice of images: pass 'all'"):
        widget.show = "predicted horse"
    assert widget.show == taken


def test_weights_changed_without_a_refresh_are_said(browser):
    model = models.residual()
    with browser.open(kx.KxWidget(model, cases.photos())) as w:
        browser.wait(w)
        w._check_weights()
        assert not w.weights_changed
        model.layers[-1].bias.assign([9.0, 0.0, 0.0, 0.0])
        browser.say(w, "seen", view="view", visible=True)
        assert w.weights_changed
        browser.say(w, "refresh", gen=browser.gen)
        assert not w.weights_changed
        assert browser.wait(w).targets.tolist() == [[0], [0], [0]]
        until(lambda: w.status == "done")
        w._check_weights()
        assert not w.weights_changed
