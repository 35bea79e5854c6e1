"""A page zoomed to 400 %: 1280 pixels are 320, and nothing has to be scrolled in two directions (WCAG 1.4.10)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser.gallery import states
from tests.browser.gallery.page import Gallery, Open
from tests.browser.opened import ROOT
from tests.browser.test_hosts import OVERFLOWING

WIDTH, HEIGHT = 320, 256
STATES: dict[str, tuple[str, Callable[[Gallery], object]]] = {
    "done": ("costs&labels", lambda view: view.await_status("done")),
    "methods": ("costs&labels", states.methods_open),
    "display": ("costs&labels", states.display_open),
    "panel": ("costs&labels&nearest", states.panel_open),
    "evidence": ("evidence&labels", states.measured),
    "evidence-cells": ("evidence&labels", states.cells_shown),
    "evidence-paint": ("evidence&labels", states.painted),
    "evidence-ranking": ("evidence&labels", states.ranked),
}


@pytest.mark.parametrize("state", STATES)
def test_nothing_is_cut_off_or_wider_than_the_page(gallery: Open, state: str) -> None:
    query, reach = STATES[state]
    view = gallery(f"step=1&{query}", WIDTH)
    view.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    reach(view)
    view.page.screenshot(path=ROOT / f"build/gallery-reflow-{state}.png", full_page=True)
    assert view.page.evaluate("document.documentElement.scrollWidth") <= WIDTH
    # A popup lies over the view, within the page.
    popup = view.root.locator(".popup:popover-open")
    if popup.count():
        box = popup.bounding_box()
        assert box is not None
        assert min(box["x"], box["y"]) >= 0
        assert box["x"] + box["width"] <= WIDTH
        assert box["y"] + box["height"] <= HEIGHT
        assert popup.evaluate("(popup) => popup.scrollWidth <= popup.clientWidth")
    else:
        assert view.root.evaluate(OVERFLOWING) == []
