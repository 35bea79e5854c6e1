"""Wheel, mouse and fingers move what is looked at and leave the notebook its own; every screen gets its own pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from tests.browser.gallery import states
from tests.browser.gallery.page import Gallery, Open
from tests.browser.opened import pixels
from tests.browser.view import difference

SCROLLED = "([sheet, y]) => sheet.scrollTop > y"
PAGE_SCROLLED = "(y) => window.scrollY > y"
# Notebooks go on below a view.
GO_ON = "() => document.body.append(Object.assign(document.createElement('div'), { style: 'height: 3000px' }))"
# Where the grid stands once a finger's swing has run out.
AT_REST = """(sheet) => new Promise((resolve) => {
    let [y, frames] = [sheet.scrollTop, 0];
    const look = () => {
        frames = sheet.scrollTop === y ? frames + 1 : 0;
        y = sheet.scrollTop;
        if (frames > 20) resolve(y);
        else requestAnimationFrame(look);
    };
    look();
})"""


def middle(canvas: Locator) -> tuple[float, float]:
    box = canvas.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def is_zoomed(view: Gallery, zoomed: bool = True) -> None:
    """Wait until the view is zoomed, or as a whole again."""
    expect(view.button("Reset view")).to_have_attribute("aria-disabled", str(not zoomed).lower())


def seen(view: Gallery) -> list[np.ndarray]:
    """The first two tiles without a crosshair."""
    view.page.mouse.move(1, 1)
    expect(view.root.locator(".readout").first).to_be_hidden()
    return [pixels(view.canvases.nth(at)) for at in (0, 1)]


@pytest.mark.every_browser
def test_the_wheel_scrolls_the_grid_until_a_tile_is_clicked(gallery: Open) -> None:
    view = gallery("images=60&step=1")
    view.await_status("done")
    page, canvas = view.page, view.canvases.first
    sheet = view.root.locator(".sheet").element_handle()
    canvas.hover()
    page.mouse.wheel(0, 120)
    page.wait_for_function(SCROLLED, arg=[sheet, 100])
    is_zoomed(view, False)
    canvas = view.canvases.nth(12)
    canvas.click()
    before = sheet.evaluate(AT_REST)
    page.mouse.wheel(0, -300)
    is_zoomed(view)
    assert sheet.evaluate("(sheet) => sheet.scrollTop") == before
    # Another pointer's way out of the tile takes the wheel back to the grid.
    page.mouse.move(1, 450)
    canvas.hover()
    page.mouse.wheel(0, 120)
    page.wait_for_function(SCROLLED, arg=[sheet, before + 100])


def wheel_until(view: Gallery, pixels_down: float, condition: str) -> None:
    """Turn the wheel step by step; browsers go on for a while with what they have scrolled last."""
    sheet = view.root.locator(".sheet")
    for _ in range(80):
        view.page.mouse.wheel(0, pixels_down)
        sheet.evaluate(AT_REST)
        if sheet.evaluate(condition):
            return
    raise AssertionError(condition)


def test_the_wheel_goes_on_in_the_notebook_where_the_grid_ends_or_slides_under_the_pointer(gallery: Open) -> None:
    view = gallery("images=60&step=1")
    view.await_status("done")
    page, sheet = view.page, view.root.locator(".sheet")
    page.evaluate(GO_ON)
    view.canvases.first.hover()
    sheet.evaluate("(sheet) => { sheet.scrollTop = sheet.scrollHeight; }")
    end = sheet.evaluate(AT_REST)
    wheel_until(view, 60, "() => window.scrollY > 100")
    # The pointer rests over the grid, and the notebook moves on under it, back, too.
    wheel_until(view, -60, "() => window.scrollY < 20")
    assert sheet.evaluate("(sheet) => sheet.scrollTop") == end
    x, y = middle(sheet)
    page.mouse.move(x, y)
    page.mouse.move(x + 2, y + 2)
    wheel_until(view, -60, f"(sheet) => sheet.scrollTop < {end - 100}")


@pytest.mark.parametrize("linked", [False, True])
def test_double_click_zooms_and_a_drag_moves_an_image_or_all_of_them(gallery: Open, linked: bool) -> None:
    view = gallery("images=2&step=1")
    view.await_status("done")
    if linked:
        view.field("Crosshair and zoom").select_option("all images")
        view.page.keyboard.press("Escape")
    whole = seen(view)
    view.canvases.first.dblclick()
    is_zoomed(view)
    zoomed = seen(view)
    x, y = middle(view.canvases.first)
    view.page.mouse.move(x, y)
    view.page.mouse.down()
    view.page.mouse.move(x + 40, y + 24, steps=4)
    expect(view.root.locator(".readout").nth(1)).to_be_visible(visible=linked)
    view.page.mouse.up()
    moved = seen(view)
    for before, after, first in list(zip(zoomed, moved, whole, strict=True))[: 1 + linked]:
        assert difference(before, first) > 0.5
        assert np.abs(after[24:, 40:].astype(float) - before[:-24, :-40]).mean() < 2
        assert np.abs(after.astype(float) - before).mean() > 5
    assert linked or difference(moved[1], whole[1]) == 0
    view.canvases.first.dblclick(modifiers=["Shift"])
    is_zoomed(view, False)
    assert all(difference(now, first) == 0 for now, first in zip(seen(view), whole, strict=True))


def test_the_columns_of_an_image_are_zoomed_together(gallery: Open) -> None:
    view = gallery('images=2&step=1&traits={"compare":"targets"}')
    view.await_status("done")
    canvases = [view.root.locator(f"[data-image='{i}'][data-column='{c}'] canvas") for i, c in ((0, 0), (0, 2), (1, 0))]
    whole = [pixels(canvas) for canvas in canvases]
    canvases[0].dblclick()
    is_zoomed(view)
    view.page.mouse.move(1, 1)
    expect(view.root.locator(".readout").first).to_be_hidden()
    changed = [difference(pixels(canvas), before) for canvas, before in zip(canvases, whole, strict=True)]
    assert changed[0] > 0.5
    assert changed[1] > 0.5
    assert changed[2] == 0


def test_two_fingers_zoom_and_one_scrolls_or_moves_what_is_zoomed(gallery: Open) -> None:
    view = gallery("images=60&step=1", has_touch=True)
    view.await_status("done")
    page = view.page
    page.evaluate(states.NO_REST)
    sheet = view.root.locator(".sheet").element_handle()
    touches = page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        at: list[dict[str, Any]] = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]
        touches.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    def drag(*ways: tuple[tuple[float, float], tuple[float, float]]) -> None:
        """Fingers go from here to there at the same time."""
        touch("touchStart", *(start for start, _ in ways))
        for part in np.linspace(0.1, 1, 10):
            touch("touchMove", *((a + part * (c - a), b + part * (d - b)) for (a, b), (c, d) in ways))
        touch("touchEnd")

    x, y = middle(view.canvases.first)
    drag(((x, y), (x, y - 80)))
    page.wait_for_function(SCROLLED, arg=[sheet, 20])
    is_zoomed(view, False)
    scrolled = sheet.evaluate(AT_REST)
    canvas = view.root.locator("[data-image='12'] canvas")
    x, y = middle(canvas)
    drag(((x - 20, y), (x - 80, y)), ((x + 20, y), (x + 80, y)))
    is_zoomed(view)
    before = pixels(canvas)
    drag(((x, y), (x, y - 60)))
    assert difference(before, pixels(canvas)) > 0.5
    assert sheet.evaluate(AT_REST) == scrolled


@pytest.mark.parametrize("density", [1.5, 2])
def test_a_tile_has_a_pixel_for_each_of_the_screen(gallery: Open, density: float) -> None:
    view = gallery("images=2&step=1", device_scale_factor=density)
    view.await_status("done")
    fine = pixels(view.canvases.first)
    size = view.canvases.first.evaluate("(canvas) => [canvas.clientHeight, canvas.clientWidth]")
    assert fine.shape[:2] == pytest.approx([density * side for side in size], abs=1)
    # The picture's own grain, which fewer pixels would blur.
    coarse = fine[: fine.shape[0] // 2 * 2, : fine.shape[1] // 2 * 2].astype(float)
    halved = coarse.reshape(coarse.shape[0] // 2, 2, -1, 2, 4).mean((1, 3)).repeat(2, 0).repeat(2, 1)
    assert np.abs(coarse - halved).mean() > 1
