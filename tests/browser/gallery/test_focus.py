"""The panel of the image in focus: by pointer and keyboard, as a column and as a drawer, with and without a kernel."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from tests.browser.gallery.page import NARROW, WIDE, Gallery, Open
from tests.browser.opened import pixels


def panel_of(view: Gallery) -> Locator:
    return view.root.get_by_role("region", name="Image in focus")


def test_a_click_on_a_class_explains_it_and_a_tile_brings_its_image(gallery: Open) -> None:
    view = gallery("images=8&labels&step=1", WIDE)
    view.await_status("done")
    panel = panel_of(view)
    view.root.locator("[data-kx-tile][data-image='2'] canvas").click()
    expect(panel.get_by_role("heading").first).to_contain_text("scene-3.jpg")
    expect(panel).to_contain_text("wrong: the true class is")
    bars = panel.get_by_role("list", name="Most probable classes").get_by_role("button")
    expect(bars.first).to_have_attribute("aria-pressed", "true")
    bars.nth(1).click()
    expect(bars.nth(1)).to_have_attribute("aria-pressed", "true")
    assert view.trait("target") == bars.nth(1).locator(".name").inner_text()
    panel.get_by_role("button", name="Why not").click()
    expect(panel.get_by_role("button", name="Why not")).to_have_attribute("aria-pressed", "true")
    assert view.trait("target") == "top − true"


def test_keys_step_through_the_rows_as_they_are_sorted(gallery: Open) -> None:
    view = gallery("images=8&labels&step=1", WIDE)
    view.await_status("done")
    panel = panel_of(view)
    view.field("Sort").select_option("wrong")
    first = int(view.root.locator("[data-kx-tile]").first.get_attribute("data-image") or -1)
    # The image in focus is further down.
    panel.locator("canvas").focus()
    for _ in range(8):
        view.page.keyboard.press("p")
    assert view.trait("selected") == [first]
    expect(panel).to_contain_text("1 of 8")
    view.page.keyboard.press("n")
    expect(panel).to_contain_text("2 of 8")


@pytest.mark.every_browser
def test_the_zoom_is_its_own_and_the_crosshair_that_of_the_tile(gallery: Open) -> None:
    view = gallery("images=3&step=1", WIDE)
    view.await_status("done")
    panel, tile = panel_of(view), view.canvases.first
    canvas = panel.locator("canvas")
    whole, before = pixels(canvas), pixels(tile)
    panel.get_by_role("button", name="Zoom in").click()
    zoomed = view.other_pixels(canvas, whole)
    assert (pixels(tile) == before).all()
    panel.get_by_role("button", name="Map", exact=True).click()
    view.other_pixels(canvas, zoomed)
    canvas.hover()
    for readout in (panel.locator(".readout"), view.root.locator(".tile .readout").first):
        expect(readout).to_be_visible()
    panel.get_by_role("button", name="Map", exact=True).click()
    panel.get_by_role("button", name="Fit the whole image").click()
    view.page.mouse.move(1, 1)
    expect(panel.locator(".readout")).to_be_hidden()
    assert np.abs(pixels(canvas).astype(float) - whole).mean() < 1


def test_with_control_the_wheel_zooms_the_panel_alone_where_a_driver_tells_both(gallery: Open) -> None:
    view = gallery("images=3&step=1", WIDE)
    view.await_status("done")
    panel, page = panel_of(view), view.page
    panel.locator("canvas").hover()
    page.keyboard.down("Control")
    page.mouse.wheel(0, -400)
    page.keyboard.up("Control")
    expect(panel.get_by_role("button", name="Zoom out")).to_have_attribute("aria-disabled", "false")
    expect(view.button("Reset view")).to_have_attribute("aria-disabled", "true")


@pytest.mark.every_browser
def test_keys_and_a_drag_move_the_zoom_of_the_panel_alone(gallery: Open) -> None:
    view = gallery("images=3&step=1", WIDE)
    view.await_status("done")
    panel, page = panel_of(view), view.page
    canvas, zoom_out = panel.locator("canvas"), panel.get_by_role("button", name="Zoom out")
    canvas.focus()
    page.keyboard.press("+")
    expect(zoom_out).to_have_attribute("aria-disabled", "false")
    page.keyboard.press("0")
    expect(zoom_out).to_have_attribute("aria-disabled", "true")
    page.keyboard.press("+")
    expect(zoom_out).to_have_attribute("aria-disabled", "false")
    page.mouse.move(1, 1)
    expect(panel.locator(".readout")).to_be_hidden()
    zoomed = pixels(canvas)
    canvas.hover()
    page.mouse.down()
    page.mouse.move(1, 1, steps=4)
    page.mouse.up()
    view.other_pixels(canvas, zoomed)
    expect(view.button("Reset view")).to_have_attribute("aria-disabled", "true")


def test_narrow_it_is_a_drawer_that_escape_closes(gallery: Open) -> None:
    view = gallery("images=3&step=1", NARROW)
    view.await_status("done")
    expect(panel_of(view)).to_have_count(0)
    view.button("Panel").click()
    expect(panel_of(view)).to_be_focused()
    view.page.keyboard.press("n")
    assert view.trait("selected") == [1]
    view.page.keyboard.press("Escape")
    expect(panel_of(view)).to_have_count(0)
    expect(view.button("Panel")).to_have_attribute("aria-expanded", "false")
