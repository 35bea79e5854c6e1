"""The notebooks run from the first cell to the last, and each tells what it set out to."""

import json
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

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


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_opens_in_colab_by_its_first_cell(name):
    cells = json.loads((ROOT / f"notebooks/{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    first = next(cell for cell in cells if cell["cell_type"] == "code")
    assert 'if "google.colab" in sys.modules:' in "".join(first["source"])
    assert not any(cell.get("outputs") for cell in cells)


def test_an_own_method_takes_no_more_than_twenty_lines():
    text = "".join(json.loads((ROOT / "notebooks/own_method.ipynb").read_text(encoding="utf-8"))["cells"][4]["source"])
    assert "def fewcam" in text
    assert len([line for line in text.splitlines() if line.strip()]) <= 20
