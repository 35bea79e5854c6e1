"""What only redraws, and what is read from it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import expect

from tests.browser.gallery.page import NARROW, Open
from tests.browser.gallery.states import limited, swiped
from tests.browser.opened import pixels

AT_THE_END = """(sheet) => {
    sheet.scrollTop = sheet.scrollHeight;
    const [last] = [...sheet.querySelectorAll("[data-image='499']")].slice(-1);
    const bottom = last?.getBoundingClientRect().bottom;
    const below = sheet.getBoundingClientRect().bottom - bottom;
    return below >= 0 && below < 40;
}"""


@pytest.mark.every_browser
def test_limits_by_keyboard_mouse_and_back(gallery: Open) -> None:
    view = gallery()
    view.await_status("done")
    canvas, upper = view.canvases.first, view.field("Upper limit")
    before = pixels(canvas)
    limited(view)
    moved = pixels(canvas)
    assert (moved != before).any()
    bar = view.root.locator(".scale").bounding_box()
    handle = upper.bounding_box()
    assert bar is not None
    assert handle is not None
    view.page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + 10)
    view.page.mouse.down()
    view.page.mouse.move(bar["x"] + bar["width"] / 2, handle["y"] + 10, steps=4)
    view.page.mouse.up()
    expect(upper).to_have_attribute("aria-valuenow", "50")
    dragged = pixels(canvas)
    assert (dragged != moved).any()
    view.button("Reset limits").click()
    expect(upper).to_have_attribute("aria-valuenow", "100")
    view.page.mouse.move(1, 1)
    assert (pixels(canvas) == before).all()


def test_limits_of_signed_maps_mirror_each_other(gallery: Open) -> None:
    view = gallery('traits={"sign":"signed","scale":"all"}')
    view.await_status("done")
    lower, upper = view.field("Lower limit"), view.field("Upper limit")
    lower.press("PageUp")
    expect(upper).to_have_attribute("aria-valuenow", "90")
    low, high = lower.get_attribute("aria-valuetext"), upper.get_attribute("aria-valuetext")
    assert low == f"−{high}"
    expect(view.root.locator(".whose")).to_have_text("all maps")
    view.field("Scale").select_option("image")
    expect(view.root.locator(".whose")).to_have_text("all maps of scene-1.jpg")


def test_the_picker_of_colours_shows_what_signed_maps_are_drawn_in(gallery: Open) -> None:
    view = gallery("step=1")
    view.await_status("done")
    colormap = view.field("Colormap")
    colormap.select_option("magma")
    view.field("Sign").select_option("signed")
    expect(colormap.locator("option")).to_have_text(["coldhot (signed)", "rdbu (signed)"])
    expect(colormap).to_have_value("coldhot")
    view.field("Sign").select_option("positive")
    expect(colormap).to_have_value("magma")
    assert view.trait("colormap") == "magma"
    # One of the three methods knows no sign.
    view.field("Compare").select_option("methods")
    view.field("Sign").select_option("signed")
    expect(colormap.locator("option:checked")).to_have_text("magma, signed coldhot")


@pytest.mark.every_browser
def test_swipe_bares_the_picture_on_the_left(gallery: Open) -> None:
    view = gallery()
    view.await_status("done")
    canvas = view.canvases.first
    covered = pixels(canvas)
    view.field("Swipe").fill("1")
    bare = pixels(canvas)
    swiped(view)
    half = pixels(canvas)
    middle = half.shape[1] // 2
    assert (half[:, : middle - 9] == bare[:, : middle - 9]).all()
    assert (half[:, middle + 9 :] == covered[:, middle + 9 :]).all()
    box = canvas.bounding_box()
    assert box is not None
    view.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 50)
    view.page.mouse.down()
    view.page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 60, steps=3)
    view.page.mouse.up()
    expect(view.field("Swipe")).to_have_value("0.25")
    expect(view.root.locator(".readout").first).to_be_hidden()


def test_the_picture_has_its_colours_where_it_is_bare_or_asked_for(gallery: Open) -> None:
    view = gallery()
    view.await_status("done")
    canvas = view.canvases.first
    grey = pixels(canvas)
    view.field("Photo").select_option("colour")
    colours = pixels(canvas)
    view.field("Style").select_option("contours")
    lines = pixels(canvas)
    view.field("Photo").select_option("grey")
    view.field("Threshold").fill("1")
    assert np.ptp(pixels(canvas)[..., :3], axis=-1).max() <= 1
    # Where no map covers it, it is as it is.
    view.field("Opacity").fill("0")
    bare = pixels(canvas)
    assert np.ptp(bare[..., :3], axis=-1).max() > 20
    # Between the lines is the picture; a map that is filled is nowhere but where it is zero.
    untouched = [(drawn == bare).all(-1).mean() for drawn in (grey, colours, lines)]
    assert untouched[0] < untouched[1] < untouched[2]


@pytest.mark.every_browser
def test_cells_of_the_map_and_pixels_of_the_picture(gallery: Open) -> None:
    view = gallery()
    view.await_status("done")
    canvas = view.canvases.first
    view.field("Opacity").fill("1")
    view.field("Photo").select_option("colour")
    # What is weaker lets the picture through.
    view.field("Threshold").fill("0.6")
    smooth = pixels(canvas)
    view.field("Map").select_option("cells")
    cells = pixels(canvas)
    view.field("Opacity").fill("0")
    bare = pixels(canvas)
    assert (cells != bare).any()
    assert mixed(cells, bare) == 0
    assert mixed(smooth, bare) > 0
    for _ in range(6):
        canvas.press("+")
    canvas.press("Escape")
    smooth = pixels(canvas)
    view.field("Picture").select_option("pixels")
    # Six steps of 1.5 into 320 pixels.
    assert borders(pixels(canvas)) <= 320 / 1.5**6 + 1 < borders(smooth)


def mixed(picture: NDArray[np.uint8], bare: NDArray[np.uint8], cells: int = 8) -> int:
    """How many of the cells are neither of one colour nor as bare as in the other picture."""
    height, width, _ = picture.shape
    found = 0
    for y, x in np.ndindex(cells, cells):
        rows = slice(-(-y * height // cells), (y + 1) * height // cells)
        columns = slice(-(-x * width // cells), (x + 1) * width // cells)
        cell = picture[rows, columns]
        found += not ((cell == cell[0, 0]).all() or (cell == bare[rows, columns]).all())
    return found


def borders(picture: NDArray[np.uint8]) -> int:
    """How many neighbours in the middle row differ."""
    row = picture[picture.shape[0] // 2]
    return int((row[1:] != row[:-1]).any(axis=-1).sum())


def test_the_value_under_a_crosshair_moved_by_keys_is_spoken(gallery: Open) -> None:
    view = gallery()
    view.await_status("done")
    spoken = view.root.get_by_role("log", name="Value under the crosshair")
    canvas = view.canvases.first
    canvas.focus()
    for _ in range(5):
        canvas.press("ArrowRight")
    readout = view.root.locator(".readout").first
    expect(readout).to_contain_text("176,160")
    expect(spoken).to_have_text(readout.inner_text())
    expect(spoken).to_contain_text("highest ")
    canvas.press("Escape")
    expect(spoken).to_be_empty()


@pytest.mark.parametrize("compare", ["none", "targets"])
def test_of_500_images_only_those_in_sight_are_in_the_page(gallery: Open, compare: str) -> None:
    view = gallery(f'images=500&traits={{"compare":"{compare}"}}')
    view.await_status("done")
    tiles, grid = view.root.locator("[data-kx-tile]"), view.root.locator(".sheet")
    expect(tiles.first).to_have_attribute("data-image", "0")
    assert 0 < tiles.count() < 60
    whole = grid.evaluate("(grid) => grid.scrollHeight")
    last = view.root.locator("[data-image='499']").first
    grid.evaluate("(grid) => { grid.scrollTop = grid.scrollHeight; }")
    expect(last).to_be_in_viewport()
    assert tiles.count() < 60
    assert pixels(last.locator("canvas"))[..., 3].all()
    assert grid.evaluate("(grid) => grid.scrollHeight") == pytest.approx(whole, abs=2)
    if compare == "targets":
        expect(view.root.get_by_text("2nd", exact=True).last).to_be_in_viewport()
    last.locator("canvas").click()
    assert view.trait("selected") == [499]
    # Other rows at another width: still the end can be reached, and no more is there than fits.
    view.page.set_viewport_size({"width": NARROW, "height": 900})
    handle = grid.element_handle()
    view.page.wait_for_function(AT_THE_END, arg=handle)
    assert tiles.count() < 60


def test_nothing_moves_for_those_who_do_not_want_it(gallery: Open) -> None:
    view = gallery("step=1", reduced_motion="reduce")
    moving = "(e) => getComputedStyle(e).transitionDuration + getComputedStyle(e, '::before').animationName"
    for part in (view.canvases.first, view.root.get_by_role("progressbar")):
        assert part.evaluate(moving) == "0snone"
