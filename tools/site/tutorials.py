"""Runs the notebooks and writes what they show to docs/tutorials; `python -m tools.site.tutorials [NAME…]`.

A page of the site is a notebook as Markdown. In place of each widget stands its saved page: here the state of the page,
`NAME/1.json`, from which `make docs` makes the page with the front end that is there then.
"""

import hashlib
import io
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbconvert import MarkdownExporter
from PIL import Image

ROOT = Path(__file__).parents[2]
NOTEBOOKS, TUTORIALS = ROOT / "notebooks", ROOT / "docs/tutorials"
WIDGET = "application/vnd.jupyter.widget-view+json"
SECONDS = 300
# Of a page, bundle included: what its answers may take beside the pictures.
MEGABYTES = 0.6
# Of a store, whose page shows some of its maps.
ROWS = 48
# Of a cell whose widget goes on while later ones run, and whose page is that of the end.
FOLLOWS = "follows"
SAVE = """
import pathlib, ipywidgets, kx_widget
shown, path = ipywidgets.widgets.widget._instances[{model_id!r}], pathlib.Path({path!r})
if isinstance(shown, kx_widget.KxWidget):
    shown.wait()
    try:
        path.write_text(shown.to_html({megabytes}), encoding="utf-8")
    except kx_widget.FormatError:
        from kx_widget.widget.store_page import MapChoice, write_page

        write_page(kx_widget.Store(shown._source.path), path, MapChoice({rows}), {megabytes})
"""
STATE = re.compile(
    r'<title>(?P<title>.*?)</title>.*?<script type="application/json" id="state">(?P<state>.*?)</script>', re.S
)
FRAME = '<iframe class="kx" src="{name}/{number}.html" title="The widget" loading="lazy"></iframe>\n'


class WidgetSaver(NotebookClient):
    """Runs a notebook, and saves the page of each widget as it is when its cell has run, or the last of all.

    Args:
        notebook: to run; an output that shows a widget becomes the frame of its page.
        folder: where the states are written.
    """

    def __init__(self, notebook: nbformat.NotebookNode, folder: Path) -> None:
        super().__init__(notebook, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}})
        self._folder, self._count = folder, 0
        # By the number of its page, the widget that goes on.
        self._following: dict[int, str] = {}

    async def async_execute_cell(
        self, cell: Any, cell_index: int, execution_count: int | None = None, store_history: bool = True
    ) -> Any:
        """Run a cell, and what saves the widgets that it has shown."""
        done = await super().async_execute_cell(cell, cell_index, execution_count, store_history)
        for number, model_id in self._following.items():
            await self._save(model_id, number, cell_index)
        for output in cell.get("outputs", ()):
            model_id = output.get("data", {}).get(WIDGET, {}).get("model_id")
            if model_id and await self._save(model_id, self._count + 1, cell_index):
                self._count += 1
                output["data"] = {"text/html": FRAME.format(name=self._folder.name, number=self._count)}
                if FOLLOWS in cell.metadata.get("tags", ()):
                    self._following[self._count] = model_id
        return done

    async def _save(self, model_id: str, number: int, cell_index: int) -> bool:
        """Write the state of a widget's page; False if it is another widget than ours."""
        path = self._folder / "page.html"
        scratch = nbformat.v4.new_code_cell(
            SAVE.format(model_id=model_id, path=str(path), megabytes=MEGABYTES, rows=ROWS)
        )
        cell = self.nb.cells[cell_index]
        await super().async_execute_cell(scratch, cell_index, store_history=False)
        self.nb.cells[cell_index] = cell
        if not path.exists():
            return False
        match = STATE.search(path.read_text("utf-8"))
        assert match, "a saved page holds its state"
        state = {"title": match["title"], "state": json.loads(match["state"])}
        text = json.dumps(state, ensure_ascii=False) + "\n"
        (self._folder / f"{number}.json").write_text(text, encoding="utf-8")
        path.unlink()
        return True


def sources(notebook: nbformat.NotebookNode) -> str:
    """A digest of what a notebook says and does, whatever it has shown."""
    return hashlib.sha256(json.dumps([cell.source for cell in notebook.cells]).encode()).hexdigest()


def read(name: str) -> nbformat.NotebookNode:
    """A notebook of the repository."""
    return nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)


def write(name: str) -> None:
    """Run a notebook and write its page."""
    notebook, folder = read(name), TUTORIALS / name
    digest = sources(notebook)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    notebook.cells = [cell for cell in notebook.cells if "google.colab" not in cell.source]
    WidgetSaver(notebook, folder).execute()
    for cell in notebook.cells:
        cell["outputs"] = [_small(output) for output in cell.get("outputs", ()) if output.get("name") != "stderr"]
    text, resources = MarkdownExporter().from_notebook_node(notebook, {"output_files_dir": name})
    for path, data in resources["outputs"].items():
        _write_picture(TUTORIALS / path, data)
    text = re.sub(r"\n{3,}", "\n\n", text)
    text = re.sub(r"\]\(\.\./docs/", "](../", text).replace(".png)", ".webp)")
    text = re.sub(r"!\[png\]", "![What the cell shows]", re.sub(r"\]\((\w+)\.ipynb\)", r"](\1.md)", text))
    header = f"<!-- Made of notebooks/{name}.ipynb by `make docs-notebooks`. {digest} -->\n"
    (TUTORIALS / f"{name}.md").write_text(header + text.strip() + "\n", encoding="utf-8")


def _small(output: Any) -> Any:
    """An output without what nobody sees: the words beside a picture or a table."""
    data = output.get("data", {})
    richest = next((kind for kind in ("text/html", "image/png", "text/plain") if kind in data), None)
    if richest:
        output["data"] = {richest: data[richest]}
    return output


def _write_picture(path: Path, data: bytes) -> None:
    with Image.open(io.BytesIO(data)) as picture:
        picture.convert("RGB").save(path.with_suffix(".webp"), quality=80, method=6)


if __name__ == "__main__":
    for chosen in sys.argv[1:] or sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")):
        write(chosen)
        print(chosen, flush=True)
