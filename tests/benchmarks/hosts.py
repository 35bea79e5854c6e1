"""From running the cell, or opening the page, until the first map is drawn, in every host of the tests."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Frame, Page

import kx_widget as kx
from tests.browser.hosts import bundles, pages, servers
from tests.browser.lab import PANEL, Lab, Notebook, write_notebook
from tests.browser.opened import Opened

HEAD = ("host", "asked", "first", "then, median of 5", "from")
ROUNDS = 5
SETUP = "import kx_widget as kx\n\nmodel, images, class_names, masks = kx.samples.load()"
WIDGET = "w = kx.KxWidget(model, images, class_names=class_names)\nw"
MAP = "[data-kx-root] [data-kx-tile] canvas[aria-label*='peak']"
NOTE = (
    "The sample network and its scenes. First, a kernel that has loaded the model makes its first widget, then others. "
    "Voila starts a kernel for each visitor, who waits for TensorFlow, too; marimo does so for the first one."
)


def rows() -> Iterator[tuple[str, ...]]:
    with Lab() as lab:
        for host, open_, asked in (
            ("JupyterLab", jupyterlab, "≤ 2 s"),
            ("Notebook", servers.notebook7, ""),
            ("VS Code's widgets", pages.vscode, ""),
            ("Colab's way", pages.colab, ""),
        ):
            with open_(lab, [SETUP]) as opened:
                if isinstance(opened, Notebook):
                    opened.add_cell("")
                yield row(host, asked, "running the cell", lambda opened=opened: by_cell(opened))
        for host, open_ in (("marimo", servers.marimo), ("Voila", servers.voila)):
            with open_(lab, [SETUP, WIDGET], has_door=False) as opened:
                url = opened.page.url
                yield row(host, "", "opening the page", lambda page=opened.page, url=url: by_page(page, url))
        with without_kernels() as files, lab.page((1280, 900)) as page:
            bundles.serve(page)
            for host, path in files.items():
                url = path.as_uri()
                yield row(host, "", "opening the page", lambda url=url: by_page(page, url))


def row(host: str, asked: str, start: str, seconds: Callable[[], float]) -> tuple[str, ...]:
    first, *others = [seconds() for _ in range(1 + ROUNDS)]
    spread = f"{statistics.median(others):.2f} s ({min(others):.2f} … {max(others):.2f})"
    return host, asked, f"{first:.2f} s", spread, start


@contextmanager
def jupyterlab(lab: Lab, codes: list[str]) -> Iterator[Notebook]:
    notebook = lab.open_cells(codes)
    notebook.run_all()
    yield notebook
    notebook.page.close()


def by_cell(opened: Opened) -> float:
    """Seconds from running the cell that makes and shows a widget; the one before is closed, with its views."""
    opened.execute("'w' in globals() and w.close()")
    opened.frame.locator(MAP).first.wait_for(state="detached")
    start = time.perf_counter()
    return drawn(begin(opened, WIDGET), start)


def begin(opened: Opened, code: str) -> Page | Frame:
    """Run a cell, and return at once where its output will be."""
    page = opened.page
    if isinstance(opened, Notebook):
        page.evaluate(CELL, code)
    elif isinstance(opened, pages.Colab):
        with page.expect_event("frameattached") as attached:
            page.evaluate("(code) => void runCell(code)", code)
        return attached.value
    else:
        page.evaluate("(code) => void runCell(code)", code)
    return page


CELL = f"""(code) => {{
    const {{ content }} = {PANEL};
    content.activeCellIndex = content.widgets.length - 1;
    content.activeCell.model.sharedModel.setSource(code);
    window.jupyterapp.commands.execute("notebook:run-cell");
}}"""


def by_page(page: Page, url: str) -> float:
    page.goto("about:blank")
    start = time.perf_counter()
    page.goto(url, wait_until="commit")
    return drawn(page, start)


def drawn(where: Page | Frame, start: float) -> float:
    """Seconds since the start, looked at in every frame that the browser draws."""
    where.locator(MAP).first.wait_for(timeout=120_000)
    return time.perf_counter() - start


@contextmanager
def without_kernels() -> Iterator[dict[str, Path]]:
    """A page that the widget has saved, and one that nbconvert has made of an executed notebook."""
    with tempfile.TemporaryDirectory() as folder:
        saved, notebook = Path(folder) / "saved.html", Path(folder) / "cells.ipynb"
        samples = kx.samples.load()
        with kx.KxWidget(samples.model, samples.images, class_names=samples.class_names) as w:
            w.wait()
            w.save(saved)
        write_notebook(notebook, [SETUP, WIDGET, "w.wait();"])
        command = [sys.executable, "-m", "nbconvert", "--execute", "--to", "html", notebook.name]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        yield {"a saved page": saved, "nbconvert's page": notebook.with_suffix(".html")}
