"""From running the cell, or opening the page, until the first map is drawn, in every host of the tests."""

import statistics
import time
from collections.abc import Callable, Iterator

from playwright.sync_api import Frame, Page

from tests.browser.hosts import pages, servers
from tests.browser.lab import PANEL, Lab, Notebook
from tests.browser.opened import Opened

HEAD = ("host", "asked", "first", "then, median of 5", "from")
ROUNDS = 5
SETUP = "import kx_widget as kx\n\nmodel, images, class_names, masks = kx.samples.load()"
WIDGET = "w = kx.KxWidget(model, images, class_names=class_names)\nw"
MAP = "[data-kx-root] [data-kx-tile] canvas[aria-label*='peak']"
NOTE = (
    "The sample network and its scenes. First, a kernel that has loaded the model makes its first widget, then others. "
    "marimo's server has had a visitor before; Voila starts a kernel, and TensorFlow in it, for each."
)


def rows() -> Iterator[tuple[str, ...]]:
    with Lab() as lab:
        for host, open_, asked in (
            ("JupyterLab", servers.jupyterlab, "≤ 2 s"),
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
                page, url = opened.page, opened.page.url
                yield row(host, "", "opening the page", lambda page=page, url=url: by_page(page, url))
        with servers.folder() as place, lab.page((1280, 900)) as page:
            path = place / "view.html"
            with servers.jupyterlab(lab, [SETUP, WIDGET]) as opened:
                opened.execute(f"w.wait(); w.save({str(path)!r})")
            yield row("the page that w.save writes", "", "opening the file", lambda: by_page(page, path.as_uri()))


def row(host: str, asked: str, start: str, seconds: Callable[[], float]) -> tuple[str, ...]:
    first, *others = [seconds() for _ in range(1 + ROUNDS)]
    spread = f"{statistics.median(others):.2f} s ({min(others):.2f} … {max(others):.2f})"
    return host, asked, f"{first:.2f} s", spread, start


def by_cell(opened: Opened) -> float:
    """Seconds from running the cell that makes and shows a widget; the one before is closed, with its views."""
    opened.execute("'w' in globals() and w.close()")
    # Colab's outputs stay.
    opened.page.evaluate("() => document.querySelectorAll('iframe').forEach((frame) => frame.remove())")
    opened.page.locator(MAP).first.wait_for(state="detached")
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
