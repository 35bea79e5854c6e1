"""The documentation as it is built: strictly, of some size, and alone, as files and from a server, wide and narrow."""

from __future__ import annotations

import functools
import http.server
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import complaints
from tests.browser.lab import Lab
from tests.browser.opened import Opened, pixels

WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 360, "height": 740}
MEGABYTES = 20
# Of each kind of page one.
PAGES = (
    "comparison.html", "evidence.html", "how-to/ci-gate.html", "methods.html", "protocol.html", "readme.html",
    "reference/cli.html", "reference/explainer.html", "tutorials/methods.html",
)  # fmt: skip


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files without a word."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def served(site: Path) -> Iterator[str]:
    """The address of the site on a server of this machine."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=["file", "server"])
def address(request: pytest.FixtureRequest, site: Path, served: str) -> str:
    """Of the site as a folder of files, and on a server."""
    return f"{site.as_uri()}/" if request.param == "file" else served


@pytest.fixture
def page(lab: Lab) -> Iterator[Page]:
    """A page that must complain about nothing and ask no other machine."""
    with lab.browser.new_context(viewport=WIDE, color_scheme="dark") as context:
        opened = Opened(context.new_page())
        yield opened.page
        assert opened.foreign_requests == []
        assert opened.console_errors == []


def test_it_is_small(site: Path):
    assert sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) < MEGABYTES * 1e6


def test_it_tells_programs_what_pages_there_are(site: Path):
    text = (site / "llms.txt").read_text("utf-8")
    named = re.findall(r"^- \[.+?\]\((.+?\.html)\)", text, re.M)
    assert text.startswith("# kx_widget\n\n> ")
    pages = {path.relative_to(site).as_posix() for path in site.rglob("*.html") if "md-main" in path.read_text("utf-8")}
    assert set(named) == pages - {"404.html"}


def test_nothing_in_it_has_an_address_to_load_from(site: Path):
    loaded = re.compile(
        r"""<(?:script|img|iframe|source|link rel="stylesheet")[^>]*?(?:src|srcset|href)="(https?:[^"]+)"""
    )
    assert not {address for path in site.rglob("*.html") for address in loaded.findall(path.read_text("utf-8"))}


def test_pages_show_and_fit(page: Page, served: str):
    for size in (NARROW, WIDE):
        page.set_viewport_size(size)
        for name in PAGES:
            page.goto(served + name)
            expect(page.locator("h1")).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (name, size)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_it(lab: Lab, served: str, scheme: Literal["light", "dark"]):
    for size in (NARROW, WIDE):
        with lab.browser.new_context(viewport=size, color_scheme=scheme) as context:
            page = context.new_page()
            for name in ("index.html", "comparison.html", "how-to/own-model.html", "reference/explainer.html"):
                page.goto(served + name)
                assert complaints(page, "body", ("serious", "critical")) == [], (name, size)


def test_it_is_searched(page: Page, address: str):
    page.goto(f"{address}readme.html")
    page.get_by_role("textbox", name="Search").fill("from_store")
    result = page.locator(".md-search-result__link").first
    expect(result).to_be_visible()
    result.click()
    expect(page.locator("article")).to_contain_text("from_store")


def test_a_widget_of_a_tutorial_is_live(page: Page, address: str):
    page.goto(f"{address}tutorials/quickstart.html")
    frame = page.locator("iframe.kx")
    frame.scroll_into_view_if_needed()
    root = frame.content_frame.locator("[data-kx-root]")
    canvas = root.locator("[data-kx-tile] canvas").first
    # The photographs are there before the maps.
    expect(canvas).to_have_attribute("aria-label", re.compile("peak "))
    before = pixels(canvas)
    assert before.std() > 10
    root.get_by_label("Opacity").first.fill("0")
    assert (pixels(canvas) != before).any()


def test_a_diagram_is_drawn(page: Page, served: str):
    page.goto(f"{served}protocol.html")
    diagram = page.locator("img[alt='A diagram']:visible")
    expect(diagram).to_have_count(1)
    assert diagram.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 0
