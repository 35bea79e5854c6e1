"""The front end alone, on the gallery's made-up kernel: every state is there within a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from playwright.sync_api import Locator, Page, expect

from tests.browser.opened import ROOT, pixels
from tests.browser.view import choose_method, control

WIDE, NARROW = 1120, 420


class Quiet(SimpleHTTPRequestHandler):
    """Serves the repository and says nothing."""

    def log_message(self, format: str, *args: Any) -> None:
        """Not to stderr."""


@contextmanager
def served() -> Iterator[str]:
    """The gallery's address while it is served."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=ROOT)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/js/gallery.html"
        finally:
            server.shutdown()
            thread.join()


class Gallery:
    """One page of the gallery, and what it complained about."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.errors: list[str] = []
        page.set_default_timeout(20_000)
        page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: self.errors.append(str(e)))
        page.goto(url)
        self.root = page.locator("[data-kx-root]").first
        self.root.wait_for()
        self.canvases = self.root.locator("[data-kx-tile] canvas")

    def await_status(self, status: str) -> None:
        """Wait until the view shows this status."""
        expect(self.root).to_have_attribute("data-status", status, timeout=20_000)

    def button(self, name: str) -> Locator:
        """The button of that name."""
        return self.root.get_by_role("button", name=name, exact=True)

    def field(self, name: str) -> Locator:
        """The control with that label; the popup that it lies in is opened first."""
        return control(self.root, name)

    def choose_method(self, method: str) -> None:
        """Choose a method by its id."""
        choose_method(self.root, method)

    def other_pixels(self, canvas: Locator, before: np.ndarray) -> np.ndarray:
        """Wait until a canvas shows something else, and return it."""
        deadline = time.monotonic() + 20
        while not ((now := pixels(canvas)) != before).any():
            assert time.monotonic() < deadline, "the canvas still shows the same"
        return now

    def trait(self, name: str) -> Any:
        """A trait as the kernel would see it."""
        return self.page.evaluate("(name) => gallery.model.get(name)", name)


Open = Callable[..., Gallery]
