"""The gallery's pages in the browser of the lab."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.gallery.page import WIDE, Gallery, Open, served
from tests.browser.lab import Lab


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served() as url:
        yield url


@pytest.fixture(scope="module")
def spare() -> list[Page]:
    """Pages that are open and not in use: a new one takes longer than what most tests do in it."""
    return []


@pytest.fixture
def gallery(lab: Lab, address: str, spare: list[Page]) -> Iterator[Open]:
    """Opens the gallery with a query at a width; in the end nothing may have gone wrong in the page."""
    opened: list[tuple[Gallery, bool]] = []

    def open_(query: str = "", width: int = WIDE, **options: Any) -> Gallery:
        plain = not options
        page = spare.pop() if plain and spare else lab.page((width, 900), **options)
        page.set_viewport_size({"width": width, "height": 900})
        page.mouse.move(0, 0)
        opened.append((Gallery(page, f"{address}?{query}"), plain))
        return opened[-1][0]

    yield open_
    for one, plain in opened:
        if plain:
            one.page.goto("about:blank")
            spare.append(one.page)
        else:
            one.page.close()
        assert one.errors == []
