"""The cell that "Copy as Python" makes, run where it would be pasted, shows the same view of the same maps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.lab import Lab
from tests.browser.opened import ROOT
from tests.browser.view import View, alike

VIEWS: dict[str, dict[str, Any]] = {
    "a class by its name": {"target": "cat", "method": "layercam"},
    "a contrast": {"target": "cat − coffee cup", "sign": "signed", "colormap": "magma", "opacity": 0.8},
    "settings and smooth": {
        "method": "integrated_gradients",
        "params": {"steps": 4, "smooth": {"repetitions": 3, "noise": 0.2}},
        "threshold": 0.25,
        "scale": "all",
    },
    "classes compared": {"compare": "targets", "compare_with": ["top", "cat", 0], "selected": [1], "theme": "dark"},
    "methods compared": {"compare": "methods", "compare_with": ["gradcam", "xgradcam"]},
    "labels": {"labels": [0, None, 2, 1]},
    "what is shown, in which order and how": {
        "show": "unlabelled",
        "sort": "unsure",
        "limits": [0.1, 0.6],
        "cells": True,
        "map_style": "contours",
        "clip": 90,
    },
}
# The user's own names: none of them is the one that the widget's arguments have.
RENAMED = """
net, photos, words, truth = model, images[:4], class_names, [0, None, None, 1]
del model, images, class_names
"""
SAME = """
import numpy as np

w.wait(), old.wait()
for name in w.trait_names(sync=True):
    if name not in ("_model_module", "_anywidget_id", "_esm", "_snapshot", "_images", "layout", "tabbable", "tooltip"):
        assert getattr(w, name) == getattr(old, name), (name, getattr(w, name), getattr(old, name))
assert len(w.results) == len(old.results)
for mine, theirs in zip(w.results, old.results):
    assert mine.maps.any()
    assert mine.target_names == theirs.target_names
    np.testing.assert_allclose(mine.maps, theirs.maps, rtol=1e-5, atol=1e-7)
old.close()
"""


@pytest.fixture(scope="module")
def opened(lab: Lab) -> View:
    notebook = lab.open(ROOT / "notebooks/quickstart.ipynb")
    notebook.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    notebook.run_cell(notebook.find_cell("KxWidget("))
    notebook.execute(RENAMED)
    return View(notebook)


@pytest.fixture
def view(opened: View) -> Iterator[View]:
    opened.notebook.add_cell("w.close()\nw = kx.KxWidget(net, photos, class_names=words, labels=truth)\nw")
    view = View(opened.notebook)
    # No maps are sent to a view that is out of sight.
    view.root.scroll_into_view_if_needed()
    view.settle()
    yield view
    assert opened.notebook.cell_errors() == []
    assert opened.notebook.console_errors == []


def shown(view: View) -> list[int]:
    """The images of the tiles, in their order."""
    return [int(tile.get_attribute("data-image") or -1) for tile in view.tiles.all()]


@pytest.mark.parametrize("name", VIEWS)
def test_the_copied_cell_shows_the_same_view(view: View, name: str) -> None:
    notebook, wanted = view.notebook, VIEWS[name]
    notebook.execute(f"for name, value in {wanted!r}.items(): setattr(w, name, value)")
    view.settle()
    notebook.page.evaluate("() => navigator.clipboard.writeText('')")
    view.root.get_by_role("button", name="Copy as Python").click()
    code = notebook.until(
        lambda: notebook.page.evaluate("() => navigator.clipboard.readText()") or None, "it is copied"
    )
    images = shown(view)
    drawn = {image: view.pixels(image) for image in images}
    notebook.execute("old = w")
    views = notebook.page.locator("[data-kx-root]").count()
    notebook.add_cell(code)
    expect(notebook.page.locator("[data-kx-root]")).to_have_count(views + 1, timeout=60_000)
    copied = View(notebook)
    # As above.
    copied.root.scroll_into_view_if_needed()
    copied.settle()
    notebook.until(lambda: shown(copied) == images, "the same images are shown")
    for image in drawn:
        notebook.until(lambda i=image: alike(copied.pixels(i), drawn[i]), "both show the same")
    notebook.execute(SAME)
