"""How far maps can be believed: below the tiles, in the panel, and in a page without a kernel."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.axe import complaints
from tests.browser.lab import Lab
from tests.browser.opened import pixels
from tests.browser.view import WIDE, View, view_of

CELL = """
import kx_widget as kx

model, images, class_names, masks = kx.samples.load()
w = kx.KxWidget(model, images[:3], class_names=class_names)
w
"""


@pytest.fixture(scope="module")
def view(lab: Lab) -> Iterator[View]:
    with view_of(lab, [CELL], WIDE) as view:
        yield view


def test_each_tile_has_its_line_and_the_panel_the_whole_sentence(view: View, panel: Locator) -> None:
    lines = view.root.locator(".evidence-line")
    expect(panel.get_by_role("tablist")).to_be_visible(timeout=60_000)
    expect(lines.first).not_to_contain_text("Not measured")
    for line in lines.all():
        expect(line).not_to_have_text("")
        expect(line.locator("svg")).to_have_count(1)
        assert line.evaluate("line => line.offsetHeight") == 12
    sentence = view.notebook.value(
        "w.explainer.evaluate(w.result.of_image(0), ['sparseness', 'effective_area', 'random_logit',"
        " 'single_deletion', 'srg'], images=images[:1]).verdict(0, 0)"
    )
    expect(panel.locator(".evidence-verdict")).to_contain_text(sentence)


def test_a_saved_page_shows_the_same_and_every_picture(view: View, panel: Locator, lab: Lab, tmp_path: Path) -> None:
    expect(panel.get_by_role("slider")).to_be_visible(timeout=60_000)
    view.notebook.until(
        lambda: view.notebook.value("bool(w._session._latest.current.evidence.curves)") == "True", "it is kept"
    )
    view.root.get_by_role("button", name="Export").click()
    with view.notebook.page.expect_download() as download:
        view.root.get_by_role("menuitem", name="Page").click()
    file = shutil.copy(download.value.path(), tmp_path / "page.html")
    page = lab.page((1600, 1000))
    page.goto(file.as_uri())
    saved = page.get_by_role("region", name="Image in focus")
    for part in (".evidence-verdict", ".numbers", ".shares"):
        expect(saved.locator(part)).to_have_text(panel.locator(part).text_content() or "")
    slider, canvas = saved.get_by_role("slider"), saved.locator(".covered canvas")
    for curve, button in (("deletion", "cover it"), ("insertion", "show it alone")):
        saved.get_by_role("button", name=button).click()
        slider.press("Home")
        for step in (0, 1, 4, 10):
            while slider.get_attribute("aria-valuenow") != str(step):
                slider.press("ArrowRight")
            scored = f"w.explainer.scored_picture(w.result, 0, 0, step={step}, curve={curve!r}, images=images[:3])"
            values = view.notebook.numbers(f"{scored}.pixels.ravel()")
            view.notebook.until(
                lambda values=values: (pixels(canvas)[..., :3].ravel() == values).all(), f"{curve} {step} is equal"
            )
            top = view.notebook.value(f"class_names[int({scored}.scores.argmax())]")
            expect(saved.locator(".covered-classes li").first).to_contain_text(top)
    expect(saved.get_by_role("combobox", name="with")).to_be_disabled()
    assert complaints(page) == []
    page.close()


def test_along_the_curve_is_the_picture_that_was_scored(view: View, panel: Locator) -> None:
    slider = panel.get_by_role("slider", name="Part that is covered")
    slider.focus()
    view.notebook.page.keyboard.press("Home")
    expect(slider).to_have_attribute("aria-valuenow", "0")
    covered = panel.locator(".covered")
    expect(covered).to_contain_text("0 % covered: the very picture")
    before = pixels(covered.locator("canvas"))
    box = slider.bounding_box()
    assert box is not None
    mouse = view.notebook.page.mouse
    mouse.move(box["x"] + 40, box["y"] + box["height"] / 2)
    mouse.down()
    mouse.move(box["x"] + 0.55 * box["width"], box["y"] + box["height"] / 2, steps=5)
    mouse.up()
    expect(slider).to_have_attribute("aria-valuenow", "5")
    expect(covered).to_contain_text("50 % covered")
    scored = "w.explainer.scored_picture(w.result, 0, 0, step=5, images=images[:3])"
    top = view.notebook.value(f"class_names[int({scored}.scores.argmax())]")
    classes = panel.get_by_role("list", name="Most probable classes of the covered picture")
    expect(classes.get_by_role("listitem").first).to_contain_text(top)
    expect(slider).to_have_attribute("aria-valuetext", f"50 % covered, {figure(slider)}, {top} first")
    values = view.notebook.numbers(f"{scored}.pixels[..., 0].ravel()")
    view.notebook.until(lambda: (pixels(covered.locator("canvas"))[..., 0].ravel() == values).all(), "pixels are equal")
    assert (before[..., 0].ravel() != values).any()


def figure(slider: Locator) -> str:
    """The probability that the slider tells."""
    return (slider.get_attribute("aria-valuetext") or "").split(", ")[1]


def test_another_cover_is_measured_anew(view: View, panel: Locator) -> None:
    panel.get_by_role("combobox", name="with").select_option("black")
    scored = "w.explainer.scored_picture(w.result, 0, 0, step=5, cover='black', images=images[:3])"
    values = view.notebook.numbers(f"{scored}.pixels[..., 0].ravel()")
    canvas = panel.locator(".covered canvas")
    view.notebook.until(lambda: (pixels(canvas)[..., 0].ravel() == values).all(), "the cover is black")


def test_a_cell_is_shown_in_all_three(view: View, panel: Locator) -> None:
    # What is measured last moves the cells no more.
    expect(panel.locator(".numbers dt", has_text="SRG")).to_have_count(1, timeout=60_000)
    panel.get_by_role("tab", name="Covering").focus()
    view.notebook.page.keyboard.press("ArrowRight")
    expect(panel.get_by_role("tab", name="Cells")).to_have_attribute("aria-selected", "true")
    panel.locator(".cells rect").nth(5).hover()
    expect(panel.locator(".tabs [data-pointed]")).to_have_count(3)
    expect(panel.get_by_role("tabpanel")).to_contain_text("row 2, column 2: covering it costs")
    assert complaints(view.notebook.frame) == []


def test_the_rest_is_measured_on_demand(view: View, panel: Locator) -> None:
    panel.get_by_role("tab", name="Covering").click()
    button = panel.get_by_role("button", name="Measure all in sight")
    expect(button).to_contain_text(" · ")  # what it takes
    button.click()
    expect(button).to_have_count(0)
    view.root.locator("[data-kx-tile][data-image='2'] canvas").click()
    expect(panel.get_by_role("slider")).to_be_visible(timeout=60_000)
