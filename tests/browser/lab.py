"""Drive a notebook in a real JupyterLab under headless Chromium."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Page, sync_playwright

from tests.browser.opened import Opened, launch
from tests.browser.server import Server, jupyter

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


class Notebook(Opened):
    """One notebook in one page of JupyterLab, or of Notebook 7, which is made of the same parts."""

    # Of its toolbar, in narrow windows.
    HARMLESS = (r"'removeChild' on 'Node'.*\s+at .*/static/lab/jlab_core\.",)

    def __init__(self, page: Page, url: str, timeout: float = 60) -> None:
        super().__init__(page, timeout)
        page.goto(url)
        page.locator(".jp-Notebook .jp-Cell").first.wait_for()
        self.wait_idle()

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

    def dress(self, theme: str) -> None:
        """Change JupyterLab's theme."""
        self.command("apputils:change-theme", theme=f"JupyterLab {theme.title()}")

    def run_cell(self, index: int) -> None:
        """Run a cell by its index and wait for its end."""
        self.page.evaluate(f"(i) => {{ {PANEL}.content.activeCellIndex = i; }}", index)
        self.command("notebook:run-cell")

    def find_cell(self, code: str) -> int:
        """The index of the first code cell that contains this code."""
        return next(
            i for i, cell in enumerate(self.cells()) if cell["cell_type"] == "code" and code in "".join(cell["source"])
        )

    def write_cell(self, index: int, code: str) -> None:
        """Give a cell another text."""
        self.page.evaluate(
            f"([i, code]) => {PANEL}.content.widgets[i].model.sharedModel.setSource(code)", [index, code]
        )

    def delete_cell(self, index: int) -> None:
        """Delete a cell by its index, whatever it does."""
        self.page.evaluate(f"(i) => {PANEL}.context.model.sharedModel.deleteCell(i)", index)

    def keep_cells(self, count: int) -> None:
        """Delete the cells after the first so many."""
        for index in reversed(range(count, len(self.cells()))):
            self.delete_cell(index)

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


class Lab:
    """A JupyterLab server and a browser, "chromium" unless told: `with Lab() as lab: lab.open(path)`."""

    def __init__(self, browser: str = "chromium") -> None:
        self._browser = browser

    def __enter__(self) -> Lab:
        with ExitStack() as stack:
            folder = stack.enter_context(
                tempfile.TemporaryDirectory(prefix="kx-notebooks-", ignore_cleanup_errors=True)
            )
            self._folder = Path(folder)
            self.server = stack.enter_context(Server(self._folder, jupyter("lab", self._folder)))
            playwright = stack.enter_context(sync_playwright())
            self.browser = stack.enter_context(launch(playwright, self._browser))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def page(self, size: tuple[int, int], **options: Any) -> Page:
        """A new page of the browser, width and height in pixels, with Playwright's options of a context."""
        return self.browser.new_page(viewport={"width": size[0], "height": size[1]}, **options)

    def close_all(self) -> None:
        """Close all pages and end all kernels, which would take memory and time of what comes after."""
        for context in self.browser.contexts:
            context.close()
        for session in json.loads(self.server.ask("/api/sessions")):
            self.server.ask(f"/api/sessions/{session['id']}", "DELETE")

    def open(self, notebook: Path, *, size: tuple[int, int] = (1280, 900)) -> Notebook:
        """Open a copy of a notebook, kernel started, nothing run."""
        copy = Path(tempfile.mkdtemp(dir=self._folder)) / notebook.name
        shutil.copy(notebook, copy)
        # Reloaded, JupyterLab opens what is open in the page's workspace: another page's would be others.
        place = f"workspaces/{copy.parent.name}/tree/{copy.relative_to(self._folder).as_posix()}"
        return Notebook(self.page(size), f"{self.server.url}/lab/{place}?reset")

    def open_cells(self, codes: Iterable[str], *, size: tuple[int, int] = (1280, 900)) -> Notebook:
        """Open a new notebook with these cells, kernel started, nothing run."""
        path = self._folder / "cells.ipynb"
        write_notebook(path, codes)
        return self.open(path, size=size)


def write_notebook(path: Path, codes: Iterable[str]) -> None:
    """Write a notebook with these cells."""
    cells = [nbformat.v4.new_code_cell(code) for code in codes]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
