"""A view is a frame: what is chosen, computed and drawn stays in sight, however far the grid is scrolled."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.gallery.page import Gallery, Open

# Whether an element lies within the window and its view, and nothing of the view lies over its middle.
IN_SIGHT = """(element) => {
    const view = element.closest(".kx").getBoundingClientRect();
    const { left, right, top, bottom } = element.getBoundingClientRect();
    const inside = top >= Math.max(0, view.top) && bottom <= Math.min(innerHeight, view.bottom)
        && left >= view.left && right <= view.right && bottom > top;
    const hit = element.getRootNode().elementFromPoint((left + right) / 2, (top + bottom) / 2);
    return inside && hit !== null && (element.contains(hit) || hit.contains(element));
}"""


def landmarks(view: Gallery) -> dict[str, Locator]:
    """What must never leave the screen."""
    names = ("Method", "Class", "Compare")
    roles = {name: view.root.get_by_role("combobox", name=name, exact=True) for name in names}
    bar = view.root.get_by_role("group", name="Colour bar")
    return {**roles, "status": view.root.locator(".state"), "Cancel": view.button("Cancel"), "colour bar": bar}


@pytest.mark.parametrize("compare", ["none", "targets"])
@pytest.mark.parametrize("images", [1, 8, 200])
def test_all_that_matters_stays_in_sight_wherever_the_grid_is(gallery: Open, images: int, compare: str) -> None:
    view = gallery(f'images={images}&step=1&traits={{"compare":"{compare}"}}', 1280)
    view.await_status("done")
    sheet = view.root.locator(".sheet")
    parts = landmarks(view)
    if compare != "none":
        headings = view.root.locator(".heading")
        expect(headings).to_have_count(3)
        parts |= {f"heading {i}": headings.nth(i) for i in range(3)}
    for part in (0, 0.5, 1):
        sheet.evaluate("(sheet, part) => { sheet.scrollTop = part * sheet.scrollHeight; }", part)
        expect(view.canvases.first).to_be_visible()
        assert {name for name, element in parts.items() if not element.evaluate(IN_SIGHT)} == set()
    assert view.root.locator(".kx").evaluate("(frame) => frame.offsetHeight") == 760
    assert view.page.evaluate("document.documentElement.scrollHeight <= innerHeight")


def test_the_height_is_the_trait_or_fits_the_window(gallery: Open) -> None:
    view = gallery("images=8&step=1")
    frame = view.root.locator(".kx")
    height = "(frame) => frame.offsetHeight"
    assert frame.evaluate(height) == 760
    view.page.set_viewport_size({"width": 1120, "height": 600})
    assert frame.evaluate(height) == 510
    view.page.evaluate("() => { gallery.model.set('height', 420); gallery.model.save_changes(); }")
    expect(frame).to_have_css("height", "420px")


def test_the_image_in_focus_stays_in_sight_when_columns_come_and_go(gallery: Open) -> None:
    view = gallery("images=8&step=1")
    view.await_status("done")
    view.root.locator("[data-image='5'] canvas").click()
    for compare in ("targets", "none"):
        view.field("Compare").select_option(compare)
        expect(view.root.locator("[data-image='5'][data-column='2']")).to_have_count(int(compare == "targets"))
        view.await_status("done")
        tile = view.root.locator("[data-image='5']").first
        expect(tile).to_be_in_viewport(ratio=1)
        expect(tile.locator("canvas")).to_have_css("outline-style", "solid")


def test_tiles_have_the_size_that_is_chosen(gallery: Open) -> None:
    view = gallery("images=60&step=1")
    view.await_status("done")
    canvas = view.canvases.first
    size = view.field("Size")
    for height in (120, 240):
        size.fill(str(height))
        box = canvas.bounding_box()
        assert box is not None
        assert 0.7 * height < box["height"] <= height
    size.dblclick()
    assert size.input_value() == "96"


NARROW_WIDTH = 360
ABOVE = """(root) => root.querySelector("[data-kx-tile] canvas").getBoundingClientRect().top
    - root.querySelector(".kx").getBoundingClientRect().top"""


def test_the_first_tile_is_near_the_top_where_there_is_little_room(gallery: Open) -> None:
    view = gallery("images=8&step=1", NARROW_WIDTH + 48)
    view.await_status("done")
    assert view.root.evaluate(ABOVE) <= 140
    cut = "(names) => names.filter((name) => name.scrollWidth > name.clientWidth).length"
    assert view.root.locator(".caption .name").evaluate_all(cut) == 0


@pytest.mark.parametrize("width", [250, 300, NARROW_WIDTH])
def test_nothing_lies_over_cancel_where_there_is_little_room(gallery: Open, width: int) -> None:
    view = gallery("images=8&step=1", width + 48)
    view.await_status("done")
    parts = {"status": view.root.locator(".state"), "Cancel": view.button("Cancel")}
    assert {name for name, element in parts.items() if not element.evaluate(IN_SIGHT)} == set()
    settings = view.button("Settings").bounding_box()
    cancel = view.button("Cancel").bounding_box()
    assert settings is not None
    assert cancel is not None
    assert cancel["x"] + cancel["width"] <= settings["x"] or cancel["y"] + cancel["height"] <= settings["y"]


@pytest.mark.every_browser
def test_the_panel_is_a_column_or_a_drawer_and_can_be_closed(gallery: Open) -> None:
    view = gallery("images=8&step=1", 1280)
    view.await_status("done")
    panel = view.root.get_by_role("region", name="Image in focus")
    expect(panel).to_be_visible()
    before = view.root.locator(".sheet").evaluate("(sheet) => sheet.clientWidth")
    view.button("Close the panel").click()
    expect(panel).to_have_count(0)
    assert view.root.locator(".sheet").evaluate("(sheet) => sheet.clientWidth") > before + 300
    view.page.set_viewport_size({"width": 640, "height": 900})
    view.button("Panel").click()
    expect(panel).to_be_in_viewport(ratio=1)
    view.page.keyboard.press("Escape")
    expect(panel).to_have_count(0)


# Controls in sight that neither have a tooltip nor stand in a field that has one.
WITHOUT = """(root) => [...root.querySelectorAll("button, input, select, [role=slider]")]
    .filter((control) => control.checkVisibility() && control.type !== "search" && !control.closest("[title]"))
    .map((control) => control.outerHTML.slice(0, 100))"""


def test_every_control_has_a_tooltip(gallery: Open) -> None:
    view = gallery('images=8&labels&traits={"compare":"targets","method":"blobs2"}', 1280)
    view.await_status("done")
    view.field("Colormap")
    assert view.root.evaluate(WITHOUT) == []


# As notebooks do with cells that are out of sight.
TAKE_OUT = """async () => {
    const view = document.querySelector(".view");
    const next = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    view.remove();
    await next();
    document.body.append(view);
    await next();
}"""


def test_a_grid_that_was_out_of_the_page_comes_back_where_it_was(gallery: Open) -> None:
    view = gallery("images=200&step=1")
    view.await_status("done")
    sheet = view.root.locator(".sheet")
    sheet.evaluate("(sheet) => { sheet.scrollTop = 2000; }")
    tile = view.root.locator("[data-image='100']")
    expect(tile).to_have_count(1)
    view.page.evaluate(TAKE_OUT)
    assert sheet.evaluate("(sheet) => sheet.scrollTop") == 2000
    expect(tile).to_have_count(1)
