"""One JupyterLab for all browser tests, one notebook for each module of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.lab import Lab
from tests.browser.view import WIDE, View, view_of

# A view gives its kernel five seconds by itself, and the machine may be busy.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="package")
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    with Lab(request.config.getoption("--browser")) as lab:
        yield lab


@pytest.fixture(scope="module")
def view(lab: Lab, request: pytest.FixtureRequest) -> Iterator[View]:
    """The view that the module's CELL makes, from its top on."""
    with view_of(lab, [request.module.CELL], WIDE) as view:
        view.root.evaluate("(root) => root.scrollIntoView({ block: 'start' })")
        yield view


@pytest.fixture
def panel(view: View) -> Locator:
    """The panel of the module's view."""
    return view.root.get_by_role("region", name="Image in focus")
