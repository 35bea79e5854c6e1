"""With fingers alone: choose, read, zoom, move, paint; Chromium sends the touches of a screen that it does not have."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from tests.browser.gallery import states
from tests.browser.gallery.page import NARROW, Gallery, Open
from tests.browser.opened import NEXT_FRAME, pixels, place, ready_to_paint
from tests.browser.view import difference

Point = tuple[float, float]


class Fingers:
    """Touches of a page, in its pixels."""

    def __init__(self, view: Gallery) -> None:
        self._protocol = view.page.context.new_cdp_session(view.page)

    def send(self, kind: str, *points: Point) -> None:
        touches: list[dict[str, Any]] = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]
        self._protocol.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    def go(self, *ways: tuple[Point, Point]) -> None:
        """They move at the same time, each from here to there, and stay."""
        for part in np.linspace(0.1, 1, 10):
            self.send("touchMove", *((a + part * (c - a), b + part * (d - b)) for (a, b), (c, d) in ways))

    def drag(self, *ways: tuple[Point, Point]) -> None:
        """They come down, move, and are lifted."""
        self.send("touchStart", *(start for start, _ in ways))
        self.go(*ways)
        self.send("touchEnd")


@pytest.fixture
def view(gallery: Open) -> Gallery:
    view = gallery("images=12&step=1", NARROW, has_touch=True)
    view.await_status("done")
    return view


def value_of(tile: Locator) -> Locator:
    return tile.locator(".readout")


def test_a_tap_on_a_tile_chooses_it_and_reads_what_is_under_the_finger(view: Gallery) -> None:
    tile = view.root.locator("[data-kx-tile]").nth(1)
    tile.locator("canvas").tap()
    expect(tile).to_have_attribute("data-selected", "true")
    expect(value_of(tile)).to_have_text(re.compile(r"\d"))
    assert view.page.evaluate("gallery.model.get('selected')") == [1]


def test_a_finger_that_rests_reads_values_and_scrolls_nothing(view: Gallery) -> None:
    fingers, tile = Fingers(view), view.root.locator("[data-kx-tile]").nth(1)
    canvas, sheet = tile.locator("canvas"), view.root.locator(".sheet")
    canvas.scroll_into_view_if_needed()
    x, y = place(canvas, 0.3, 0.7)
    scrolled = sheet.evaluate("(sheet) => sheet.scrollTop")
    fingers.send("touchStart", (x, y))
    expect(value_of(tile)).to_have_text(re.compile(r"\d"))
    first = value_of(tile).inner_text()
    fingers.go(((x, y), place(canvas, 0.6, 0.3)))
    expect(value_of(tile)).not_to_have_text(first)
    # The last of these moves is drawn with the next frame.
    for _ in range(2):
        view.page.evaluate(NEXT_FRAME)
    last = value_of(tile).inner_text()
    fingers.send("touchEnd")
    # Lifted, it has not chosen the tile, and what it covered can be read.
    expect(value_of(tile)).to_have_text(last)
    assert sheet.evaluate("(sheet) => sheet.scrollTop") == scrolled
    assert view.page.evaluate("gallery.model.get('selected')") == [0]


def test_two_fingers_zoom_and_one_moves_what_is_zoomed(view: Gallery) -> None:
    fingers, canvas = Fingers(view), view.canvases.first
    view.page.evaluate(states.NO_REST)
    canvas.scroll_into_view_if_needed()
    whole = pixels(canvas)
    x, y = place(canvas, 0.5, 0.5)
    fingers.drag(((x - 20, y), (x - 80, y)), ((x + 20, y), (x + 80, y)))
    expect(view.button("Reset view")).to_have_attribute("aria-disabled", "false")
    zoomed = pixels(canvas)
    assert difference(zoomed, whole) > 0.5
    fingers.drag(((x, y), (x - 30, y - 40)))
    assert difference(pixels(canvas), zoomed) > 0.5
    view.button("Reset view").tap()
    # The click of a tap comes after it.
    expect(view.button("Reset view")).to_have_attribute("aria-disabled", "true")
    assert difference(pixels(canvas), whole) == 0


def test_taps_choose_a_class_and_a_layer(view: Gallery) -> None:
    view.field("Class").tap()
    view.root.get_by_role("option", name="cup").tap()
    view.page.wait_for_function("gallery.model.get('target') === 'cup'")
    view.root.locator("summary").tap()
    layer = view.root.get_by_role("treeitem", name="conv", exact=False).last
    layer.tap()
    expect(layer).to_have_attribute("aria-selected", "true")


def test_a_finger_paints(gallery: Open) -> None:
    view = gallery("evidence&step=1", NARROW, has_touch=True)
    states.measured(view)
    panel = view.root.get_by_role("region", name="Image in focus")
    panel.get_by_role("tab", name="Paint").tap()
    canvas = ready_to_paint(view.root)
    canvas.scroll_into_view_if_needed()
    before = pixels(canvas)
    Fingers(view).drag((place(canvas, 0.3, 0.4), place(canvas, 0.7, 0.6)))
    expect(panel.get_by_role("button", name="Undo")).to_be_enabled()
    assert difference(pixels(canvas), before) > 0.01
    kinds = view.page.evaluate("gallery.model.sent.map(({ kind }) => kind)")
    assert "paint" in kinds
