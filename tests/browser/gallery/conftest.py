"""The gallery's pages in the browser of the lab."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.gallery.page import WIDE, Gallery, Open, served
from tests.browser.lab import Lab


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served() as url:
        yield url


@pytest.fixture
def gallery(lab: Lab, address: str) -> Iterator[Open]:
    """Opens the gallery with a query at a width; in the end nothing may have gone wrong in the page."""
    opened: list[Gallery] = []

    def open_(query: str = "", width: int = WIDE, **options: Any) -> Gallery:
        page = lab.page((width, 900), **options)
        opened.append(Gallery(page, f"{address}?{query}"))
        return opened[-1]

    yield open_
    for one in opened:
        one.page.close()
        assert one.errors == []
