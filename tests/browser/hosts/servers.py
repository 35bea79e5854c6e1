"""Hosts that are real servers: JupyterLab, Notebook 7, Voila, marimo."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.browser.hosts import bundles
from tests.browser.hosts.door import through_door
from tests.browser.lab import Lab, Notebook, write_notebook
from tests.browser.opened import Opened
from tests.browser.server import Server, free_port, jupyter

DOOR = "from tests.browser.hosts.door import open_door\n\nopen_door({port}, globals())"
MARIMO = """
[tool.marimo.display]
theme = "system"

[tool.marimo.runtime]
auto_instantiate = true
"""
# Voila lacks what Notebook 7's part for JupyterLab wants.
DENIED = "extension_denylist=@jupyter-notebook/lab-extension"


class NotebookSeven(Notebook):
    """Notebook 7, which says on every start that it misses something of JupyterLab's."""

    HARMLESS = (*Notebook.HARMLESS, r"reading 'schema'")


class App(Opened):
    """A page that shows outputs only; its last cell opens a door to its kernel."""

    def __init__(self, page: Page, url: str, door: int) -> None:
        super().__init__(page)
        bundles.serve(page)
        self.door = door
        page.goto(url, wait_until="domcontentloaded")
        self.root().wait_for()

    def execute(self, code: str) -> str:
        """Run code in the notebook's process, in a thread of its own; what it prints is the host's."""
        return through_door(self.door, code, "exec")

    def value(self, expression: str) -> str:
        """The str of an expression, which no printing of the host's can disturb."""
        return through_door(self.door, expression, "eval")


class Voila(App):
    """Its theme is chosen by the page's address."""

    THEMES = ("dark",)

    def dress(self, theme: str) -> None:
        """It is dressed so from the start."""


class Marimo(App):
    """Told to wear the system's theme."""

    def dress(self, theme: str) -> None:
        """Change the system's theme."""
        self.page.emulate_media(color_scheme="dark" if theme == "dark" else "light")

    def cells(self) -> list[Any]:
        """The texts of the cells in the editor."""
        return self.page.locator("[data-cell-id] .cm-content").all_inner_texts()


@contextmanager
def jupyterlab(lab: Lab, codes: Sequence[str]) -> Iterator[Opened]:
    """The notebook in the lab, all cells run."""
    opened = lab.open_cells(codes)
    opened.run_all()
    yield opened
    opened.page.close()


@contextmanager
def notebook7(lab: Lab, codes: Sequence[str]) -> Iterator[Opened]:
    """The notebook in a server of Notebook 7, all cells run."""
    with folder() as place:
        write_notebook(place / "cells.ipynb", codes)
        with Server(place, jupyter("notebook", place)) as server, lab.page((1280, 900)) as page:
            opened = NotebookSeven(page, f"{server.url}/notebooks/cells.ipynb")
            opened.run_all()
            yield opened


@contextmanager
def voila(lab: Lab, codes: Sequence[str], *, has_door: bool = True) -> Iterator[Opened]:
    """The notebook as a page of Voila."""
    with folder() as place:
        door = write_with_door(place, codes, has_door)

        def command(port: int) -> list[str]:
            address = ["--no-browser", "--Voila.ip=127.0.0.1", f"--port={port}"]
            return ["voila", "cells.ipynb", *address, "--show_tracebacks=True", f"--VoilaConfiguration.{DENIED}"]

        with Server(place, command, ready="/voila/static/voila.js") as server, lab.page((1280, 900)) as page:
            yield Voila(page, f"{server.url}?theme=dark", door)


@contextmanager
def marimo(lab: Lab, codes: Sequence[str], *, mode: str = "run", has_door: bool = True) -> Iterator[Opened]:
    """The notebook, converted by marimo, as its app or, to "edit", in its editor."""
    with folder() as place:
        door = write_with_door(place, codes, has_door)
        (place / "pyproject.toml").write_text(MARIMO, encoding="utf-8")
        convert = [sys.executable, "-m", "marimo", "convert", "cells.ipynb", "-o", "cells.py"]
        subprocess.run(convert, cwd=place, check=True, capture_output=True)

        def command(port: int) -> list[str]:
            return ["marimo", "-q", mode, "cells.py", "--headless", "--no-token", "--host=127.0.0.1", f"--port={port}"]

        with Server(place, command, ready="/health") as server, lab.page((1280, 900)) as page:
            yield Marimo(page, server.url, door)


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for a notebook."""
    with tempfile.TemporaryDirectory(prefix="kx-host-", ignore_cleanup_errors=True) as path:
        yield Path(path)


def write_with_door(place: Path, codes: Sequence[str], has_door: bool) -> int:
    """Write a notebook whose last cell opens a door, if it has one; its port."""
    door = free_port()
    write_notebook(place / "cells.ipynb", [*codes, DOOR.format(port=door)] if has_door else codes)
    return door
