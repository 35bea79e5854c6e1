"""Two models side by side in a live page: which pictures they disagree about, and where their maps differ."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
from playwright.sync_api import Locator, expect

from tests.browser.axe import complaints
from tests.browser.lab import Lab
from tests.browser.opened import pixels
from tests.browser.view import View, control, difference

CELL = """
import json

import numpy as np

import kx_widget as kx

before, class_names = kx.samples.load_shortcut()
after, _ = kx.samples.load_shortcut(twin=True)
scenes, labels, _ = kx.samples.tagged_scenes(12, 1, None, seed=5)
w = kx.KxWidget({"before": before, "after": after}, scenes, class_names=class_names, labels=list(labels))
w
"""


def tile(root: Locator, image: int, column: int) -> Locator:
    return root.locator(f"[data-kx-tile][data-image='{image}'][data-column='{column}']")


def test_each_column_tells_what_its_model_predicts(view: View) -> None:
    expect(view.root.locator(".heading")).to_have_text(["before", "after"])
    told = "[[class_names[i] for i in p] for p in w.model_comparison.predicted.values()]"
    predicted = np.array(json.loads(view.notebook.value(f"json.dumps({told})")))
    image = int(np.flatnonzero(predicted[0] != predicted[1])[0])
    same = int(np.flatnonzero(predicted[0] == predicted[1])[0])
    for column in (0, 1):
        expect(tile(view.root, image, column).locator(".predicted")).to_contain_text(predicted[column, image])
    other = tile(view.root, image, 1).get_by_role("img", name="Another class than before")
    expect(other).to_have_count(1)
    expect(tile(view.root, same, 1).get_by_role("img", name="Another class")).to_have_count(0)
    expect(tile(view.root, image, 0).locator(".row-caption")).to_contain_text(re.compile(r"maps agree −?[01]"))
    assert complaints(view.notebook.frame) == []


def test_rows_are_those_that_the_models_disagree_about(view: View) -> None:
    changed = int(view.notebook.value("w.model_comparison.changed.sum()"))
    show = control(view.root, "Show")
    show.select_option("changed")
    expect(view.root.locator(".arrange .count")).to_have_text(f"{changed} of 12 images")
    view.await_trait("show", "changed")
    control(view.root, "Sort").select_option("map_agreement low")
    maps = "np.where(c.changed, c.agreement('after').correlations, 2).argmin()"
    least = view.notebook.value(f"(lambda c: {maps})(w.model_comparison)")
    expect(view.tiles.first).to_have_attribute("data-image", least)
    show.select_option("all")
    control(view.root, "Sort").select_option("given")


def test_the_difference_is_drawn_in_the_columns_of_the_others(view: View) -> None:
    first, other = (tile(view.root, 0, column).locator("canvas") for column in (0, 1))
    maps = [pixels(canvas) for canvas in (first, other)]
    view.root.get_by_role("button", name="difference", exact=True).click()
    expect(view.root.locator(".heading")).to_have_text(["before", "after − before"])
    view.leave()
    assert difference(pixels(first), maps[0]) < 0.02
    assert difference(pixels(other), maps[1]) > 0.05
    view.root.get_by_role("button", name="maps", exact=True).click()
    expect(view.root.locator(".heading")).to_have_text(["before", "after"])


def test_the_panel_is_about_the_model_that_is_looked_at(view: View, panel: Locator) -> None:
    said = panel.get_by_role("listitem").filter(has=panel.page.locator("button[title='Look at the map of after']"))
    said.get_by_role("button").click()
    expect(panel).to_contain_text("Predictions of after")
    expect(panel).to_contain_text("This map: after")
    view.notebook.execute("w.target = 'horse'")
    view.settle()
    for column in (0, 1):
        expect(tile(view.root, 0, column).locator("canvas")).to_have_attribute("aria-label", re.compile("horse"))
    assert view.notebook.value("[r.target_names[0][0] for r in w.results]") == "['horse', 'horse']"
    assert complaints(view.notebook.frame) == []


def test_a_saved_page_shows_both_and_their_difference(lab: Lab, view: View, tmp_path: Path) -> None:
    path = tmp_path / "models.html"
    view.notebook.execute(f"w.save({str(path)!r})")
    page = lab.browser.new_page()
    page.goto(path.as_uri())
    root = page.locator("[data-kx-root]")
    expect(root.locator(".heading")).to_have_text(["before", "after"])
    expect(tile(root, 0, 0).locator(".row-caption")).to_contain_text("maps agree")
    control(root, "Show").select_option("changed")
    expect(root.locator(".arrange .count")).to_have_text(re.compile(r"^\d of 12 images"))
    root.get_by_role("button", name="difference", exact=True).click()
    expect(root.locator(".heading")).to_have_text(["before", "after − before"])
    page.close()
