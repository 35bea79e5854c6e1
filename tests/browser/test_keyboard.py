"""The whole tour by keyboard alone in a real JupyterLab, with the focus in sight at every step."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.lab import Lab
from tests.browser.test_life import fresh
from tests.browser.view import View

SHORTCUTS = ("a", "b", "x", "m", "d", "d")
HAS_FOCUS = "(e) => e.getRootNode().activeElement === e"
# Where the target lies from what has the focus; null when that is outside of the view.
DIRECTION = """(target) => {
    const active = target.getRootNode().activeElement;
    return active && (active.compareDocumentPosition(target) & Node.DOCUMENT_POSITION_FOLLOWING ? "Tab" : "Shift+Tab");
}"""
# The outline is drawn around a field, or the tree's row, where these have what is focused.
OUTLINED = """(e) => [e, e.closest(".field"), e.querySelector("[data-active]")].some((one) => {
    const style = one && getComputedStyle(one);
    return style && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
})"""


class Keys:
    """A user without a mouse."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.page = view.notebook.page
        self._cells = self._cells_now()

    def press(self, *keys: str) -> None:
        """Press keys; none of them may reach the notebook."""
        for key in keys:
            self.page.keyboard.press(key)
            assert self._cells_now() == self._cells, f"{key} leaked"

    def enter(self) -> None:
        """Tab from the notebook into the view."""
        for _ in range(40):
            if self.view.root.evaluate("(root) => root.contains(root.getRootNode().activeElement)"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError("Tab does not lead into the view")

    def go_to(self, target: Locator) -> None:
        """Tab, forwards or backwards, until the target has the focus, which must then be seen."""
        for _ in range(60):
            if target.evaluate(HAS_FOCUS):
                assert target.evaluate(OUTLINED), f"no outline around {target}"
                return
            direction = target.evaluate(DIRECTION)
            assert direction, f"the focus was lost on the way to {target}"
            self.press(direction)
        raise AssertionError(f"Tab does not lead to {target}")

    def _cells_now(self) -> list[tuple[str, str]]:
        return [(cell["cell_type"], "".join(cell["source"])) for cell in self.view.notebook.cells()]


@pytest.fixture
def view(lab: Lab) -> Iterator[View]:
    view = fresh(lab)
    yield view
    assert view.notebook.console_errors == []
    assert view.notebook.foreign_requests == []
    view.notebook.page.close()


def value_in(element: Locator) -> str:
    """What an element says, without what lies between words."""
    return "".join((element.text_content() or "").split())


def test_tour_by_keyboard_alone(view: View) -> None:
    keys, root = Keys(view), view.root
    keys.enter()

    before, layer = view.pixels(), view.other("layer")
    keys.go_to(view.layer_search)
    keys.press(*layer, "ArrowDown")
    keys.go_to(view.layers)
    keys.press(*SHORTCUTS, "Enter")
    view.await_trait("layer", layer)
    before = view.await_other_pixels(before)
    keys.press("Shift+Tab", "Control+a", "Backspace")

    name = view.other("target")
    keys.go_to(view.classes)
    keys.press(*name, "Enter")
    view.await_trait("target", name)
    before = view.await_other_pixels(before)

    keys.go_to(view.methods)
    keys.press(*"hirescam", "Enter")
    view.await_trait("method", "hirescam")
    before = view.await_other_pixels(before)

    keys.go_to(root.get_by_role("switch", name="TTA"))
    keys.press(*SHORTCUTS, "Space")
    mirror = root.get_by_role("checkbox", name="Mirror")
    keys.go_to(mirror)
    keys.press(*SHORTCUTS, "Space")
    view.notebook.until(lambda: view.trait("params").get("tta", {}).get("hflip") is False, "TTA without mirroring")
    view.settle()
    view.await_other_pixels(before)
    keys.go_to(root.get_by_role("switch", name="TTA"))
    keys.press("Space")
    view.await_trait("params", {})

    keys.go_to(root.get_by_label("Compare", exact=True))
    keys.press("c")
    view.await_trait("compare", "targets")
    expect(root.locator("[data-kx-tile][data-column='1']").first).to_be_visible()
    view.settle()

    tile = root.locator("[data-kx-tile][data-image='0'][data-column='0']")
    spoken = root.get_by_role("log", name="Value under the crosshair")
    keys.go_to(tile.locator("canvas"))
    keys.press(*SHORTCUTS, "ArrowRight", "ArrowDown")
    # After a while, and perhaps of the first press before that of both.
    view.notebook.until(lambda: bool(value_in(spoken)) and value_in(spoken) in value_in(tile), "the place is spoken")
    first = spoken.inner_text()
    assert re.search(r"\d+,\d+\s+\S+", first)
    expect(tile).to_contain_text(first)
    keys.press("Shift+ArrowRight")
    expect(spoken).not_to_have_text(first)
    expect(tile).to_contain_text(spoken.inner_text())
    at, further = (int(text.split(",")[0]) for text in (first, spoken.inner_text()))
    assert further > at
    keys.press("+")
    keys.go_to(root.get_by_role("button", name="Reset view"))
    keys.press("Enter")

    keys.go_to(view.methods)
    keys.press(*"RISE", "Enter")
    view.await_trait("method", "rise")
    # So many that no walk to the button takes longer.
    keys.go_to(root.get_by_label("Masks", exact=True))
    keys.press("Control+a", *"20000", "Enter")
    view.await_trait("params", {"masks": 20_000})
    view.await_status("running")
    keys.go_to(root.get_by_role("button", name="Cancel"))
    keys.press(*SHORTCUTS, "Enter")
    view.await_status("cancelled")
    keys.press(*SHORTCUTS)

    keys.go_to(root.get_by_label("Masks", exact=True))
    keys.press(*SHORTCUTS, "Control+a", *"16", "Enter")
    view.await_trait("params", {"masks": 16})
    view.settle()

    keys.go_to(root.get_by_role("button", name="Export"))
    keys.press("Enter")
    expect(root.get_by_role("menuitem").first).to_be_focused()
    with keys.page.expect_download() as download:
        keys.press(*SHORTCUTS, "Enter")
    assert download.value.suggested_filename.endswith(".png")
    assert Path(download.value.path()).read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    keys.go_to(root.get_by_role("button", name="Export"))
