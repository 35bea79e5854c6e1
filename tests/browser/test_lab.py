"""The quickstart in a real JupyterLab: every act changes both what is seen and what Python has."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

import kx_widget as kx
from tests.browser.lab import PANEL, Lab, Notebook
from tests.browser.opened import ROOT
from tests.browser.view import DIFFERENT, View, control, difference

FOCUSABLE = "a[href], button, canvas, input, select, summary, textarea, [tabindex]"
START = "w.layer, w.method, w.target = w.explainer.inspection.recommended, 'gradcam', 'top'"
CELLS = f"""async () => {{
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    return {PANEL}.context.model.toJSON().cells.map((cell) => [cell.cell_type, [cell.source].flat().join("")]);
}}"""
SHORTCUTS = ("a", "b", "x", "m", "d", "d")


@pytest.fixture(scope="module")
def opened(lab: Lab) -> View:
    notebook = lab.open(ROOT / "notebooks/quickstart.ipynb", size=(1280, 1600))
    notebook.run_all()
    return View(notebook)


@pytest.fixture
def view(opened: View) -> Iterator[View]:
    opened.notebook.execute(START)
    opened.settle()
    opened.leave()
    yield opened
    assert opened.notebook.console_errors == []
    assert opened.notebook.foreign_requests == []


@pytest.mark.parametrize("trait", ["layer", "target", "method"])
def test_click_in_a_picker_changes_pixels_and_trait(view: View, trait: str) -> None:
    value, before = view.other(trait), view.pixels()
    view.choose(trait, value)
    view.await_trait(trait, value)
    view.await_other_pixels(before)


@pytest.mark.parametrize("trait", ["layer", "target", "method"])
def test_trait_set_in_a_cell_changes_pixels(view: View, trait: str) -> None:
    value, before = view.other(trait), view.pixels()
    view.notebook.add_cell(f"w.{trait} = {value!r}")
    view.await_other_pixels(before)
    assert view.trait(trait) == value


def test_drawing_controls_ask_the_kernel_nothing(view: View) -> None:
    before = view.pixels()
    questions = view.notebook.questions
    view.root.get_by_label("Opacity", exact=True).fill("1")
    opaque = view.await_other_pixels(before)
    view.await_trait("opacity", 1)
    colormap = "magma" if view.trait("colormap") != "magma" else "viridis"
    control(view.root, "Colormap").select_option(colormap)
    view.await_other_pixels(opaque)
    view.await_trait("colormap", colormap)
    view.root.get_by_label("Opacity", exact=True).fill("0")
    photograph = view.await_other_pixels(opaque)
    view.root.get_by_label("Opacity", exact=True).fill("0.6")
    view.await_other_pixels(photograph)
    view.await_trait("opacity", 0.6)
    assert view.notebook.questions == questions


def test_opacity_zero_shows_the_photograph(view: View) -> None:
    view.notebook.execute("w.opacity = 1.0")
    view.await_trait("opacity", 1)
    opaque = view.pixels()
    view.notebook.execute("w.opacity = 0.0")
    shown = view.await_other_pixels(opaque)[..., :3]
    view.notebook.execute("w.opacity = 0.6")
    photograph = view.notebook.numbers("images[0].ravel()").reshape(128, 128, 3)
    assert np.abs(samples(shown) - samples(photograph)).mean() < 12


def samples(picture: np.ndarray) -> np.ndarray:
    """The picture's colours at 32 by 32 places."""
    rows, columns = (((np.arange(32) + 0.5) / 32 * n).astype(int) for n in picture.shape[:2])
    return picture[np.ix_(rows, columns)].astype(float)


def test_zooming_one_tile_zooms_all_and_reset_takes_it_back(view: View) -> None:
    assert view.tiles.count() >= 2
    control(view.root, "Crosshair and zoom").select_option("all images")
    before = [view.pixels(image) for image in (0, 1)]
    view.canvas(0).hover()
    view.notebook.page.keyboard.down("Control")
    view.notebook.page.mouse.wheel(0, -400)
    view.notebook.page.keyboard.up("Control")
    view.leave()
    zoomed = [view.await_other_pixels(pixels, image) for image, pixels in enumerate(before)]
    view.root.get_by_role("button", name="Reset view").click()
    view.leave()
    for image, pixels in enumerate(zoomed):
        view.await_other_pixels(pixels, image)
        view.notebook.until(
            lambda image=image: difference(view.pixels(image), before[image]) == 0, "the first view is back"
        )


def test_crosshair_reads_the_value_in_every_tile(view: View) -> None:
    control(view.root, "Crosshair and zoom").select_option("all images")
    view.canvas(0).hover()
    for tile in view.tiles.all():
        expect(tile.locator(".readout")).to_be_visible()
        expect(tile.locator(".readout")).to_have_text(re.compile(r"\d"))
    view.check_readout()
    view.leave()
    for tile in view.tiles.all():
        expect(tile.locator(".readout")).to_be_hidden()


def test_typing_in_a_search_field_leaves_the_cells_alone(view: View) -> None:
    before = cells(view.notebook)
    for field in (view.layer_search, view.classes):
        field.click()
        field.fill("")
        for key in "a b x dd":
            view.notebook.page.keyboard.press("Space" if key == " " else key)
            assert cells(view.notebook) == before
        expect(field).to_have_value("a b x dd")
    view.notebook.page.keyboard.press("Escape")
    view.layer_search.fill("")
    view.leave()


def test_shortcut_keys_on_every_control_leave_the_cells_alone(view: View) -> None:
    before = cells(view.notebook)
    controls = view.root.locator(FOCUSABLE)
    tried = 0
    for focusable in controls.all():
        if not focusable.is_visible() or focusable.is_disabled():
            continue
        # Once an input has had the focus, JupyterLab ignores shortcuts until the focus leaves the widget.
        view.notebook.page.evaluate("() => document.activeElement.blur()")
        focusable.focus()
        tried += 1
        label = focusable.evaluate("(e) => e.outerHTML.slice(0, 120)")
        # One by one: together they may undo one another.
        for key in SHORTCUTS:
            view.notebook.page.keyboard.press(key)
            assert cells(view.notebook) == before, f"{key} leaked from {label}"
    assert tried >= 12
    view.layer_search.fill("")
    # Letters choose among the options of a list, here of the rows to show.
    view.root.get_by_label("Show", exact=True).select_option("all")


def cells(notebook: Notebook) -> list[list[str]]:
    """Type and text of every cell, when every key pressed before has had its effect."""
    return notebook.page.evaluate(CELLS)


def exported(view: View, item: str) -> Path:
    """What an item of the export menu downloads."""
    view.root.get_by_role("button", name="Export").click()
    with view.notebook.page.expect_download() as download:
        view.root.get_by_role("menuitem", name=item).click()
    return download.value.path()


def test_exported_numbers_and_page_are_what_python_has(view: View, lab: Lab, tmp_path: Path) -> None:
    numbers = shutil.copy(exported(view, "Numbers"), tmp_path / "numbers.npz")
    maps = kx.Explanation.load(numbers).maps
    np.testing.assert_array_equal(maps.ravel(), view.notebook.numbers("w.result.maps.ravel()"))
    label = view.canvas().get_attribute("aria-label")
    file = shutil.copy(exported(view, "Page"), tmp_path / "page.html")
    page = lab.page((1280, 900))
    page.goto(file.as_uri())
    expect(page.locator("[data-kx-tile] canvas").first).to_have_attribute("aria-label", label or "")
    page.close()


def test_light_and_dark(view: View) -> None:
    brightness = {}
    for theme in ("Dark", "Light"):
        view.notebook.command("apputils:change-theme", theme=f"JupyterLab {theme}")
        expect(view.root).to_have_attribute("data-theme", theme.lower())
        view.screenshot(f"build/lab-{theme.lower()}.png")
        brightness[theme] = view.layers.evaluate(BACKGROUND)
    assert brightness["Dark"] < 0.3
    assert brightness["Light"] > 0.8


# The luminance of the first opaque background behind an element, 0 to 1, whatever way its colour is written.
BACKGROUND = """(element) => {
    const context = document.createElement("canvas").getContext("2d");
    for (let e = element; e; e = e.parentElement ?? e.getRootNode().host) {
        context.reset();
        context.fillStyle = getComputedStyle(e).backgroundColor;
        context.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
        if (a > 200) return (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
    }
    return 1;
}"""


def test_running_the_cell_again_gives_one_fresh_view(view: View) -> None:
    view.notebook.execute("old = w")
    view.notebook.run_cell(view.notebook.find_cell("KxWidget("))
    view.notebook.until(lambda: view.notebook.value("w is old") == "False", "the cell has run")
    expect(view.notebook.page.locator("[data-kx-root]")).to_have_count(1)
    view.settle()
    assert difference(view.pixels(), np.zeros_like(view.pixels())) > DIFFERENT
