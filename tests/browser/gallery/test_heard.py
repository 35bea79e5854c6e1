"""The whole panel as a screen reader has it, each name in order, on each tab of its evidence; see `heard/`."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.gallery import states
from tests.browser.gallery.page import Gallery, Open

HEARD = Path(__file__).with_name("heard")
TABS: dict[str, tuple[str, Callable[[Gallery], object]]] = {
    "Covering": ("covering", states.measured),
    "Cells": ("cells", states.cells_shown),
    "Paint": ("paint", states.painted),
    "Which map here?": ("ranking", states.ranked),
}


def heard(panel: Locator) -> str:
    """Names and states, without the time that the maps took."""
    return re.sub(r"\S+ m?s for all maps", "… for all maps", panel.aria_snapshot())


@pytest.mark.parametrize("tab", TABS)
def test_each_name_is_heard_in_its_place(gallery: Open, tab: str) -> None:
    name, reach = TABS[tab]
    view = gallery("evidence&step=1&labels&nearest", 1280)
    reach(view)
    panel = view.root.get_by_role("region", name="Image in focus")
    panel.get_by_text("All numbers").click()
    expect(panel.get_by_role("term").filter(has_text="Sparseness")).to_be_visible()
    around = (HEARD / "panel.txt").read_text("utf-8").replace(f'tab "{tab}"', f'tab "{tab}" [selected]')
    meant = around.replace("    …\n", (HEARD / f"{name}.txt").read_text("utf-8")).replace(
        "tabpanel", f'tabpanel "{tab}"'
    )
    assert heard(panel) == meant.rstrip("\n")
