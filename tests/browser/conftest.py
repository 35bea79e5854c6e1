"""One JupyterLab for all browser tests, one notebook for each module of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.lab import Lab


@pytest.fixture(scope="package")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab
