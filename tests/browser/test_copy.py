"""The cell that "Copy as Python" makes, run where it would be pasted, shows the same view of the same maps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.lab import Lab
from tests.browser.opened import ROOT
from tests.browser.view import View

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
}
SAME = """
import numpy as np

question = "layer method target params compare compare_with".split()
drawing = "sign scale colormap opacity threshold selected labels theme".split()
for name in question + drawing:
    assert getattr(w, name) == getattr(old, name), (name, getattr(w, name), getattr(old, name))
w.wait(), old.wait()
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
    notebook.execute("images = images[:4]")
    return View(notebook)


@pytest.fixture
def view(opened: View) -> Iterator[View]:
    opened.notebook.add_cell("w.close()\nw = kx.KxWidget(model, images, class_names=class_names)\nw")
    view = View(opened.notebook)
    # No maps are sent to a view that is out of sight.
    view.root.scroll_into_view_if_needed()
    view.settle()
    yield view
    assert opened.notebook.cell_errors() == []
    assert opened.notebook.console_errors == []


@pytest.mark.parametrize("name", VIEWS)
def test_the_copied_cell_shows_the_same_view(view: View, name: str) -> None:
    notebook, wanted = view.notebook, VIEWS[name]
    notebook.execute(f"for name, value in {wanted!r}.items(): setattr(w, name, value)")
    view.settle()
    view.root.get_by_role("button", name="Copy as Python").click()
    expect(view.root.get_by_text("copied", exact=True)).to_be_visible()
    code = notebook.page.evaluate("() => navigator.clipboard.readText()")
    notebook.execute("old = w")
    notebook.add_cell(code)
    notebook.execute(SAME)
