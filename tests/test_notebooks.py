"""The notebooks run from the first cell to the last, and each tells what it set out to."""

import importlib.util
import json
import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from kx_widget import install

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
TOLD = {
    "data_set": r"\(600,\s+\[\(.*broken.png',.*[1-9]\d* of 600 maps belong",
    "methods": r"Grad-CAM +\d+%",
    "own_method": r"largest difference from Grad-CAM: [\d.]+e-0[6-9]|0\.0e\+00",
    "own_model": r"right on new scenes: (9\d|100)%",
    "quickstart": r"'top'|\(\d+, 1, \d+, \d+\)",
    "wrong_prediction": r"without what is marked: -\d",
}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs(name):
    notebook = nbformat.read(ROOT / f"notebooks/{name}.ipynb", as_version=4)
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [o for o in outputs if o.output_type == "stream" and o.name == "stderr" and "Error" in o.text]
    told = "\n".join(o.get("text", "") or str(o.get("data", {}).get("text/plain", "")) for o in outputs)
    assert re.search(TOLD[name], told, re.DOTALL)
    assert any("application/vnd.jupyter.widget-view+json" in o.get("data", {}) for o in outputs)


def first_code_cell(name):
    cells = json.loads((ROOT / f"notebooks/{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    assert not any(cell.get("outputs") for cell in cells)
    return "".join(next(cell for cell in cells if cell["cell_type"] == "code")["source"])


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_first_cell_installs_in_colab_only_what_is_published(name, monkeypatch):
    text = first_code_cell(name)
    assert text == first_code_cell("quickstart")
    if install.PUBLISHED:
        assert f"%pip install --quiet {install.PUBLISHED}" in text
        return
    assert "%pip install --" not in text
    exec(text)
    monkeypatch.setitem(sys.modules, "google.colab", sys)
    exec(text)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r"run `make build` in a clone .* upload the wheel"):
        exec(text)


def test_nobody_is_told_to_install_a_name_that_is_not_published(monkeypatch):
    """Whoever registers such a name owns the machines of those who follow the advice."""
    by_name = re.compile(r"""\binstall (--?\S+ )*["'\\]*kx[-_.]widget["'\[\s\\]""")
    assert all(
        by_name.search(f"pip install {name} ") for name in ("-q kx-widget", "'kx_widget[plot]'", '\\"kx-widget\\"')
    )
    texts = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "notebooks").glob("*.ipynb")]
    texts += [path for ending in ("*.md", "*.py") for path in (ROOT / "kx_widget").rglob(ending)]
    for path in texts:
        told = by_name.search(path.read_text(encoding="utf-8"))
        assert install.PUBLISHED or told is None, f"{path}: {told and told[0]}"
    monkeypatch.setattr(install, "PUBLISHED", "some-name")
    assert install.how_to_install("plot") == "pip install 'some-name[plot]'"


def test_an_own_method_takes_no_more_than_twenty_lines():
    text = "".join(json.loads((ROOT / "notebooks/own_method.ipynb").read_text(encoding="utf-8"))["cells"][4]["source"])
    assert "def fewcam" in text
    assert len([line for line in text.splitlines() if line.strip()]) <= 20
