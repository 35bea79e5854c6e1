"""One JupyterLab for all browser tests, one notebook for each module of them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.lab import Lab
from tests.browser.opened import ROOT
from tests.browser.view import WIDE, View, view_of
from tools import gallery

# A view gives its kernel five seconds by itself, and the machine may be busy.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="package")
def running_lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    with Lab(request.config.getoption("--browser")) as lab:
        yield lab


@pytest.fixture(scope="module")
def lab(running_lab: Lab) -> Iterator[Lab]:
    """The JupyterLab of all modules, which each leaves without pages and kernels."""
    yield running_lab
    running_lab.close_all()


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


@pytest.fixture(scope="package")
def live_pages() -> Path:
    """The folder of the gallery's pages, made where they are not current."""
    subprocess.run([sys.executable, "-c", "from tools import gallery; gallery.make_if_stale()"], cwd=ROOT, check=True)
    return gallery.FOLDER


@pytest.fixture(scope="package")
def site(live_pages: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site; a dead link, or a public name that lacks words or a place in the reference, would end its making."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return folder
