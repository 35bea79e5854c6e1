"""A notebook in a page of whatever host: what is seen in it, what it asked for, what it complained about."""

from __future__ import annotations

import base64
import json
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import numpy as np
from playwright.sync_api import Browser, Frame, Locator, Page, Playwright, WebSocket

from tests.browser.chromium import require
from tests.browser.hosts.bundles import file_of

ROOT = Path(__file__).parents[2]
T = TypeVar("T")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
BIDI = {"firefox": "tests.browser.bidi.firefox_relay", "webkit": "tests.browser.bidi.webkit_bridge"}
PREFERENCES: dict[str, str | float | bool] = {
    "network.proxy.type": 1,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
}
# Nothing that is seen changes sooner.
NEXT_FRAME = "() => new Promise((resolve) => requestAnimationFrame(() => resolve()))"
PIXELS = """async (canvas) => {
    const context = document.createElement("canvas").getContext("2d");
    const nextFrame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    // What has arrived is drawn in the next animation frame.
    await nextFrame();
    let bytes = [];
    // Until its picture is decoded, the middle of a tile is not opaque.
    for (let frame = 0, middle = 0; frame < 600 && bytes[middle] !== 255; frame++) {
        await nextFrame();
        const { width, height } = canvas;
        if (width === 0 || height === 0) continue;
        Object.assign(context.canvas, { width, height });
        context.drawImage(canvas, 0, 0);
        bytes = context.getImageData(0, 0, width, height).data;
        middle = 4 * ((height >> 1) * width + (width >> 1)) + 3;
    }
    const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
    return [canvas.height, canvas.width, btoa(text)];
}"""


class Opened:
    """A page with a notebook; a host's driver tells how its kernel is asked."""

    # Complaints that the host has with any notebook, as regular expressions.
    HARMLESS: tuple[str, ...] = ()
    # Those that it can be shown in, one after the other.
    THEMES: tuple[str, ...] = ("dark", "light")

    def __init__(self, page: Page, timeout: float = 60) -> None:
        self.page = page
        self.console_errors: list[str] = []
        self.foreign_requests: list[str] = []
        # How many of the page's questions the kernel has taken.
        self.questions = 0
        # What comes over the wire, while somebody wants it.
        self.received: list[bytes] | None = None
        page.set_default_timeout(timeout * 1000)
        page.on("console", lambda m: self._complain(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: self._complain(e.stack or str(e)))
        page.on("request", lambda r: self._note(r.url))
        page.on("websocket", self._listen)
        page.on("dialog", lambda d: d.accept())

    def _complain(self, text: str) -> None:
        if not any(re.search(harmless, text) for harmless in self.HARMLESS):
            self.console_errors.append(text)

    def _note(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.hostname != "127.0.0.1" and not file_of(url):
            self.foreign_requests.append(url)

    def _listen(self, socket: WebSocket) -> None:
        self._note(socket.url)

        def count(payload: str | bytes) -> None:
            text = payload if isinstance(payload, bytes) else payload.encode()
            self.questions += b'"queued"' in text
            if self.received is not None:
                self.received.append(text)

        socket.on("framereceived", count)

    @property
    def frame(self) -> Page | Frame:
        """Where the widget's views are."""
        return self.page

    def execute(self, code: str) -> str:
        """Run code in the kernel without a cell; what it printed, or its traceback raised."""
        raise NotImplementedError

    def dress(self, theme: str) -> None:
        """Let the host show itself in another theme."""
        raise NotImplementedError

    def cells(self) -> list[Any]:
        """The cells, where the host lets users edit them."""
        return []

    def value(self, expression: str) -> str:
        """The str of a Python expression in the kernel."""
        return self.execute(f"print({expression}, end='')")

    def numbers(self, expression: str) -> np.ndarray:
        """A flat array of numbers from the kernel."""
        return np.array(json.loads(self.value(f"[float(x) for x in {expression}]")))

    def root(self, index: int = -1) -> Locator:
        """A view's root element, the last one unless told; Playwright looks through open shadow roots."""
        return self.frame.locator("[data-kx-root]").nth(index)

    def screenshot(self, path: str) -> None:
        """Keep a picture of the page, at a path inside the repository."""
        self.page.screenshot(path=ROOT / path)

    def until(self, condition: Callable[[], T | None], what: str, timeout: float = 30) -> T:
        """Wait until a condition is neither False nor None, and return its value."""
        deadline = time.monotonic() + timeout
        while (value := condition()) is None or (isinstance(value, bool | np.bool_) and not value):
            if time.monotonic() > deadline:
                raise TimeoutError(f"not within {timeout} s: {what}")
            self.page.evaluate(NEXT_FRAME)
        return value


def pixels(canvas: Locator) -> np.ndarray:
    """A canvas's backing store, RGBA (height, width, 4), once its picture is there."""
    height, width, encoded = canvas.evaluate(PIXELS)
    return np.frombuffer(base64.b64decode(encoded), np.uint8).reshape(height, width, 4)


def ready_to_paint(root: Locator) -> Locator:
    """The large picture, once it takes strokes and lies where it stays."""
    canvas = root.locator("[data-painting] .close-up canvas")
    pixels(canvas)
    return canvas


def place(canvas: Locator, x: float, y: float) -> tuple[float, float]:
    """A point of a picture, in fractions, on the page."""
    box = canvas.bounding_box()
    assert box is not None
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def launch(playwright: Playwright, name: str = "chromium") -> Browser:
    """A headless Chromium, Firefox or WebKit that finds no machine but this one."""
    if name == "chromium":
        return playwright.chromium.launch(executable_path=require(), args=list(FLAGS))
    # Playwright speaks WebDriver BiDi with browsers as they are, not only with its own.
    environment = {**os.environ, "KX_PYTHON": sys.executable, "KX_BROWSER": BIDI[name], "PYTHONPATH": str(ROOT)}
    return playwright.firefox.launch(
        channel="moz-firefox",
        executable_path=ROOT / "tests/browser/bidi/run.sh",
        env=environment,
        firefox_user_prefs=PREFERENCES,
    )
