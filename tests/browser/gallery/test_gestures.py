"""Wheel, mouse and fingers move all tiles together and leave the notebook its own; every screen gets its own pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from tests.browser.gallery.page import Gallery, Open
from tests.browser.opened import pixels
from tests.browser.view import difference

SCROLLED = "(y) => window.scrollY > y"
# Where the page stands once a finger's swing has run out.
AT_REST = """() => new Promise((resolve) => {
    let [y, frames] = [window.scrollY, 0];
    const look = () => {
        frames = window.scrollY === y ? frames + 1 : 0;
        y = window.scrollY;
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


def test_the_wheel_scrolls_until_a_tile_is_clicked(gallery: Open) -> None:
    view = gallery("images=12&step=1")
    view.await_status("done")
    page, canvas = view.page, view.canvases.first
    canvas.hover()
    page.mouse.wheel(0, 120)
    page.wait_for_function(SCROLLED, arg=100)
    is_zoomed(view, False)
    page.mouse.move(*middle(canvas))
    canvas.click()
    before = page.evaluate("window.scrollY")
    page.mouse.wheel(0, -300)
    is_zoomed(view)
    assert page.evaluate("window.scrollY") == before
    # Another pointer's way out of the tile takes the wheel back to the notebook.
    page.mouse.move(1, 450)
    canvas.hover()
    page.mouse.wheel(0, 120)
    page.wait_for_function(SCROLLED, arg=before + 100)


def test_double_click_zooms_and_a_drag_moves_all_tiles(gallery: Open) -> None:
    view = gallery("images=2&step=1")
    view.await_status("done")
    whole = seen(view)
    view.canvases.first.dblclick()
    is_zoomed(view)
    zoomed = seen(view)
    x, y = middle(view.canvases.first)
    view.page.mouse.move(x, y)
    view.page.mouse.down()
    view.page.mouse.move(x + 40, y + 24, steps=4)
    view.page.mouse.up()
    moved = seen(view)
    for before, after, first in zip(zoomed, moved, whole, strict=True):
        assert difference(before, first) > 0.5
        assert np.abs(after[24:, 40:].astype(float) - before[:-24, :-40]).mean() < 2
        assert np.abs(after.astype(float) - before).mean() > 5
    view.canvases.first.dblclick(modifiers=["Shift"])
    is_zoomed(view, False)
    assert all(difference(now, first) == 0 for now, first in zip(seen(view), whole, strict=True))


def test_two_fingers_zoom_and_one_scrolls_or_moves_what_is_zoomed(gallery: Open) -> None:
    view = gallery("images=12&step=1", has_touch=True)
    view.await_status("done")
    page = view.page
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
    page.wait_for_function(SCROLLED, arg=20)
    is_zoomed(view, False)
    scrolled = page.evaluate(AT_REST)
    x, y = middle(view.canvases.first)
    drag(((x - 20, y), (x - 80, y)), ((x + 20, y), (x + 80, y)))
    is_zoomed(view)
    before = seen(view)
    drag(((x, y), (x, y - 60)))
    after = seen(view)
    assert all(difference(a, b) > 0.5 for a, b in zip(before, after, strict=True))
    assert page.evaluate(AT_REST) == scrolled


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


def test_the_hint_is_not_cut_by_what_stands_before_it(gallery: Open) -> None:
    view = gallery("images=2")
    view.await_status("done")
    details = view.root.locator(".dim.details")
    details.evaluate("(details) => details.append(' keras.applications.mobilenet.preprocess_input')")
    hint = view.root.get_by_text("zoom: Ctrl + wheel")
    expect(hint).to_be_visible()
    assert hint.evaluate("(hint) => hint.scrollWidth <= hint.clientWidth && hint.scrollHeight <= hint.clientHeight")
