"""Drive a notebook in a real JupyterLab under headless Chromium."""

from __future__ import annotations

import base64
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import nbformat
import numpy as np
from playwright.sync_api import Locator, Page, WebSocket, sync_playwright

from tests.browser.chromium import require
from tests.browser.server import Server

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
# Not the tab in front: that may be another one.
PANEL = "[...window.jupyterapp.shell.widgets('main')].find((tab) => tab.context?.model?.cells)"
IDLE = """() => {
    const kernel = window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel;
    return kernel?.connectionStatus === "connected" && kernel.status === "idle";
}"""
EXECUTE = f"""async (code) => {{
    const kernel = {PANEL}.sessionContext.session.kernel;
    const future = kernel.requestExecute({{ code, store_history: false }});
    const answer = {{ text: "", error: "" }};
    future.onIOPub = ({{ content }}) => {{
        answer.text += content.text ?? content.data?.["text/plain"] ?? "";
        if (content.traceback) answer.error = content.traceback.join("\\n");
    }};
    await future.done;
    return answer;
}}"""
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


class Notebook:
    """One notebook in one page of JupyterLab, with what the page complained about."""

    def __init__(self, page: Page, url: str, timeout: float = 60) -> None:
        self.page = page
        self.console_errors: list[str] = []
        self.foreign_requests: list[str] = []
        # How many of the page's questions the kernel has taken.
        self.questions = 0
        page.set_default_timeout(timeout * 1000)
        page.on("console", lambda m: self.console_errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: self.console_errors.append(str(e)))
        page.on("request", lambda r: self._note(r.url))
        page.on("websocket", self._listen)
        page.on("dialog", lambda d: d.accept())
        page.goto(url)
        page.locator(".jp-Notebook .jp-Cell").first.wait_for()
        self.wait_idle()

    def _note(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.hostname != "127.0.0.1":
            self.foreign_requests.append(url)

    def _listen(self, socket: WebSocket) -> None:
        self._note(socket.url)

        def count(payload: str | bytes) -> None:
            text = payload if isinstance(payload, bytes) else payload.encode()
            self.questions += b'"queued"' in text

        socket.on("framereceived", count)

    def wait_idle(self, timeout: float = 120) -> None:
        """Wait until the kernel is connected and idle."""
        self.page.wait_for_function(IDLE, timeout=timeout * 1000)

    def command(self, name: str, **arguments: str) -> None:
        """Run a JupyterLab command, such as "notebook:run-all-cells", to its end."""
        script = "([name, arguments]) => window.jupyterapp.commands.execute(name, arguments).then(() => {})"
        self.page.evaluate(script, [name, arguments])

    def run_all(self, timeout: float = 120) -> None:
        """Run all cells; an error in one of them is raised here."""
        self.command("notebook:run-all-cells")
        self.wait_idle(timeout)
        if errors := self.cell_errors():
            raise RuntimeError("\n".join(errors))

    def execute(self, code: str) -> str:
        """Run code in the kernel without a cell; what it printed, or its traceback raised."""
        answer = self.page.evaluate(EXECUTE, code)
        if answer["error"]:
            raise RuntimeError(answer["error"])
        return answer["text"]

    def value(self, expression: str) -> str:
        """The str of a Python expression in the kernel."""
        return self.execute(f"print({expression}, end='')")

    def numbers(self, expression: str) -> np.ndarray:
        """A flat array of numbers from the kernel."""
        return np.array(json.loads(self.value(f"[float(x) for x in {expression}]")))

    def run_cell(self, index: int) -> None:
        """Run a cell by its index and wait for its end."""
        self.page.evaluate(f"(i) => {{ {PANEL}.content.activeCellIndex = i; }}", index)
        self.command("notebook:run-cell")

    def find_cell(self, code: str) -> int:
        """The index of the first code cell that contains this code."""
        return next(
            i for i, cell in enumerate(self.cells()) if cell["cell_type"] == "code" and code in "".join(cell["source"])
        )

    def delete_cell(self, index: int) -> None:
        """Delete a cell by its index, whatever it does."""
        self.page.evaluate(f"(i) => {{ {PANEL}.content.activeCellIndex = i; }}", index)
        self.command("notebook:delete-cell")

    def add_cell(self, code: str) -> None:
        """Add a cell at the end and run it."""
        self.page.evaluate(f"() => {{ {PANEL}.content.activeCellIndex = {PANEL}.content.widgets.length - 1; }}")
        self.command("notebook:insert-cell-below")
        self.page.evaluate(f"(code) => {PANEL}.content.activeCell.model.sharedModel.setSource(code)", code)
        self.command("notebook:run-cell")

    def cells(self) -> list[dict[str, Any]]:
        """The cells as nbformat has them."""
        return self.page.evaluate(f"() => {PANEL}.context.model.toJSON().cells")

    def sources(self) -> list[str]:
        """The cells' texts."""
        return ["".join(c["source"]) for c in self.cells()]

    def cell_errors(self) -> list[str]:
        """The tracebacks in the cells' outputs."""
        outputs = [o for c in self.cells() for o in c.get("outputs", []) if o["output_type"] == "error"]
        return ["\n".join(o["traceback"]) for o in outputs]

    def root(self, index: int = -1) -> Locator:
        """A view's root element, the last one unless told; Playwright looks through open shadow roots."""
        return self.page.locator("[data-kx-root]").nth(index)

    def screenshot(self, path: str) -> None:
        """Keep a picture of the page, at a path inside the repository."""
        self.page.screenshot(path=ROOT / path)

    def until(self, condition: Callable[[], T | None], what: str, timeout: float = 30) -> T:
        """Wait until a condition is neither False nor None, and return its value."""
        deadline = time.monotonic() + timeout
        while (value := condition()) is None or value is False:
            if time.monotonic() > deadline:
                raise TimeoutError(f"not within {timeout} s: {what}")
            self.page.evaluate(NEXT_FRAME)
        return value


def pixels(canvas: Locator) -> np.ndarray:
    """A canvas's backing store, RGBA (height, width, 4), once its picture is there."""
    height, width, encoded = canvas.evaluate(PIXELS)
    return np.frombuffer(base64.b64decode(encoded), np.uint8).reshape(height, width, 4)


class Lab:
    """A JupyterLab server and a browser: `with Lab() as lab: lab.open(path)`."""

    def __enter__(self) -> Lab:
        with ExitStack() as stack:
            folder = stack.enter_context(
                tempfile.TemporaryDirectory(prefix="kx-notebooks-", ignore_cleanup_errors=True)
            )
            self._folder = Path(folder)
            self._server = stack.enter_context(Server(self._folder))
            playwright = stack.enter_context(sync_playwright())
            self._browser = playwright.chromium.launch(executable_path=require(), args=list(FLAGS))
            stack.callback(self._browser.close)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def page(self, size: tuple[int, int], **options: Any) -> Page:
        """A new page of the browser, width and height in pixels, with Playwright's options of a context."""
        return self._browser.new_page(viewport={"width": size[0], "height": size[1]}, **options)

    def open(self, notebook: Path, *, size: tuple[int, int] = (1280, 900)) -> Notebook:
        """Open a copy of a notebook, kernel started, nothing run."""
        copy = Path(tempfile.mkdtemp(dir=self._folder)) / notebook.name
        shutil.copy(notebook, copy)
        return Notebook(
            self.page(size), f"{self._server.url}/lab/tree/{copy.relative_to(self._folder).as_posix()}?reset"
        )

    def open_cells(self, codes: Iterable[str]) -> Notebook:
        """Open a new notebook with these cells, kernel started, nothing run."""
        cells = [nbformat.v4.new_code_cell(code) for code in codes]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        path = self._folder / "cells.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
        return self.open(path)
