"""What holds of the package as a whole."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import kx_widget as kx

ROOT = Path(__file__).parents[1]
PYTHON = sorted((ROOT / "kx_widget").rglob("*.py"))
SCRIPT = sorted((ROOT / "js" / "src").rglob("*.ts*"))
PUBLIC = [
    "METHODS",
    "METRICS",
    "CancelledError",
    "Concepts",
    "Detection",
    "Display",
    "Evaluation",
    "ExplainCallback",
    "Explainer",
    "Explanation",
    "FormatError",
    "ImageError",
    "Inspection",
    "KxError",
    "KxWidget",
    "MapAgreement",
    "Method",
    "Metric",
    "MissingPackageError",
    "ModelComparison",
    "ModelError",
    "Parameter",
    "ParameterError",
    "Partial",
    "Region",
    "Step",
    "Store",
    "Target",
    "UnknownLayerError",
    "UnknownMethodError",
    "UnknownTargetError",
    "UnsupportedMethodError",
    "compare_models",
    "contrast",
    "detection",
    "dfine_boxes",
    "explain",
    "region",
    "retinanet_boxes",
    "samples",
    "similar_to",
]


def test_public_names():
    assert kx.__all__ == PUBLIC
    for name in PUBLIC:
        assert getattr(kx, name) is not None
        assert name in dir(kx)
    with pytest.raises(AttributeError, match="has no attribute 'Widget'"):
        kx.Widget  # noqa: B018


def test_importing_is_cheap():
    """No library comes with the import, TensorFlow only with the first model, and Python starts hardly later."""
    code = (
        "import sys; before = set(sys.modules); import kx_widget\n"
        "brought = {name.split('.')[0] for name in set(sys.modules) - before}\n"
        "assert brought - sys.stdlib_module_names == {'kx_widget'}, brought\n"
        "kx_widget.METHODS, kx_widget.METRICS, kx_widget.samples, kx_widget.KxError\n"
        "assert not {'tensorflow', 'keras', 'pyarrow', 'matplotlib', 'anywidget'} & set(sys.modules)"
    )
    run_python(code)
    nothing, imported = (min(run_python(code) for _ in range(5)) for code in ("pass", "import kx_widget"))
    assert imported < nothing + 0.1


def run_python(code):
    """The processor's seconds that a process of its own takes for this."""
    code += "\nimport time; print(time.process_time())"
    return float(subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True).stdout)


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_the_engine_knows_no_browser():
    browser = re.compile(r"anywidget|ipywidgets|traitlets|IPython")
    for path in (ROOT / "kx_widget" / "engine").rglob("*.py"):
        for name in imports(path):
            assert not browser.match(name), path


def test_methods_see_numbers_only():
    """A method knows nothing of TensorFlow, threads, progress bars or browsers."""
    for path in (ROOT / "kx_widget" / "engine" / "methods").glob("*.py"):
        for name in imports(path):
            assert name.split(".")[0] in {"collections", "functools", "typing", "numpy", "math", "kx_widget"}, path


def test_the_front_end_names_no_method():
    for path in SCRIPT:
        for method in kx.METHODS:
            assert not re.search(rf"[\"'`]{method}[\"'`]", path.read_text(encoding="utf-8")), f"{path} names {method}"


def test_nothing_points_outside():
    """No address of another machine in what runs: fonts, modules and weights come with the package."""
    allowed = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xhtml", "http://127.0.0.1"}
    for path in [*PYTHON, *SCRIPT]:
        for address in re.findall(r"https?://[\w./-]+", path.read_text(encoding="utf-8")):
            assert any(address.startswith(a) for a in allowed), f"{path}: {address}"


def test_lock_file_has_no_download_addresses():
    text = (ROOT / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in text
    assert "integrity" in text


def test_bundle_is_small_enough():
    assert (ROOT / "kx_widget" / "widget" / "static" / "widget.js").stat().st_size <= 360_000
