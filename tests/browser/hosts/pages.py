"""Hosts that cannot be had whole: VS Code's own widget manager, and Colab's way of showing widgets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from playwright.sync_api import Frame, Page

from tests.browser.hosts import bundles
from tests.browser.lab import Lab
from tests.browser.opened import Opened
from tests.browser.server import STATIC

# Another origin, as Colab's outputs have; never asked, for it is answered here.
FRAME = "https://output.invalid/"


class Webview(Opened):
    """A page of this folder, with a kernel of the lab's server."""

    def __init__(self, page: Page, url: str) -> None:
        super().__init__(page)
        bundles.serve(page)
        page.route(FRAME, lambda route: bundles.fulfil(route, STATIC / "output.html"))
        page.goto(url)
        page.wait_for_function("() => Boolean(window.runCell)")

    def _note(self, url: str) -> None:
        if url != FRAME:
            super()._note(url)

    def execute(self, code: str) -> str:
        """Run code in the kernel without a cell; what it printed, or its traceback raised."""
        return self._answered("execute", code)

    def run_cell(self, code: str) -> None:
        """Run code as a cell does, and show its widgets."""
        self._answered("runCell", code)

    def _answered(self, function: str, code: str) -> str:
        answer = self.page.evaluate(f"(code) => {function}(code)", code)
        if answer["error"]:
            raise RuntimeError(answer["error"])
        return answer["text"]


class VSCode(Webview):
    """Outputs are on the page itself, which is dressed by its body."""

    def dress(self, theme: str) -> None:
        """Say what VS Code says of a theme."""
        self.page.evaluate(
            "(t) => { document.body.className = document.body.dataset.vscodeThemeKind = t; }", f"vscode-{theme}"
        )


class Colab(Webview):
    """Each output is a frame."""

    @property
    def frame(self) -> Frame:
        """The last output."""
        return self.page.frames[-1]

    def dress(self, theme: str) -> None:
        """Say in the output what Colab says there of a theme."""
        self.frame.evaluate("(t) => document.documentElement.setAttribute('theme', t)", theme)


@contextmanager
def vscode(lab: Lab, codes: Sequence[str]) -> Iterator[Webview]:
    """All cells run on a page with VS Code's widget manager."""
    with lab.page((1280, 900)) as page:
        opened = VSCode(page, f"{lab.server.url}/static/vscode.html")
        for code in codes:
            opened.run_cell(code)
        yield opened


@contextmanager
def colab(lab: Lab, codes: Sequence[str]) -> Iterator[Webview]:
    """All cells run on a page that shows outputs as Colab does."""
    with lab.page((1280, 900)) as page:
        opened = Colab(page, f"{lab.server.url}/static/colab.html?frame={FRAME}")
        for code in codes:
            opened.run_cell(code)
        yield opened
