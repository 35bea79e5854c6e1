"""A server for the gallery, and its pages in the browser of the lab."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.browser.gallery.page import WIDE, Gallery, Open
from tests.browser.lab import ROOT, Lab


class Quiet(SimpleHTTPRequestHandler):
    """Serves the repository and says nothing."""

    def log_message(self, format: str, *args: Any) -> None:
        """Not to stderr."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=ROOT)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/js/gallery.html"
        server.shutdown()
        thread.join()


@pytest.fixture
def gallery(lab: Lab, address: str) -> Iterator[Open]:
    """Opens the gallery with a query at a width; in the end nothing may have gone wrong in the page."""
    opened: list[Gallery] = []

    def open_(query: str = "", width: int = WIDE) -> Gallery:
        page = lab.page((width, 900))
        opened.append(Gallery(page, f"{address}?{query}"))
        return opened[-1]

    yield open_
    for one in opened:
        one.page.close()
        assert one.errors == []
